from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nrun import ConfigError
from nrun_config_json.format import JsonFormat

FORMAT = JsonFormat()


def write(data, into=""):
    return FORMAT.write(data, comments={}, into=into)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values, st.sampled_from([None, 0, 1, "\t"]), st.booleans())
def test_it_reads_what_json_reads(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert repr(FORMAT.read(text).data) == repr(value)


def test_a_text_is_indented_and_keeps_its_letters():
    assert write({"größe": [1, {"a": None}], "e": [], "m": {}}) == (
        '{\n  "größe": [\n    1,\n    {\n      "a": null\n    }\n  ],\n  "e": [],\n  "m": {}\n}\n'
    )


@pytest.mark.parametrize(("number", "word"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf")])
def test_numbers_that_json_lacks_have_a_form(number, word):
    text = write([number])
    assert json.loads(text) == [{"$float": word}]
    assert repr(FORMAT.read(text).data) == repr([number])


@pytest.mark.parametrize(
    "data",
    [
        {"$float": "nan"},
        {"$$float": "nan"},
        {"$float": "nan", "x": 1},
        {"$float": 1.5},
        {"$float": []},
        {"$float": {"a": 1}},
    ],
)
def test_what_looks_like_the_form_stays_what_it_is(data):
    document = FORMAT.read(write([data]))
    assert document.data == [data]
    assert {(0, key) for key in data} <= set(document.positions)


def test_other_floats_in_the_form_are_left_to_who_takes_the_value():
    assert FORMAT.read('{"$float": "1.5"}').data == {"$float": "1.5"}


def test_places():
    positions = FORMAT.read('\ufeff\n {"a": [1,\n  {"b":\t"x"}], "a\\n":2}\n').positions
    assert positions == {
        (): (2, 2),
        ("a",): (2, 8),
        ("a", 0): (2, 9),
        ("a", 1): (3, 3),
        ("a", 1, "b"): (3, 9),
        ("a\n",): (3, 22),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1, column 1: expecting value"),
        ('{\n "a": 1,\n "a": 2}', "line 3, column 2: the key 'a' occurs twice; .*in line 2\n.*}\n   \\^"),
        ('{"$float": 1, "$$float": 2}', "line 1, column 15: the key '\\$float' occurs twice"),
        ('{"a": NaN}', 'line 1, column 7: NaN is not JSON; write {"\\$float": "nan"}'),
        ("[Infinity]", 'line 1, column 2: Infinity is not JSON; write {"\\$float": "inf"}'),
        ("-Infinity", 'line 1, column 1: -Infinity is not JSON; write {"\\$float": "-inf"}'),
        ("[1 2]", "line 1, column 4: a comma or ] is expected here"),
        ('{"a": 1 "b"', "line 1, column 9: a comma or } is expected here"),
        ('{"a": 1,}', "line 1, column 9: a key in double quotes is expected here"),
        ("[1,]", "line 1, column 4: expecting value"),
        ("{a: 1}", "line 1, column 2: a key in double quotes is expected here"),
        ('{"a" 1}', "line 1, column 6: a colon is expected here"),
        ("{} {}", "line 1, column 4: the document ends before this"),
        ("[\n'x']", "line 2, column 1: expecting value"),
        ('["a\nb"]', "line 1, column 4: invalid control character"),
        ('["abc', "line 1, column 2: unterminated string"),
        ('["\\x"]', "line 1, column 3: invalid \\\\escape"),
        ('["\\ud800"]', "line 1, column 2: this text has a lone surrogate"),
        ('{"\ud800": 1}', "line 1, column 2: this text has a lone surrogate"),
        ("[" + "9" * 5000 + "]", "line 1, column 2: a number may have at most 4300 digits"),
        ("01", "line 1, column 2: the document ends before this"),
        ("[1]\0", "line 1, column 4: the document ends before this"),
    ],
)  # fmt: skip
def test_an_error_says_where(text, message):
    with pytest.raises(ConfigError, match=message):
        FORMAT.read(text)


def test_the_caret_stands_below_its_column_in_long_lines():
    with pytest.raises(ConfigError) as caught:
        FORMAT.read('{"k":\n[' + "1, " * 200 + "\t!x" + ", 2" * 100 + "]}")
    _, line, caret = caught.value.message.split("\n")
    assert line[caret.index("^") :].startswith("!x")
    assert len(line) < 110


def test_a_pair_of_surrogates_is_one_character():
    assert FORMAT.read('"\\ud83d\\ude00"').data == "\U0001f600"


def test_a_text_may_not_be_too_long(monkeypatch):
    monkeypatch.setattr("nrun_config_json.reader.MOST_CHARACTERS", 10)
    with pytest.raises(ConfigError, match="at most 10 characters; this one has 11"):
        FORMAT.read(" " * 11)
