"""References become values when a run is made; copies of nodes are asked for."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nrun import Config
from nrun.config.special import Reference
from nrun_language_overrides.overrides import apply
from nrun_language_overrides.problems import ConfigProblems, Source
from nrun_language_overrides.reader import Reading
from nrun_language_overrides.resolve import resolved


@dataclass
class Leaf:
    x: int = 1
    name: str = ""


@dataclass
class Pair:
    left: Leaf
    right: Leaf | None = None
    other: Pair | None = None
    seed: int = 5
    xs: list[Leaf] | None = None


def settled(*items, config=None):
    applied = apply(config or Config(Pair, left=Config(Leaf, x=2)), items)
    return resolved(applied.config, Reading())


def problems(*items):
    with pytest.raises(ConfigProblems) as caught:
        settled(*[Source(f"argument {number}", item) for number, item in enumerate(items, 1)])
    return caught.value.problems


def test_a_node_is_copied_where_that_is_written():
    config = settled("right=copy(${left})", "left.x=${seed}", "left.name=n-${.x}")
    assert config.right == config.left == Config(Leaf, x=5, name="n-5")
    assert config.right is not config.left


def test_a_copy_can_be_referred_to_from_python_and_files():
    config = Config(Pair, left=Config(Leaf, x=2), right=Reference.parse("${copy:left}"))
    assert settled(config=config).right == Config(Leaf, x=2)
    assert settled("xs=[copy(${left}), copy(${left})]").xs == [Config(Leaf, x=2)] * 2
    assert settled("seed=copy(${left.x})").seed == 2


def test_a_copy_keeps_what_is_shared_within_it_and_shares_nothing_with_the_rest():
    shared = Config(Leaf, x=3)
    inner = Config(Pair, left=shared, right=shared)
    config = Config(dict, a=inner, b=Reference.parse("${copy:a}"))
    config = resolved(config, Reading())
    assert config["b"].left is config["b"].right
    assert config["b"].left is not config["a"].left


@pytest.mark.parametrize(
    ("items", "told", "text"),
    [
        (["right=${left}"], "a copy of it: right=copy(${left})", "right=${left}"),
        (["other.left=copy(${other})"], "other.left → other → other.left", "other.left=copy(${other})"),
        (["right=copy(${right})"], "right → right", "right=copy(${right})"),
        (["seed=copy(${left})"], "a node that gives Leaf", "seed=copy(${left})"),
        (["left.name=a", "seed=${left.name}"], "expected int", "seed=${left.name}"),
        (["seed=${nowhere}"], "no argument 'nowhere'", "seed=${nowhere}"),
    ],
)
def test_what_a_reference_cannot_be_is_shown_where_it_was_typed(items, told, text):
    (problem,) = problems(*items)
    assert told in " ".join((problem.message, *problem.hints))
    assert problem.where.text == text


def test_only_a_reference_is_copied():
    assert "a call of 'copy'" in problems("right=copy(left)")[0].message
