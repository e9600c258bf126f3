"""Values of a tree as text for people: short, and of bounded size however the tree shares its nodes."""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nrun.config.node import _Node
from nrun.config.target import display_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DEEPEST = 40


def show(value: Any, most: int | None = None) -> str:
    """`value` as it could be written in Python, cut off after `most` characters. Shared nodes are told once."""
    text: list[str] = []
    left = most
    for piece in _pieces(value, set(), 0):
        text.append(piece)
        if left is not None:
            left -= len(piece)
            if left < 0:
                return "".join(text)[: (most or 1) - 1] + "…"
    return "".join(text)


def _pieces(value: Any, seen: set[int], depth: int) -> Iterator[str]:
    if isinstance(value, _Node):
        yield f"{type(value).__name__}({display_name(value.__nrun_target__)}"
        if value.__nrun_args__ and (id(value) in seen or depth > _DEEPEST):
            yield ", ..."
        else:
            seen.add(id(value))
            for name, item in value.__nrun_args__.items():
                yield ", " if isinstance(name, int) else f", {name}="
                yield from _pieces(item, seen, depth + 1)
        yield ")"
    elif type(value) is list:
        yield from _joined("[", (("", item) for item in value), "]", seen, depth)
    elif type(value) is tuple:
        yield from _joined("(", (("", item) for item in value), ",)" if len(value) == 1 else ")", seen, depth)
    elif type(value) is dict:
        yield from _joined("{", ((f"{key!r}: ", item) for key, item in value.items()), "}", seen, depth)
    else:
        yield value.__qualname__ if isinstance(value, type) else repr(value)


def _joined(
    start: str, items: Iterable[tuple[str, Any]], end: str, seen: set[int], depth: int
) -> Iterator[str]:
    yield start
    if depth > _DEEPEST:
        yield "..."
    else:
        for index, (before, item) in enumerate(items):
            yield f", {before}" if index else before
            yield from _pieces(item, seen, depth + 1)
    yield end
