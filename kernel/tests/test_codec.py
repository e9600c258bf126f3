"""The JSON form of configurations: what is written is read back, and nothing else is."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import random
import sys
import uuid
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrun import Config, ConfigError, Partial, build
from nrun.config.codec import Decoder, decode, dumps, encode, loads


class Color(enum.Enum):
    RED = "r"
    BLUE = "b"


class Level(enum.IntEnum):
    LOW = 1


class Flags(enum.Flag):
    A = 1
    B = 2


@attrs.frozen
class Sizes:
    width: int
    _private: str = ""


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0
    sum: float = dataclasses.field(init=False, default=0.0)


def anything(a=None, b=None, /, c=None, *args, **kwargs):
    return a, b, c, args, kwargs


def three(x, y=1, z=2):
    return x, y, z


zones = st.sampled_from([None, datetime.UTC, datetime.timezone(datetime.timedelta(hours=5, minutes=30, seconds=7))])
hashable_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=False),
    st.text(st.characters(), max_size=20),  # lone surrogates too
    st.binary(max_size=20),
    st.complex_numbers(allow_nan=False),
    st.datetimes(timezones=zones),
    st.dates(),
    st.times(timezones=zones),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.sampled_from([*Color, *Level, *Flags, Color, Sizes, len, three, int]),
    st.builds(Path, st.text("ab./é \n", max_size=10)),
)
keys = st.recursive(
    hashable_scalars.filter(lambda value: isinstance(value, enum.Enum) or not callable(value)),
    lambda inner: st.tuples(inner, inner),
    max_leaves=3,
)
scalars = st.one_of(
    hashable_scalars,
    st.just(float("nan")),
    st.builds(Sizes, st.integers()),
    st.builds(Point, st.floats(allow_nan=False)),
)
dollar_keys = st.sampled_from(["$config", "$ref", "$", "", "a"])


def twice(value):
    """A node that occurs twice."""
    node = Config(three, x=value)
    return [node, {"again": node}]


def containers(inner):
    return st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(keys, inner, max_size=3),
        st.dictionaries(dollar_keys, inner, max_size=3),
        st.sets(keys, max_size=3),
        st.frozensets(keys, max_size=3),
        st.builds(lambda args, kwargs: Config(anything, *args, **kwargs), st.lists(inner, max_size=4), named(inner)),
        st.builds(
            lambda kwargs: Partial(three, **kwargs), st.fixed_dictionaries({}, optional={"x": inner, "z": inner})
        ),
        st.builds(twice, inner),
    )


def named(inner):
    return st.dictionaries(st.text("abdefgh_", min_size=1, max_size=4), inner, max_size=3)


values = st.recursive(scalars, containers, max_leaves=12)


@given(values)
@settings(max_examples=300, deadline=None)
def test_what_is_written_is_read_back(value):
    cfg = Config(three, x=value)
    text = cfg.to_json()
    again = Config.from_json(text)
    assert again == cfg
    assert again.to_json() == text
    json.loads(text)


@given(values)
@settings(max_examples=50, deadline=None)
def test_copies_and_types_survive(value):
    again = loads(dumps(Config(three, x=value)))
    assert type(again.x) is type(Config(three, x=value).x)


def test_a_node_met_first_among_named_arguments_is_found_again_among_positional_ones():
    shared = Config(three, x=1)
    cfg = Config(anything, shared, 2, 3, shared, d=shared)
    again = Config.from_json(cfg.to_json())
    assert again[0] is again[3] is again["d"]
    assert again == cfg


def test_sharing_survives():
    shared = Config(three, x=1)
    cfg = Config(three, x=shared, y=[shared])
    again = Config.from_json(cfg.to_json())
    assert again.x is again.y[0]


def test_sharing_in_a_container_alone_survives():
    shared = Config(three, x=1)
    again = loads(dumps([shared, (shared,)]))
    assert again[0] is again[1][0]


def test_a_document_with_a_cycle_can_be_read():
    again = Config.from_json('{"nrun":1,"value":{"$config":"a:b","$id":1,"args":{"x":[{"$ref":1}]}}}')
    assert again.x[0] is again


def test_reading_a_tree_imports_no_target():
    assert Config.from_json('{"nrun":1,"value":{"$config":"no_such_module_xyz:f","args":{"a":1}}}').a == 1
    assert "no_such_module_xyz" not in sys.modules


def test_a_value_that_means_something_in_python_is_told_apart_from_its_look():
    cfg = Config(three, x="__main__:f", y={"$ref": 1}, z=[True, 1, 1.0])
    again = Config.from_json(cfg.to_json())
    assert again.y == {"$ref": 1}
    assert [type(item) for item in again.z] == [bool, int, float]


def test_the_form_of_a_set_depends_on_nothing_but_its_members():
    assert dumps({"b", "a", "c"}) == dumps({"c", "b", "a"}) == '{"nrun":1,"value":{"$set":["a","b","c"]}}'


def test_the_forms_are_as_documented():
    form = encode(Config(three, x=(1, b"\0"), y=Color.RED, z=Sizes(1, private="p")))
    assert form == {
        "$config": f"{__name__}:three",
        "args": {
            "x": {"$tuple": [1, {"$bytes": "AA=="}]},
            "y": {"$enum": f"{__name__}:Color", "name": "RED"},
            "z": {"$object": f"{__name__}:Sizes", "fields": {"width": 1, "private": "p"}},
        },
    }


@pytest.mark.parametrize("value", [object(), {"a": [object()]}, Sizes(object()), Flags.A | Flags.B], ids=repr)
def test_what_cannot_be_written_is_refused_with_what_to_do(value):
    with pytest.raises(ConfigError) as caught:
        dumps(value)
    assert caught.value.hint


class Maker:
    @classmethod
    def make(cls, n: int = 1):
        return cls()

    def method(self):
        return self


class Heir(Maker):
    pass


def test_a_class_method_is_that_of_the_class_it_is_named_by():
    for cls in (Maker, Heir):
        built = build(Config.from_json(Config(cls.make, n=2).to_json()))
        assert type(built) is cls
    assert Config(Maker.make) != Config(Heir.make)
    assert build(Config.from_json(Config(dict.fromkeys, "ab").to_json())) == {"a": None, "b": None}
    for bound in (Maker().method, random.choice):
        with pytest.raises(ConfigError, match="cannot be found again by another process"):
            Config(bound).to_json()


def test_from_json_of_another_kind_is_refused():
    with pytest.raises(ConfigError, match="describes a Config, not a Partial"):
        Partial.from_json(Config(three, x=1).to_json())


def test_a_newer_document_is_refused_as_such():
    with pytest.raises(ConfigError, match="version 2; this nrun reads 1"):
        loads('{"nrun": 2, "value": 1}')


# ---- damage

tags = st.sampled_from(["$id", "$unknown", "$config", "$partial", *Decoder._READERS])
json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from(
            ["math:sqrt", "math:nope", ":", "a:", ":b", ".x:y", "\0:x", f"{__name__}:Color", "__main__:x.y"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(tags, st.sampled_from(["args", "at", "fields", "name", "$id"])), inner, max_size=4),
    ),
    max_leaves=10,
)


@given(json_values)
@settings(max_examples=500, deadline=None)
def test_a_damaged_document_raises_nothing_but_config_error(form):
    try:
        decode(form)
    except ConfigError as error:
        assert error.exit_code == 2  # noqa: PT017 - either outcome is well, another error is not


@given(st.text(max_size=40))
@settings(deadline=None)
def test_a_text_that_is_no_document_raises_nothing_but_config_error(text):
    with pytest.raises(ConfigError):
        Config.from_json(text)


@given(values, st.data())
@settings(max_examples=100, deadline=None)
def test_a_document_cut_off_anywhere_is_refused(value, data):
    text = Config(three, x=value).to_json()
    with pytest.raises(ConfigError):
        Config.from_json(text[: data.draw(st.integers(0, len(text) - 1))])


@pytest.mark.parametrize(
    "form",
    [
        {"$timedelta": [10**20, 0, 0]},
        {"$decimal": "x"},
        {"$uuid": 3},
        {"$ref": 1},
        {"$ref": []},
        {"$bytes": "é"},
        {"$enum": "math:sqrt", "name": "x"},
        {"$object": "os:system", "fields": {"command": "true"}},
        {"$object": f"{__name__}:Sizes", "fields": {"nope": 1}},
        {"$config": "no colon"},
        {"$config": f"{__name__}:three", "at": {"x": 1}},
        {"$set": [[1]]},
        {"$unknown": 1},
    ],
    ids=str,
)
def test_damage_is_refused(form):
    with pytest.raises(ConfigError):
        decode(form)


def test_a_document_nested_without_end_is_refused():
    with pytest.raises(ConfigError):
        loads('{"nrun":1,"value":' + "[" * 100_000 + "]" * 100_000 + "}")


def test_uncommon_values_keep_what_they_are():
    originals = [decimal.Decimal("1.10"), uuid.UUID(int=7), datetime.timedelta(-1, 1, 1), -0.0, float("inf")]
    assert [repr(value) for value in loads(dumps(originals))] == [repr(value) for value in originals]
