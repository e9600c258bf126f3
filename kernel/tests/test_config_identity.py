"""The content id: same meaning, same id, wherever and whenever it is asked for."""

from __future__ import annotations

import copy
import datetime
import importlib.util
import json
import math
import os
import subprocess
import sys
import typing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrun import Config, ConfigError, Partial
from nrun.config.codec import loads
from nrun.config.identity import content_id
from nrun.config.node import Fresh

HERE = Path(__file__).parent
VECTORS = json.loads((HERE / "content_id_vectors.json").read_text("utf-8"))
PROGRAM = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("content_id_targets", sys.argv[1])
sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from nrun.config.codec import loads
from nrun.config.identity import content_id
vectors = json.load(open(sys.argv[2], encoding="utf-8"))
print(json.dumps([content_id(loads(json.dumps(vector["document"]))) for vector in vectors]))
"""


@pytest.fixture(autouse=True, scope="module")
def targets():
    spec = importlib.util.spec_from_file_location("content_id_targets", HERE / "content_id_targets.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["says"])
def test_ids_are_those_of_the_vectors(vector):
    assert content_id(loads(json.dumps(vector["document"]))) == vector["id"]


@pytest.mark.parametrize("seed", ["1", "2"])
def test_ids_do_not_depend_on_the_process(seed):
    command = [sys.executable, "-c", PROGRAM, HERE / "content_id_targets.py", HERE / "content_id_vectors.json"]
    env = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == [vector["id"] for vector in VECTORS]


def leaf(x=1, *, lr: float = 1, tags=()):
    return x, lr, tags


def other(x=1):
    return x


def pair(a, b=None, workers: typing.Annotated[int, "unit"] = 4):
    return a, b, workers


def test_what_means_the_same_has_the_same_id():
    one = Config(pair, a={"x": [1, 2.0], "y": Config(leaf)}, b={3, "a"})
    two = Config(pair, b={"a", 3}, workers=4, a={"y": Config(leaf, lr=1, x=1), "x": [1, 2.0]})
    assert one == two
    assert (
        content_id(one)
        == content_id(two)
        == content_id(copy.deepcopy(one))
        == content_id(Config.from_json(one.to_json()))
    )


def test_where_a_value_came_from_does_not_count():
    one, two = Config(leaf), Config(leaf)
    one.x = 2
    two.broadcast(x=2)
    assert content_id(one) == content_id(two)
    one.tags  # noqa: B018 - reading changes nothing
    assert content_id(one) == content_id(two)


DIFFERENT = [
    Config(leaf),
    Config(leaf, x=2),
    Config(leaf, x=1.0),
    Config(leaf, x=True),
    Config(leaf, x="1"),
    Config(leaf, x=None),
    Config(leaf, x=0.0),
    Config(leaf, x=-0.0),
    Config(leaf, x=math.nan),
    Config(leaf, x=math.inf),
    Config(leaf, x="nan"),
    Config(leaf, x=[1]),
    Config(leaf, x=(1,)),
    Config(leaf, x={1}),
    Config(leaf, x=frozenset({1})),
    Config(leaf, x={1: 1}),
    Config(leaf, x={"1": 1}),
    Config(leaf, x=b"1"),
    Config(leaf, x={"$path": "a"}),
    Config(leaf, x=Path("a")),
    Config(leaf, x="a"),
    Config(leaf, x=leaf),
    Config(leaf, x=datetime.date(2000, 1, 1)),
    Config(leaf, x=Config(leaf)),
    Config(leaf, x=Partial(leaf)),
    Partial(leaf),
    Partial(leaf, x=Fresh(leaf)),
    Config(other),
]


def test_what_means_something_else_has_another_id():
    assert len({content_id(cfg) for cfg in DIFFERENT}) == len(DIFFERENT)


def test_sharing_counts():
    one, two = Config(leaf), Config(leaf)
    assert content_id(Config(pair, one, [two])) == content_id(Config(pair, two, [one]))
    assert content_id(Config(pair, one, [one])) != content_id(Config(pair, one, [two]))


def test_the_same_text_in_another_spelling_is_the_same():
    assert content_id(Config(leaf, x="é")) == content_id(Config(leaf, x="e\u0301"))


def test_what_is_marked_does_not_count(targets):
    ids = {content_id(Config(targets.pair, a=1, workers=number)) for number in (1, 4)}
    assert len(ids) == 1


def test_only_what_is_set_counts_if_asked_and_nothing_is_imported_for_it():
    cfg = Config("no.such.module:f", x=1)
    assert content_id(cfg, defaults="explicit-only") != content_id(Config("no.such.module:f"), defaults="explicit-only")
    with pytest.raises(ConfigError, match="cannot import"):
        content_id(cfg)
    assert content_id(Config(leaf), defaults="explicit-only") != content_id(Config(leaf, x=1), defaults="explicit-only")


def test_a_target_that_no_other_process_finds_has_no_id():
    with pytest.raises(ConfigError, match="a lambda"):
        content_id(Config(lambda: 1))


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.binary(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=3), inner, max_size=3),
        st.builds(lambda x: Config(leaf, x=x), inner),
    ),
    max_leaves=6,
)


@given(values, values)
@settings(deadline=None)
def test_equal_trees_have_equal_ids(one, two):
    one, two = Config(leaf, x=one), Config(leaf, x=two)
    assert content_id(one) == content_id(copy.deepcopy(one)) == content_id(Config.from_json(one.to_json()))
    if content_id(one) != content_id(two):
        assert one != two
