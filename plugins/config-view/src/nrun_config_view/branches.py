"""A tree as lines of text, drawn with `├─` and `└─`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")


def branches(
    roots: Sequence[T], label: Callable[[T], Sequence[str]], below: Callable[[T], Sequence[T]]
) -> Iterator[str]:
    """The lines of a tree: each item has a label of one line or more, and items below it."""
    todo = [(item, "", "", "") for item in reversed(roots)]
    while todo:
        item, margin, first, others = todo.pop()
        inner = below(item)
        for number, line in enumerate(label(item)):
            yield margin + (others if number else first) + line
        margin += others
        last = len(inner) - 1
        todo += [
            (child, margin, *(("└─ ", "   ") if number == last else ("├─ ", "│  ")))
            for number, child in reversed([*enumerate(inner)])
        ]
