"""Plain data to YAML in block style."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from nrun.errors import ConfigError
from nrun_config_yaml.reader import MOST_DEPTH, MOST_VALUES
from nrun_config_yaml.scalars import MOST_DIGITS, may_be_plain, plain_text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nrun.model import Json
    from nrun_config_yaml.reader import Path

_MUST_BE_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")  # beyond what JSON escapes
_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_SIMPLE_KEY = 1000  # YAML allows 1,024 characters
_BIG = 10**MOST_DIGITS


class Writer:
    """Writes one value, once."""

    def __init__(self, comments: Mapping[Path, str], order: Json) -> None:
        self._comments = comments
        self._lines: list[str] = []
        self._order = order
        self._values = 0
        self._known: dict[int, tuple[int, int] | None] = {}
        """For each mapping: how many values it has and how deep it goes; None while it is looked through."""
        self._shared: set[int] = set()
        self._anchors: dict[int, str] = {}

    def write(self, data: Json) -> str:
        """The text for `data`. Raises ConfigError for what would not be read back."""
        self._survey(data, ())
        self._comment((), "")
        self._value("", data, (), "", self._order)
        return "\n".join(self._lines) + "\n"

    # ---- what there is

    def _survey(self, value: Json, path: Path) -> int:
        """Look through a value for what is shared and what cannot be written. Returns how deep it goes."""
        before, depth = self._values, 0
        if isinstance(value, dict) and id(value) in self._known:
            known = self._known[id(value)]
            if known is None:
                raise _unwritable(path, "the mapping contains itself")
            self._shared.add(id(value))
            self._values += known[0]
            depth = known[1]
        else:
            self._values += 1
            if len(path) <= MOST_DEPTH:
                depth = self._survey_items(value, path)
            if isinstance(value, dict):
                self._known[id(value)] = self._values - before, depth
        if len(path) + depth > MOST_DEPTH:
            raise _unwritable(path[:8], f"nested more than {MOST_DEPTH} deep")
        if self._values > MOST_VALUES:
            raise _unwritable((), f"more than {MOST_VALUES:,} values, with shared mappings written out")
        return depth

    def _survey_items(self, value: Json, path: Path) -> int:
        items: Iterable[tuple[str | int, Json]] = ()
        if isinstance(value, dict):
            self._known[id(value)] = None
            items = value.items()
            for key in value:
                _check_text(key, path)
        elif isinstance(value, list):
            items = enumerate(value)
        elif type(value) not in {type(None), bool, int, float, str}:
            raise _unwritable(path, f"a value of type {type(value).__name__} is not plain data")
        elif isinstance(value, str):
            _check_text(value, path)
        elif isinstance(value, int) and not -_BIG < value < _BIG:
            raise _unwritable(path, f"a number of more than {MOST_DIGITS} digits")
        return max((1 + self._survey(item, (*path, key)) for key, item in items), default=0)

    # ---- lines

    def _value(self, head: str, value: Json, path: Path, indent: str, order: Json) -> None:
        """Write `value` behind `head`; what is inside goes on lines of its own that begin with `indent`."""
        space = " " if head else ""
        if isinstance(value, dict):
            if id(value) in self._anchors:
                self._lines.append(f"{head} *{self._anchors[id(value)]}")
                return
            if id(value) in self._shared:
                self._anchors[id(value)] = f"shared{len(self._anchors) + 1}"
                head += f" &{self._anchors[id(value)]}"
        if isinstance(value, dict | list) and value:
            self._items(head, value, path, indent, order)
        elif isinstance(value, str) and head and _may_be_block(value):
            self._block(head, value, indent)
        else:
            self._lines.append(head + space + _scalar(value))

    def _items(self, head: str, value: dict[str, Json] | list[Json], path: Path, indent: str, order: Json) -> None:
        keys = _keys(value, order)
        lead = indent
        if not head:
            lead = ""
        elif head.endswith("-") and (*path, keys[0]) not in self._comments:
            lead = f"{head} "
        else:
            self._lines.append(head)
        for key in keys:
            here = (*path, key)
            self._comment(here, indent)
            if isinstance(key, int):
                head = f"{lead}-"
            elif len(name := _text(key)) <= _LONGEST_SIMPLE_KEY:
                head = f"{lead}{name}:"
            else:
                self._lines.append(f"{lead}? {name}")
                head = f"{indent}:"
            self._value(head, value[key], here, f"{indent}  ", _item(order, key))  # type: ignore[index] # each has its kind of key
            lead = indent

    def _block(self, head: str, text: str, indent: str) -> None:
        lines = text.split("\n")
        chomping = "-"
        if text.endswith("\n"):
            chomping = "+" if text.endswith("\n\n") else ""
            lines.pop()
        self._lines.append(f"{head} |{chomping}")
        self._lines += [indent + line if line else "" for line in lines]

    def _comment(self, path: Path, indent: str) -> None:
        if path in self._comments:
            for line in self._comments[path].split("\n"):
                shown = "".join(char if char.isprintable() else " " for char in line)
                self._lines.append(f"{indent}# {shown}".rstrip() if shown else "")


def _keys(value: dict[str, Json] | list[Json], order: Json) -> list[str] | list[int]:
    """The keys, those that `order` has first and in its order."""
    if isinstance(value, list):
        return list(range(len(value)))
    first = [key for key in order if key in value] if isinstance(order, dict) else []
    return [*first, *(key for key in value if key not in order)] if isinstance(order, dict) else list(value)


def _item(order: Json, key: str | int) -> Json:
    if isinstance(order, dict) and isinstance(key, str):
        return order.get(key)
    if isinstance(order, list) and isinstance(key, int) and key < len(order):
        return order[key]
    return None


def _scalar(value: Json) -> str:
    if isinstance(value, dict | list):
        return "{}" if isinstance(value, dict) else "[]"
    return _text(value) if isinstance(value, str) else plain_text_of(value)


def _text(text: str) -> str:
    """`text` on one line: plain where that is safe, otherwise in double quotes."""
    if may_be_plain(text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _MUST_BE_ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _may_be_block(text: str) -> bool:
    """Whether `text` has lines, and comes back as it is when they are written as such."""
    return "\n" in text and text[0] not in " \t\n" and text.replace("\n", "").replace("\t", "").isprintable()


def _check_text(text: object, path: Path) -> None:
    if not isinstance(text, str):
        raise _unwritable(path, f"the key {text!r} is not text", hint='write {"$dict": [[key, value], …]}')
    if _SURROGATE.search(text):
        raise _unwritable(path, f"{text[:40]!r} has a lone surrogate, which no file can hold")


def _unwritable(path: Path, what: str, hint: str | None = None) -> ConfigError:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    return ConfigError(f"{where or 'the document'}: {what}", hint=hint)
