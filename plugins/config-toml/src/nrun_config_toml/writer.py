"""Tables to TOML."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from nrun_config_toml.places import Places

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nrun_config_toml.problem import Path

Toml: TypeAlias = Any  # what TOML has: tables, arrays, texts, numbers and booleans, nested in any way

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_LINE = 100


def text_of(table: dict[str, Toml]) -> str:
    """`table` as a document: what fits on a line first, then the tables inside, under headings of their own."""
    lines = list(_table(table, ""))
    return "\n".join(lines).removeprefix("\n") + "\n" if lines else ""


def with_comments(text: str, comments: Mapping[Path, str]) -> str:
    """`text` with each comment above the line on which its value begins."""
    if not comments:
        return text
    places = Places(text)
    places.look()
    above: dict[int, list[str]] = {}
    for path, place in places.found.items():
        if path in comments:
            above.setdefault(place[0], []).extend(comments[path].split("\n"))
    lines = [*map(_comment, comments[()].split("\n")), ""] if () in comments else []
    for number, line in enumerate(text.split("\n"), start=1):
        indent = line[: len(line) - len(line.lstrip(" "))]
        lines += [indent + _comment(each) for each in above.get(number, ())]
        lines.append(line)
    return "\n".join(lines)


def _table(table: dict[str, Toml], name: str) -> Iterator[str]:
    for key, value in table.items():
        if not has_heading(value):
            yield from _value(f"{_key(key)} = ", value)
    for key, value in table.items():
        if has_heading(value):
            inner = f"{name}.{_key(key)}" if name else _key(key)
            for item in value if isinstance(value, list) else [value]:
                yield ""
                yield f"[[{inner}]]" if isinstance(value, list) else f"[{inner}]"
                yield from _table(item, inner)


def _value(head: str, value: Toml) -> Iterator[str]:
    line = head + inline(value)
    if isinstance(value, str) and "\n" in value:
        yield head + block(value)
    elif isinstance(value, list) and len(line) > _LONGEST_LINE:
        yield f"{head}["
        for item in value:
            yield f"  {inline(item)},"
        yield "]"
    else:
        yield line


def has_heading(value: Toml) -> bool:
    """Whether `value` is a table, or an array of nothing else. A form such as `{"$tuple" = […]}` stays on its line."""
    if isinstance(value, dict):
        return not (len(value) == 1 and next(iter(value)).startswith("$"))
    return isinstance(value, list) and bool(value) and all(isinstance(i, dict) and has_heading(i) for i in value)


def inline(value: Toml) -> str:
    """`value` on one line."""
    if isinstance(value, dict):
        items = ", ".join(f"{_key(key)} = {inline(item)}" for key, item in value.items())
        return f"{{ {items} }}" if items else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(inline, value))}]"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value)  # of the floats too, with nan and inf


def _comment(line: str) -> str:
    shown = "".join(char if char.isprintable() else " " for char in line)
    return f"# {shown}".rstrip()


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # its escapes are those of TOML


def block(text: str) -> str:
    """`text` with its lines as they are."""
    escaped = "\n".join(_quoted(line)[1:-1].replace('\\"', '"') for line in text.split("\n"))
    escaped = re.sub('""|"$(?!\n)', lambda found: f'{found[0][:-1]}\\"', escaped)  # never three in a row
    return f'"""\n{escaped}"""'
