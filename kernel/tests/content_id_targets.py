"""What the vectors of `test_config_identity.py` call. Loaded under a name of its own, wherever the tests run."""

from __future__ import annotations

import dataclasses
import enum
from pathlib import Path
from typing import Annotated, Any

from nrun.config.identity import NoHash


class Act(enum.Enum):
    RELU = "relu"


@dataclasses.dataclass(frozen=True)
class Size:
    width: int
    height: int = 2


def leaf(x: Any = None, *more: Any, lr: float = 1, act: Act = Act.RELU) -> None: ...


def pair(a: Any, b: Any = None, workers: Annotated[int, NoHash] = 4, out: Path = Path("runs/x")) -> None: ...


def odd_defaults(x: Any = object(), y: Any = lambda: 1, z: Any = frozenset({"b", "a"})) -> None: ...  # noqa: B008
