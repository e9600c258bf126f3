"""What every installed format promises, tried with generated data and generated texts."""

from __future__ import annotations

import math
import string

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from nrun import ConfigError
from nrun.plugins import installed

FORMATS = {found.spec.name: found.spec.format()() for found in installed().formats}
SAMPLE = {
    "model": {"$config": "pkg:Model", "args": {"sizes": [1, 2.5, None, "three"], "name": "a\nb\n", "on": True}},
    "runs": [{"lr": 1e-3, "tags": []}, {"lr": math.inf, "tags": ["x"]}],
}
TEXTS = {name: format_.write(SAMPLE, comments={("model",): "what it is"}) for name, format_ in FORMATS.items()}

PIECES = """\
" ' \\ # : - { } [ ] , = << \"\"\" ''' $ $none $float nan inf .nan true null ~ yes off 012 0x1 1e3 1_000 1:30 2024-01-01
&a *a !!str | > ? % --- ... a B é \U0001f600"""
SPACES = [
    "\n",
    "\r",
    "\t",
    "\r\n",
    " ",
    " #",
    ": ",
    "- ",
    "\0",
    "\x07",
    "\x7f",
    "\x85",
    "\xa0",
    "\u2028",
    "\ufeff",
    "\ufffe",
]
pieces = st.sampled_from([*PIECES.split(), *SPACES])
texts = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
    st.lists(pieces, max_size=6).map("".join),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1e16, 1e-5, 5e-324, 1.7976931348623157e308]),
    texts,
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=25,
)
documents = st.dictionaries(texts, values, max_size=5)


@pytest.fixture(params=sorted(FORMATS))
def name(request):
    return request.param


def told(value):
    """A text by which values can be compared: nan is nan, but 1, 1.0, true and -0.0 and 0.0 are different."""
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(f"{key!r}: {told(item)}" for key, item in value.items())) + "}"
    return f"[{', '.join(map(told, value))}]" if isinstance(value, list) else repr(value)


def paths(value, path=()):
    yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths(item, (*path, key))


many = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_yaml_toml_and_json_are_installed():
    assert set(FORMATS) >= {"yaml", "toml", "json"}


@many
@given(data=documents)
def test_what_is_written_is_read_back(name, data):
    text = FORMATS[name].write(data, comments={})
    document = FORMATS[name].read(text)
    assert told(document.data) == told(data)
    assert FORMATS[name].write(document.data, comments={}) == text


@many
@given(data=documents, comment=texts)
def test_comments_change_nothing(name, data, comment):
    commented = dict.fromkeys(paths(data), comment)
    text = FORMATS[name].write(data, comments=commented)
    assert told(FORMATS[name].read(text).data) == told(data)


@many
@given(old=documents, new=documents)
def test_a_text_is_brought_up_to_date(name, old, new):
    into = FORMATS[name].write(old, comments={})
    data = {**old, **new}
    assert told(FORMATS[name].read(FORMATS[name].write(data, comments={}, into=into)).data) == told(data)


@many
@given(data=documents)
def test_every_value_has_a_place_in_the_text(name, data):
    text = FORMATS[name].write(data, comments={})
    document = FORMATS[name].read(text)
    lines = text.split("\n")
    for path in list(paths(data))[1:]:
        line, column = document.positions[path]
        assert 1 <= line <= len(lines)
        assert column >= 1


@many
@given(st.data())
def test_a_text_is_read_or_refused_with_its_place(name, data):
    text = data.draw(
        st.one_of(
            st.text(max_size=40),
            st.lists(pieces, max_size=12).map("".join),
            st.builds(
                lambda at, piece, gone: TEXTS[name][:at] + piece + TEXTS[name][at + gone :],
                st.integers(0, len(TEXTS[name])),
                pieces | st.sampled_from(["\ud800", "{{", "[[", "]", "}"]),
                st.integers(0, 3),
            ),
        )
    )
    try:
        document = FORMATS[name].read(text)
    except ConfigError as error:
        first, _, caret = error.message.split("\n")
        assert first.startswith("line ")
        assert ", column " in first
        assert caret.strip() == "^"
    else:
        assert set(paths(document.data)) - {()} <= set(document.positions)


@many
@given(data=documents, text=texts, where=st.integers(0, 12))
def test_a_lone_surrogate_is_refused_with_its_path(name, data, text, where):
    assume("bad" not in data)
    data["bad"] = [text[:where] + "\udcff" + text[where:]]
    with pytest.raises(ConfigError, match=r"^bad\[0\]: .*lone surrogate"):
        FORMATS[name].write(data, comments={})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), r"^a\.b\[0\]: a value of type object is not plain data"),
        ((1, 2), "a value of type tuple is not plain data"),
        ({1: 2}, r"^a\.b\[0\]: the key 1 is not text[\s\S]*\$dict"),
        (10**5000, r"^a\.b\[0\]: a (whole )?number"),
    ],
    ids=["object", "tuple", "key", "digits"],
)
def test_what_is_no_plain_data_is_refused_with_its_path(name, value, message):
    with pytest.raises(ConfigError, match=message):
        FORMATS[name].write({"a": {"b": [value]}}, comments={})


def test_nesting_is_bounded_both_ways(name):
    data = {"a": [1.5]}
    for _ in range(62):
        data = {"a": data}
    assert FORMATS[name].read(FORMATS[name].write(data, comments={})).data == data
    with pytest.raises(ConfigError, match="nested more than 64 deep"):
        FORMATS[name].write({"a": data}, comments={})
    cycle = {"a": []}
    cycle["a"].append(cycle)
    with pytest.raises(ConfigError, match=r"nested more than 64 deep|contains itself"):
        FORMATS[name].write(cycle, comments={})


DEEP = {
    "json": ["[", '{"a":', '[{"a":'],
    "yaml": ["[", "{", "{a: ", "- ", "? ", "[? "],
    "toml": ["a.", "[a.", "[[", "a = [", "a = {b=", "a={"],
}


@pytest.mark.parametrize(
    ("name", "opening"), [(name, opening) for name, openings in DEEP.items() for opening in openings]
)
def test_deep_texts_are_refused(name, opening):
    text = opening + opening.removeprefix("a = ").removeprefix("a=") * 20_000
    with pytest.raises(ConfigError, match="line 1, column"):
        FORMATS[name].read(text)


def test_a_huge_number_is_refused(name):
    with pytest.raises(ConfigError, match=r"line 1, column 5: a number may have at most [\d]+ digits|line 1"):
        FORMATS[name].read({"toml": "a = ", "yaml": "a:  ", "json": '{"a":'}[name] + "9" * 100_000)


def test_two_parts_of_one_class_stay_two(name):
    two = {"a": {"$config": "pkg:Leaf", "args": {"x": 1}}, "b": {"$config": "pkg:Leaf", "args": {"x": 2}}}
    text = FORMATS[name].write(two, comments={})
    for _ in range(2):
        data = FORMATS[name].read(text).data
        assert data == two
        assert data["a"] is not data["b"]


def test_texts_of_every_letter_are_keys_and_values(name):
    data = {char: char for char in string.printable} | {"x" * 2000: "y" * 2000}
    assert FORMATS[name].read(FORMATS[name].write(data, comments={})).data == data


def test_the_order_of_keys_in_a_text_stays(name):
    into = FORMATS[name].write({"b": 1, "a": 2, "c": {"z": 1, "y": 2}}, comments={})
    text = FORMATS[name].write({"a": 3, "c": {"y": 2, "z": 1}, "b": 1, "new": {"x": 1}}, comments={}, into=into)
    data = FORMATS[name].read(text).data
    assert (list(data), list(data["c"])) == (["b", "a", "c", "new"], ["z", "y"])
