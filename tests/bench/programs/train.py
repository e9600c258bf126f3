"""An entrypoint with a tree of 210 arguments: `python train.py --help`."""

from __future__ import annotations

import dataclasses
from typing import Literal

import nrun as run


@dataclasses.dataclass
class Layer:
    """One layer.

    Args:
        dim: How wide it is.
        dropout: Share of what is left out.
        activation: What comes after the product.
    """

    dim: int = 512
    heads: int = 8
    dropout: float = 0.1
    activation: Literal["relu", "gelu", "silu"] = "gelu"
    bias: bool = True
    name: str | None = None
    eps: float = 1e-6
    window: tuple[int, int] = (0, 0)
    groups: list[int] = dataclasses.field(default_factory=list)
    kernel: str = "plain"


@dataclasses.dataclass
class Stage:
    """A few layers.

    Args:
        first: The layer that sees the input.
    """

    first: Layer | None = None
    second: Layer | None = None
    third: Layer | None = None
    fourth: Layer | None = None
    repeat: int = 1
    residual: bool = True
    norm: Literal["pre", "post"] = "pre"
    scale: float = 1.0
    name: str = "stage"
    frozen: bool = False


def train(  # noqa: PLR0913, PLR0917 - a few of the 210
    stem: Stage,
    body: Stage,
    neck: Stage,
    head: Stage,
    epochs: int = 10,
    lr: float = 3e-4,
    schedule: Literal["constant", "cosine"] = "cosine",
    seed: int | None = None,
    precision: str = "bf16",
    tags: list[str] | None = None,
):
    """Train a model.

    Args:
        epochs: How often all data are seen.
        lr: Highest rate of learning.
    """


def default():
    def stage(name):
        layers = {part: run.Config(Layer, name=part) for part in ("first", "second", "third", "fourth")}
        return run.Config(Stage, name=name, **layers)

    return run.Partial(train, stem=stage("stem"), body=stage("body"), neck=stage("neck"), head=stage("head"))


if __name__ == "__main__":
    run.cli.main(train, default_factory=default)
