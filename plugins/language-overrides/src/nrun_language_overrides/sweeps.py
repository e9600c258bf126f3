"""The points of a tree with sweeps in it: counted without being made, and made one at a time."""
# ruff: noqa: ANN401 - a sweep may hold any value of a tree

from __future__ import annotations

import bisect
import copy
import enum
import itertools
import json
import math
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import attrs

from nrun.config.codec import encode
from nrun.config.identity import content_id
from nrun.config.node import BaseNode, set_arguments
from nrun.config.origin import Origin
from nrun.config.paths import children, format_path, key_of, parse_path, walk
from nrun.config.special import Sweep
from nrun.config.target import display_name
from nrun.config.values import PLAIN
from nrun.data import Data
from nrun.errors import ConfigError, did_you_mean
from nrun_language_overrides.places import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

    from nrun.config.paths import Path

N = TypeVar("N", bound="BaseNode[Any]")
_SIMPLE_TEXT = re.compile(r"[^\s,\[\](){}'\"\\$][^,\[\](){}'\"\\$\n]*(?<!\s)")


@attrs.frozen(eq=False, repr=False)
class Point(Data, Generic[N]):
    """One choice for every sweep."""

    number: int
    config: N
    overrides: tuple[str, ...]
    """What was chosen, as short items: enough to name the point."""


@attrs.frozen
class _Axis:
    """A sweep where it stands. A point that holds sweeps of its own counts as often as those have points."""

    place: Place
    inner: tuple[tuple[_Axis, ...], ...]
    """For each point of the sweep: the axes in it."""
    ends: tuple[int, ...]
    """For each point of the sweep: how many choices there are up to and with it."""

    def choose(self, number: int) -> Iterator[tuple[Place, Any]]:
        """The place and the value of choice `number`, and those of the axes in it."""
        index = bisect.bisect_right(self.ends, number)
        yield self.place, self.place.value.points[index]
        yield from _choices([[axis] for axis in self.inner[index]], number - (self.ends[index - 1] if index else 0))


class Points(Sequence[Point[N]]):
    """The points of a tree, of which each is made when it is asked for."""

    def __init__(self, config: N, dimensions: Sequence[Sequence[_Axis]]) -> None:
        self._config = config
        self._dimensions = dimensions
        self._count = math.prod(axes[0].ends[-1] for axes in dimensions)
        if self._count > sys.maxsize:
            raise ConfigError(f"{self._count} points are too many", hint="take fewer values, or zip some axes")

    @property
    def axes(self) -> tuple[str, ...]:
        """The paths of the sweeps, but for those inside others."""
        return tuple(format_path(axis.place.path) for axes in self._dimensions for axis in axes)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, number: int) -> Point[N]: ...
    @overload
    def __getitem__(self, number: slice) -> list[Point[N]]: ...
    def __getitem__(self, number: int | slice) -> Point[N] | list[Point[N]]:
        if isinstance(number, slice):
            return [self[index] for index in range(*number.indices(self._count))]
        number = range(self._count)[number]
        chosen = list(_choices(self._dimensions, number))
        memo: dict[int, Any] = {id(place.value): place.value for place, _ in chosen}  # sweeps need no copy
        config = copy.deepcopy(self._config, memo)
        origin = Origin("sweep", f"{number + 1}/{self._count}")
        for place, value in chosen:
            attrs.evolve(place, owner=memo[id(place.owner)]).write(copy.deepcopy(value, memo), origin)
        return Point(number, config, tuple(f"{format_path(place.path)}={short_text(value)}" for place, value in chosen))


def points_of(config: N, *, zipped: Iterable[Sequence[str]] = (), order: Sequence[Path] = ()) -> Points[N]:
    """Every combination of the values of the sweeps in `config`; the last sweep varies fastest.

    Sweeps whose paths are in one of `zipped` vary together. Those at or below a path in `order` come in that
    order, after all others. Raises ConfigError for a group with a path where no sweep is, or of unequal lengths.
    """
    axes = _axes(Place(config, "", (), (), config), frozenset())

    def rank(axis: _Axis) -> int:
        return next((at for at, path in enumerate(order) if axis.place.path[: len(path)] == path), -1)

    axes = tuple(sorted(axes, key=rank))
    return Points(config, _together(axes, zipped))


def distinct(points: Iterable[Point[N]], identify: Callable[[N], Hashable]) -> Iterator[Point[N]]:
    """The points without those that are the same as an earlier one by what `identify` makes of the tree."""
    seen: set[Hashable] = set()
    for point in points:
        identity = identify(point.config)
        if identity not in seen:
            seen.add(identity)
            yield point


def identity(config: BaseNode[Any]) -> tuple[str, ...]:
    """What tells points apart: what they compute, and the secrets in them, of which a content id tells nothing."""
    return content_id(config), *_secrets(encode(config))


def _secrets(form: Any) -> Iterator[str]:
    """The secrets in the JSON form of a tree."""
    if isinstance(form, dict) and "$secret" in form:
        yield form["$secret"]
    elif isinstance(form, dict | list):
        for item in form.values() if isinstance(form, dict) else form:
            yield from _secrets(item)


def _axes(at: Place, seen: frozenset[int]) -> tuple[_Axis, ...]:
    """The sweeps in the value at a place, in order, but for those in nodes that were `seen` around it."""
    if type(at.value) in PLAIN:
        return ()
    everything = list(walk(at.value))
    places = [_place(at, path) for path, value in everything if type(value) is Sweep]
    around = seen | {id(value) for _, value in everything if isinstance(value, BaseNode)}
    axes = []
    for place in places:
        if id(place.owner) not in seen or place.owner is at.owner:
            inner = [_axes(attrs.evolve(place, value=point), around) for point in place.value.points]
            ends = itertools.accumulate(math.prod(axis.ends[-1] for axis in inside) for inside in inner)
            axes.append(_Axis(place, tuple(inner), tuple(ends)))
    return tuple(axes)


def _place(at: Place, path: Path) -> Place:
    """The place that `path` leads to from the value at another one."""
    for step in path:
        value = dict(children(at.value))[step]
        if isinstance(at.value, BaseNode):
            at = Place(at.value, key_of(step), (), (*at.path, step), value)
        else:
            at = Place(at.owner, at.name, (*at.inside, step), (*at.path, step), value)
    return at


def _together(axes: Sequence[_Axis], groups: Iterable[Sequence[str]]) -> list[list[_Axis]]:
    """The axes as dimensions: those of a group are one, where its first axis stands."""
    known = {format_path(axis.place.path): axis for axis in axes}
    group_of: dict[str, int] = {}
    for number, group in enumerate(groups):
        for name in (format_path(parse_path(text)) for text in group):
            if name not in known:
                raise ConfigError(f"there is no sweep at {name} to be zipped.{did_you_mean(name, known)}")
            if name in group_of:
                raise ConfigError(f"{name} is to be zipped twice", hint="name it in one group")
            group_of[name] = number
    dimensions: dict[str | int, list[_Axis]] = {}
    for name, axis in known.items():
        dimensions.setdefault(group_of.get(name, name), []).append(axis)
    for zipped in dimensions.values():
        if len({axis.ends[-1] for axis in zipped}) > 1:
            sizes = ", ".join(f"{format_path(axis.place.path)} has {axis.ends[-1]}" for axis in zipped)
            raise ConfigError(f"only sweeps of equal length can be zipped: {sizes}")
    return list(dimensions.values())


def _choices(dimensions: Sequence[Sequence[_Axis]], number: int) -> Iterator[tuple[Place, Any]]:
    """What is chosen in each dimension for combination `number`."""
    digits = []
    for axes in reversed(dimensions):
        number, digit = divmod(number, axes[0].ends[-1])
        digits.append(digit)
    for axes, digit in zip(dimensions, reversed(digits), strict=True):
        for axis in axes:
            yield from axis.choose(digit)


def short_text(value: Any) -> str:
    """A value as one would write it in an override, without the sweeps in it."""
    if isinstance(value, BaseNode):
        arguments = [(name, item) for name, item in set_arguments(value).items() if type(item) is not Sweep]
        inside = ", ".join(
            f"{name}={short_text(item)}" if isinstance(name, str) else short_text(item) for name, item in arguments
        )
        return f"{display_name(value.__nrun_target__)}({inside})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{short_text(key)}: {short_text(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple | set | frozenset):
        return f"[{', '.join(short_text(item) for item in value)}]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    text = value.name if isinstance(value, enum.Enum) else display_name(value) if callable(value) else str(value)
    return text if _SIMPLE_TEXT.fullmatch(text) else json.dumps(text, ensure_ascii=False)
