"""Which override is responsible for what in a tree, so that none is lost unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun.config.order import children_first
from nrun.config.values import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nrun.config.node import Node
    from nrun.config.paths import Path
    from nrun_language_overrides.places import Place


class Ledger:
    """The overrides of one series, by their numbers, and the places at which each still counts."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._written: dict[int, tuple[Node, dict[Path, list[int]]]] = {}
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
        self._undo(place.key[0], self._at(place), number)
        if type(place.value) not in PLAIN:
            cut = {id(node) for node in children_first((place.value,))} & self._written.keys()
            kept = {id(node) for node in children_first(self._root)} if cut else set()
            for owner in cut - kept:
                self._undo(owner, list(self._written[owner][1]), number)

    def shifted(self, container: Place) -> None:
        """Elements of `container` have moved: what was written to them now counts for the whole."""
        owner, key = container.key
        for inner in self._at(container):
            if inner != key:
                written = self._written[owner][1]
                written.setdefault(key, []).extend(written.pop(inner))

    def numbers_at(self, place: Place) -> set[int]:
        """The overrides that count at `place` or below it, in the same argument."""
        return {number for key in self._at(place) for number in self._written[place.key[0]][1][key]}

    def undone(self) -> Iterator[tuple[int, int]]:
        """Every override that counts nowhere any more, with the last of those that undid it."""
        return ((number, self._undone_by[number]) for number, places in self._counting.items() if not places)

    def _at(self, place: Place) -> list[Path]:
        owner, key = place.key
        _, written = self._written.get(owner, (None, {}))
        if type(place.value) in PLAIN:
            return [key] if key in written else []
        return [inner for inner in written if inner[: len(key)] == key]

    def _undo(self, owner: int, keys: list[Path], number: int) -> None:
        for key in keys:
            for earlier in self._written[owner][1].pop(key):
                self._counting[earlier] -= 1
                self._undone_by[earlier] = number
