"""What may come next in an item such as `model.layers+=2` or `optimizer=adam(lr=`, told from an index."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nrun_language_overrides.completion.places import files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Json = dict[str, Any]
    Answer = tuple[str, str, bool]
    """What may stand in place of the incomplete word, a line about it, and whether the word would then be whole."""

RUN = "run"
DEEP = "..."
OPERATORS = {
    "number": ("=", "+=", "-=", "*=", "/="),
    "list": ("=", "+=", "-="),
    "map": ("=", "+="),
    "text": ("=", "+="),
}
_CHANGE = re.compile(r"(?P<path>.+?)(?P<operator>(?:\?|\+|-|\*\*?|//?|\||&|@)?=)(?P<value>.*)", re.DOTALL)
_NAMED = re.compile(r"[\w.:]+")


def items(index: Json, typed: Sequence[str], incomplete: str) -> list[Answer]:
    """What may stand in place of `incomplete` after the items `typed`: paths, values, factories, files."""
    if incomplete.startswith("@"):
        return files(incomplete[1:], "@")
    change = _CHANGE.fullmatch(incomplete)
    chosen = {item["path"]: item["value"] for item in map(_CHANGE.fullmatch, typed) if item}
    if change is None:
        found = _everywhere(index) if incomplete.startswith(DEEP) else _paths(index, incomplete, chosen)
        return [answer for answer in found if answer[0].startswith(incomplete)]
    argument = _argument(index, change["path"], chosen)
    before = change["path"] + change["operator"]
    if change["value"].startswith("@"):
        return files(change["value"][1:], before + "@")
    return [] if argument is None else list(_values(index, argument, change["value"], before))


def _paths(index: Json, incomplete: str, chosen: Json) -> Iterator[Answer]:
    """The arguments beside the last step of a path, each with what goes on from there."""
    base, dot, _ = incomplete.rpartition(".")
    for name, argument in (_table(index, base, chosen) or {}).items():
        path = base + dot + name
        doc, deeper = argument.get("doc", ""), _below(index, argument, path, chosen) is not None
        if deeper:
            yield path + ".", doc, False
        yield from ((f"{path}.{number}.", doc, False) for number in argument.get("items", ()))
        known = argument.keys() & {"values", "makers"}
        operators = OPERATORS.get(argument.get("kind", ""), ("=",)) if incomplete == path else ("=",)
        if not deeper or known:
            yield from ((path + operator, doc, False) for operator in operators)
    if not dot:
        yield RUN + ".", "where and under which name it runs", False


def _everywhere(index: Json) -> Iterator[Answer]:
    told = {name: argument.get("doc", "") for table in index["nodes"] for name, argument in table.items()}
    return ((f"{DEEP}{name}=", doc, False) for name, doc in sorted(told.items()))


# ---- following


def _table(index: Json, path: str, chosen: Json) -> Json | None:
    """The arguments of the node at `path`, as it is after what was chosen; None if it leads to none."""
    steps = re.findall(r"[^.\[\]'\"]+", path)
    number = index["root"]
    if steps[:1] == [RUN] and RUN not in index["nodes"][number]:
        number = index[RUN]
    argument: Json = {"node": number}
    for at, step in enumerate(steps):
        if at == 0 and step == RUN and number == index[RUN]:
            continue
        if step in argument.get("items", ()):
            argument = {"node": argument["items"][step]}
            continue
        place = _below(index, argument, ".".join(steps[:at]), chosen)
        if place is None or step not in index["nodes"][place]:
            return None
        argument = index["nodes"][place][step]
    place = _below(index, argument, path, chosen)
    return None if place is None else index["nodes"][place]


def _argument(index: Json, path: str, chosen: Json) -> Json | None:
    base, _, name = path.rpartition(".")
    found: Json | None = (_table(index, base, chosen) or {}).get(name)
    return found


def _below(index: Json, argument: Json, path: str, chosen: Json) -> int | None:
    """The number of the node that an argument holds: of what was typed for it, or else of what it starts with."""
    maker = _maker(index, argument, chosen.get(path, ""))
    number: int | None = argument.get("node") if maker is None else maker["gives"]
    return number


def _maker(index: Json, argument: Json, text: str) -> Json | None:
    """The factory or class that a value names."""
    name = _NAMED.match(text)
    numbers = (*argument.get("makers", ()), *argument.get("several", ()))
    makers: list[Json] = [index["makers"][number] for number in numbers]
    return next((maker for maker in makers if name and maker["name"] == name[0]), None)


# ---- values


def _values(index: Json, argument: Json, value: str, before: str) -> Iterator[Answer]:
    """The words, factories and keywords that may stand where a value ends."""
    start, calls, used = _open(value)
    inside = _inside(index, argument, calls)
    if inside is None:
        return
    argument, keywords = inside
    written = value[start:]
    if keywords is not None:
        name, equals, rest = written.partition("=")
        if not equals:
            told = ((key, one.get("doc", "")) for key, one in keywords.items() if key not in used)
            yield from ((f"{before}{value[:start]}{key}=", doc, False) for key, doc in told if key.startswith(written))
            return
        argument, written, start = keywords.get(name.strip(), {}), rest, start + len(name) + 1
    before += value[:start]
    several = () if calls else argument.get("several", ())  # they make the whole list
    for maker in (index["makers"][number] for number in (*argument.get("makers", ()), *several)):
        if maker["name"].startswith(written):
            yield before + maker["name"], maker["doc"], not calls
            if maker["takes"] is not None and index["nodes"][maker["takes"]]:
                yield before + maker["name"] + "(", maker["doc"], False
    yield from ((before + word, "", not calls) for word in argument.get("values", ()) if word.startswith(written))


def _inside(index: Json, argument: Json, calls: Sequence[tuple[str, str, str]]) -> tuple[Json, Json | None] | None:
    """The argument whose value is written within open brackets, and in a call what that takes; None if unknown."""
    keywords: Json | None = None
    for bracket, name, keyword in calls:
        if keywords is not None:
            argument = keywords.get(keyword, {})
        maker = _maker(index, argument, name) if bracket == "(" else None
        if bracket != "[" and (maker is None or maker["takes"] is None):
            return None
        keywords = None if maker is None else index["nodes"][maker["takes"]]
    return argument, keywords


def _open(value: str) -> tuple[int, list[tuple[str, str, str]], set[str]]:
    """Where the last element of a value begins, the brackets that are open there, and the keywords used in the last.

    Each bracket comes with the name before it and the keyword before that, both of which may be empty.
    """
    start, quote = 0, ""
    calls: list[tuple[str, str, str]] = []
    used: list[set[str]] = [set()]
    for at, char in enumerate(value):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "([{":
            keyword, equals, name = value[start:at].rpartition("=")
            used[-1].add(keyword.strip() if equals else "")
            calls.append((char, name.strip(), keyword.strip()))
            used.append(set())
            start = at + 1
        elif char in ")]}" and calls:
            calls.pop()
            used.pop()
        elif char == ",":
            used[-1].add(value[start:at].partition("=")[0].strip())
            start = at + 1
    start += len(value[start:]) - len(value[start:].lstrip())
    return start, calls, used[-1]
