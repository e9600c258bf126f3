"""Which elements of two lists belong together, and which of them have moved.

Elements of the same content belong together, then nodes that call the same, then what stands at the same index.
"""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import bisect
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

from nrun.config.node import set_arguments
from nrun.config.order import children_first
from nrun_config_view.nodes import identity_of, is_node

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence


class Contents:
    """Tells which values of some trees have the same content, what is shared left aside.

    It numbers contents, children first, so that all nodes together take one pass; a digest of each element would
    take one pass per level.
    """

    def __init__(self, *roots: Any) -> None:
        self._numbers: dict[int, int] = {}
        known: dict[Hashable, int] = {}
        for node in children_first(list(roots)):
            arguments = frozenset((name, self.of(value)) for name, value in set_arguments(node).items())
            self._numbers[id(node)] = known.setdefault(
                (type(node), identity_of(node.__nrun_target__), arguments), len(known)
            )

    def of(self, value: Any) -> Hashable:
        """What is equal for values of the same content."""
        if is_node(value):
            return is_node, self._numbers[id(value)]
        if isinstance(value, list | tuple):
            return type(value), tuple(map(self.of, value))
        if isinstance(value, dict):
            return dict, frozenset((repr(key), self.of(item)) for key, item in value.items())
        return type(value), repr(value)


def aligned(ours: Sequence[Any], theirs: Sequence[Any], contents: Contents) -> list[int | None]:
    """For every element of `theirs` the index of the one of `ours` that it belongs to, None if there is none."""
    found: list[int | None] = [None] * len(theirs)
    free = dict.fromkeys(range(len(ours)))

    def pair(key: Callable[[int, Any], Hashable]) -> None:
        waiting: defaultdict[Hashable, deque[int]] = defaultdict(deque)
        for index in free:
            waiting[key(index, ours[index])].append(index)
        for index, element in enumerate(theirs):
            if found[index] is None and (same := waiting.get(key(index, element))):
                at = found[index] = same.popleft()
                del free[at]

    pair(lambda _, element: contents.of(element))
    pair(
        lambda index, element: (
            (type(element), identity_of(element.__nrun_target__)) if is_node(element) else (index, type(element))
        )
    )
    pair(lambda index, element: (index, is_node(element)))
    return found


def moves(order: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """The moves that bring ascending numbers into `order`, as few as will do: the number, from where, to where."""
    current = sorted(order)
    staying = set(_longest_ascending(order))
    for index, number in enumerate(order):
        if number not in staying:
            start = current.index(number)
            del current[start]
            end = current.index(order[index - 1]) + 1 if index else 0
            current.insert(end, number)
            if start != end:
                yield number, start, end


def _longest_ascending(numbers: Sequence[int]) -> Iterator[int]:
    """The longest ascending subsequence, from its end: the smallest end of each length, and what comes before it."""
    ends: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        length = bisect.bisect_left(ends, number)
        before[number] = ends[length - 1] if length else None
        ends[length : length + 1] = [number]
    last = ends[-1] if ends else None
    while last is not None:
        yield last
        last = before[last]
