"""What two trees made of a third, and where they are in each other's way."""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from nrun.config.compare import same
from nrun_config_view.diff import diff

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nrun.config.paths import Path
    from nrun_config_view.changes import Change

    Groups = dict[Path, list[Change]]


@attrs.frozen
class Conflict:
    """Changes of one place that cannot both be had."""

    path: Path
    """Of the place, or of the larger one if one side changed what the other changed a part of."""
    ours: tuple[Change, ...]
    theirs: tuple[Change, ...]


@attrs.frozen
class ThreeWay:
    """What two trees made of a third. Without conflicts `apply(their_tree, three_way.ours)` has all of it."""

    ours: tuple[Change, ...]
    """What only the first did."""
    theirs: tuple[Change, ...]
    """What only the second did."""
    both: tuple[Change, ...]
    """What both did alike."""
    conflicts: tuple[Conflict, ...]
    """What is in none of the others."""


def diff3(base: Any, ours: Any, theirs: Any, *, explicit: bool = False) -> ThreeWay:
    """What `ours` and `theirs` made of `base`. A list is one place as far as elements come, go and move."""
    mine = _by_place(diff(base, ours, explicit=explicit))
    other = _by_place(diff(base, theirs, explicit=explicit))
    both = [path for path, changes in mine.items() if _alike(changes, other.get(path, ()))]
    alike = [change for path in both for change in mine[path]]
    for path in both:
        del mine[path], other[path]
    conflicts = {
        **{pair: min(pair, key=len) for pair in _overlaps(mine, other)},
        **{(path, near): min(path, near, key=len) for near, path in _overlaps(other, mine)},
    }
    found = tuple(Conflict(path, tuple(mine[here]), tuple(other[there])) for (here, there), path in conflicts.items())
    lost = [{pair[side] for pair in conflicts} for side in (0, 1)]
    return ThreeWay(_without(mine, lost[0]), _without(other, lost[1]), tuple(alike), found)


def _by_place(changes: Iterable[Change]) -> Groups:
    groups: Groups = {}
    for change in changes:
        in_list = change.kind in ("insert", "remove", "move")
        groups.setdefault(change.path[:-1] if in_list else change.path, []).append(change)
    return groups


def _overlaps(groups: Groups, others: Mapping[Path, object]) -> Iterator[tuple[Path, Path]]:
    """Pairs of a place of `groups` and one of `others` that holds it, or holds what is to be shared there."""
    for path, changes in groups.items():
        for place in (path, *(change.source for change in changes if change.source is not None)):
            for length in range(len(place) + 1):
                if place[:length] in others:
                    yield path, place[:length]


def _alike(changes: Iterable[Change], others: Iterable[Change]) -> bool:
    return same([_essence(change) for change in changes], [_essence(change) for change in others])  # type: ignore[arg-type] # any values


def _essence(change: Change) -> Any:
    new = change.new
    return [change.kind, repr(change.path), repr(change.source), new]


def _without(groups: Groups, lost: set[Path]) -> tuple[Change, ...]:
    return tuple(change for path, changes in groups.items() if path not in lost for change in changes)
