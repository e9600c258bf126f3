"""A difference can be typed: as overrides, it makes the other configuration of the one."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrun import Config, ConfigError, Partial, Secret
from nrun_config_view.overrides import all_overrides, overrides
from nrun_language_overrides.overrides import Context, apply
from nrun_language_overrides.reader import Reading

EVERYTHING = Context(reading=Reading(allowed=lambda _symbol: True))


class Act(enum.Enum):
    RELU = 1
    GELU = 2


@dataclass
class Optim:
    lr: float = 0.1
    betas: tuple[float, ...] = (0.9, 0.99)


@dataclass
class Adam(Optim):
    eps: float = 1e-8


@dataclass
class Layer:
    dim: int = 1
    act: Act = Act.RELU
    name: str = ""
    optim: Optim | None = None


@dataclass
class Model:
    layers: list[Layer] = field(default_factory=list)
    optim: Optim | None = None
    other: Optim | None = None
    out: Path = Path("out")
    env: dict[str, str] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    data: bytes = b""
    every: datetime.timedelta = datetime.timedelta()
    at: datetime.datetime | None = None
    exact: Decimal = Decimal(0)
    any: Any = None


OPTIMS = st.builds(
    lambda target, lr, betas: Config(target, lr=lr, betas=betas),
    st.sampled_from([Optim, Adam]),
    st.floats(),
    st.lists(st.floats(allow_nan=False), max_size=3).map(tuple),
)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@st.composite
def models(draw):
    optims = draw(st.lists(OPTIMS, min_size=1, max_size=2))
    one_of = st.sampled_from([None, *optims])
    layers = [
        Config(
            Layer,
            dim=draw(st.integers()),
            act=draw(st.sampled_from(Act)),
            name=draw(st.text(max_size=6)),
            optim=draw(one_of),
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    values = {
        "layers": st.just(layers),
        "optim": one_of,
        "other": one_of,
        "out": st.text("a'\"\\ /.~", min_size=1, max_size=5).map(Path),
        "env": st.dictionaries(
            st.sampled_from(["A", "a.b", "it's", "$x"]),
            st.text(max_size=4) | st.sampled_from(["secret://env/X", Secret("env:X")]),
            max_size=2,
        ),
        "tags": st.sets(st.sampled_from(["a", "b,c", "", "${x}"])),
        "data": st.binary(max_size=4),
        "every": st.timedeltas(),
        "at": st.none() | st.datetimes(),
        "exact": st.decimals(allow_nan=False),
        "any": ANY,
    }
    chosen = draw(st.sets(st.sampled_from(sorted(values))))
    return Config(Model, **{name: draw(values[name]) for name in sorted(chosen)})


@settings(max_examples=300, deadline=None)
@given(models())
def test_a_configuration_can_be_typed(config):
    assert apply(Config(Model), all_overrides(config), EVERYTHING).config == config


@settings(max_examples=300, deadline=None)
@given(models(), models())
def test_a_difference_can_be_typed(ours, theirs):
    assert apply(ours, overrides(ours, theirs), EVERYTHING).config == theirs


@given(st.permutations(range(5)), st.integers(0, 4))
def test_elements_that_moved_are_shared_and_taken_away(order, shared):
    layers = [Config(Layer, dim=number) for number in range(5)]
    ours = Config(Model, layers=layers, any=layers[shared])
    theirs = ours.clone()
    theirs.layers = [theirs.layers[index] for index in order]
    items = overrides(ours, theirs)
    assert apply(ours, items, EVERYTHING).config == theirs
    assert bool(items) == (list(order) != sorted(order))


def test_what_cannot_be_typed_is_named():
    theirs = Config(Model, any={"a": Partial(Optim)}, other=Config(Optim))
    theirs.layers.append(Config(Layer, optim=Config(Optim, betas=(Config(float, 1),))))
    with pytest.raises(ConfigError, match=r"any: a Partial cannot be typed") as caught:
        overrides(Config(Model), theirs)
    assert "layers" not in str(caught.value)
