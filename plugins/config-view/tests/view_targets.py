"""Targets with annotations and docs, for tests that import them by name."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


class Act(enum.Enum):
    RELU = 1
    GELU = 2


@dataclass
class Optim:
    lr: float = 0.1


@dataclass
class Adam(Optim):
    betas: tuple[float, float] = (0.9, 0.99)


@dataclass
class Layer:
    """One layer.

    Args:
        dim: How wide it is.
    """

    dim: int
    act: Act = Act.RELU
    inner: Layer | None = None


@dataclass(frozen=True)
class Point:
    x: int = 0


def train(  # noqa: PLR0913 - one of each kind
    layers: list[Layer],
    optim: Optim | None = None,
    *,
    out: Path = Path("out"),
    mode: Literal["fast", "slow"] = "fast",
    env: dict[str, str] | None = None,
    start: Point = Point(1),
    **more: object,
):
    """Train.

    At length.
    """
