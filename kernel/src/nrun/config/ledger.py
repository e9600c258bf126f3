"""Which override is responsible for what in a tree, so that none is lost unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nrun.config.order import children_first
from nrun.config.values import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nrun.config.node import Node
    from nrun.config.places import Place


class Ledger:
    """The overrides of one series, by their numbers, and the places at which each still counts."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._written: dict[int, tuple[Node, dict[tuple[Any, ...], list[int]]]] = {}
        self._counting: dict[int, int] = {}
        self._undone_by: dict[int, int] = {}

    def wrote(self, place: Place, number: int) -> None:
        """Override `number` counts at `place`, besides those that it built on."""
        owner, key = place.key
        _, written = self._written.setdefault(owner, (place.owner, {}))
        written.setdefault(key, []).append(number)
        self._counting[number] = self._counting.get(number, 0) + 1

    def replaced(self, place: Place, number: int) -> None:
        """Override `number` has replaced all that was at `place`, and in the nodes that are no longer reached."""
        if not self._written:
            return
        owner, key = place.key
        plain = type(place.value) in PLAIN
        for found in self._at(owner, key, below=not plain):
            self._undo(owner, found, number)
        if plain:
            return
        cut = [node for node in children_first((place.value,)) if id(node) in self._written]
        kept = {id(node) for node in children_first(self._root)} if cut else set()
        for node in cut:
            for found in self._at(id(node), (), below=True) if id(node) not in kept else ():
                self._undo(id(node), found, number)

    def moved(self, sequence: Place, start: int, by: int) -> None:
        """The elements of `sequence` from `start` on have moved."""
        owner, prefix = sequence.key
        depth = len(prefix)
        keys = [key for key in self._at(owner, prefix, below=True) if len(key) > depth and key[depth] >= start]
        if keys:
            written = self._written[owner][1]
            taken = [(key, written.pop(key)) for key in keys]
            written.update({(*prefix, key[depth] + by, *key[depth + 1 :]): numbers for key, numbers in taken})

    def numbers_at(self, place: Place) -> set[int]:
        """The overrides that count at `place` or below it, in the same argument."""
        owner, key = place.key
        found = self._at(owner, key, below=type(place.value) not in PLAIN)
        return {number for one in found for number in self._written[owner][1][one]}

    def undone(self) -> Iterator[tuple[int, int]]:
        """Every override that counts nowhere any more, with the last of those that undid it."""
        return ((number, self._undone_by[number]) for number, places in self._counting.items() if not places)

    def _at(self, owner: int, key: tuple[Any, ...], *, below: bool) -> list[tuple[Any, ...]]:
        _, written = self._written.get(owner, (None, {}))
        if not below:
            return [key] if key in written else []
        return [one for one in written if one[: len(key)] == key]

    def _undo(self, owner: int, key: tuple[Any, ...], number: int) -> None:
        for earlier in self._written[owner][1].pop(key):
            self._counting[earlier] -= 1
            self._undone_by[earlier] = number
