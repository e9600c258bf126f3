"""Sweeps for Python programs: every combination of values, or some drawn at random, each made when it is asked for."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from nrun.config.origin import Origin
from nrun.config.paths import get_at, parse_path, set_at
from nrun.config.special import Sweep
from nrun.errors import ConfigError
from nrun_language_overrides.sweeps import Point, points_of, short_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nrun.config.node import BaseNode
    from nrun_language_overrides.sweeps import Points

    Axis = Sequence[object] | Callable[[random.Random], object]

N = TypeVar("N", bound="BaseNode[Any]")


def grid(config: N, axes: Mapping[str, Iterable[object]], *, zipped: Iterable[Sequence[str]] = ()) -> Points[N]:
    """Every combination of the values that `axes` gives for paths; the last path varies fastest.

    Paths in one of `zipped` vary together. Each point has the configuration as its `config` and what was chosen as its
    `overrides`; the one that is given is not changed. Raises ConfigError for no such path, no values or unfit ones.
    """
    swept, tried = copy.deepcopy(config), copy.deepcopy(config)
    for path, values in axes.items():
        points = tuple(values)
        if not points:
            raise ConfigError(f"there are no values for {path}", hint="give at least one, or leave the path out")
        for value in points:
            set_at(tried, path, value)  # a sweep may hold anything, so each value is checked where it will stand
        set_at(swept, path, Sweep(points))
    return points_of(swept, zipped=zipped, order=[parse_path(path) for path in axes])


def sample(config: N, axes: Mapping[str, Axis], n: int, seed: int = 0) -> Samples[N]:
    """`n` points at random: an axis is the values to choose from, or a function that draws one from a `random.Random`.

    Point *k* depends on the seed and *k* alone, so that it is the same in any process and for any `n`. Points are as
    those of `grid`. Raises ConfigError for no such path and for no values.
    """
    for path, values in axes.items():
        if not callable(values) and not values:
            raise ConfigError(f"there are no values for {path}", hint="give at least one, or leave the path out")
        parse_path(path)
    return Samples(config, dict(axes), n, seed)


class Samples(Sequence[Point[N]], Generic[N]):
    """Points that are drawn, each when it is asked for."""

    def __init__(self, config: N, axes: Mapping[str, Axis], n: int, seed: int) -> None:
        self._config = copy.deepcopy(config)
        self._axes = axes
        self._numbers = range(n)
        self._seed = seed

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, number: int) -> Point[N]: ...
    @overload
    def __getitem__(self, number: slice) -> list[Point[N]]: ...
    def __getitem__(self, number: int | slice) -> Point[N] | list[Point[N]]:
        if isinstance(number, slice):
            return [self[index] for index in self._numbers[number]]
        number = self._numbers[number]
        draw = random.Random(f"{self._seed}/{number}")  # noqa: S311 - no secret
        config = copy.deepcopy(self._config)
        origin = Origin("sweep", f"{number + 1}/{len(self)}")
        for path, values in self._axes.items():
            value = values(draw) if callable(values) else draw.choice(values)
            set_at(config, path, copy.deepcopy(value), origin)
        return Point(number, config, tuple(f"{path}={short_text(get_at(config, path))}" for path in self._axes))
