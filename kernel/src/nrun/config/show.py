"""Values of a tree as text for people, of bounded depth; a shared node is told once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun.config.node import BaseNode
from nrun.config.target import display_name
from nrun.config.values import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterable

_DEEPEST = 40


def show(value: object, depth: int = _DEEPEST, seen: set[int] | None = None) -> str:
    """`value` as it could be written in Python; what stands deeper than `depth`, or was told before, is `...`."""
    told = set() if seen is None else seen

    def each(items: Iterable[object]) -> str:
        return ", ".join(show(item, depth - 1, told) for item in items) if depth else "..."

    if isinstance(value, BaseNode):
        words = [display_name(value.__nrun_target__)]
        if value.__nrun_args__ and (not depth or id(value) in told):
            words.append("...")
        else:
            told.add(id(value))
            for name, item in value.__nrun_args__.items():
                words.append(("" if isinstance(name, int) else f"{name}=") + show(item, depth - 1, told))
        return f"{type(value).__name__}({', '.join(words)})"
    if type(value) is list:
        return f"[{each(value)}]"
    if type(value) is tuple:
        return f"({each(value)}{',' if len(value) == 1 else ''})"
    if type(value) is dict:
        return "{" + ", ".join(f"{key!r}: {each((item,))}" for key, item in value.items()) + "}"
    return value.__qualname__ if isinstance(value, type) else repr(value)


def brief(value: object) -> str:
    """`value` in at most 80 characters, whatever is in it."""
    text = repr(value) if type(value) in PLAIN else show(value, 1 if isinstance(value, BaseNode) else 3)
    return text if len(text) <= 80 else f"{text[:79]}…"  # noqa: PLR2004 - a line


def outline(value: object) -> int:
    """What tells whether a container was edited: its items, of which nodes are themselves, whatever is in them."""
    if isinstance(value, list | tuple):
        return hash(tuple(map(outline, value)))
    if isinstance(value, dict):
        return hash(tuple((outline(key), outline(item)) for key, item in value.items()))
    return id(value) if isinstance(value, BaseNode) else hash(repr(value))
