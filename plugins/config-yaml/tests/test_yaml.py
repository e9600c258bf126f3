from __future__ import annotations

import math
import subprocess
import sys
import textwrap

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from nrun import ConfigError
from nrun_config_yaml.format import YamlFormat

FORMAT = YamlFormat()


def read(text: str):
    return FORMAT.read(textwrap.dedent(text)).data


def write(data, comments=None, into=""):
    return FORMAT.write(data, comments=comments or {}, into=textwrap.dedent(into))


# ---- scalars


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, word) for word in ("on", "off", "yes", "no", "y", "N", "Yes", "tRUE", "nULL", "none", "nan", "inf")),
        *(
            (word, word)
            for word in ("2024-01-01", "12:30", "1_000", "0b11", "0o9", "0x", "+0x1", "1e", "e3", "+", ".", "=")
        ),
        *((word, None) for word in ("", "~", "null", "Null", "NULL", "!!null ~", "!!null null")),
        *((word, True) for word in ("true", "True", "TRUE", "!!bool true")),
        *((word, False) for word in ("false", "False", "FALSE")),
        *(("012", 12), ("-0", 0), ("+7", 7), ("0o17", 15), ("0xfF", 255), ("!!int 0x10", 16)),
        *(("1e-3", 0.001), ("1E3", 1000.0), (".5", 0.5), ("5.", 5.0), ("-1.5e+3", -1500.0), ("!!float 1", 1.0)),
        *((".inf", math.inf), ("+.Inf", math.inf), ("-.INF", -math.inf)),
        *(
            ("!!str 12", "12"),
            ("! 12", "12"),
            ("!!str", ""),
            ("'12'", "12"),
            ('"\\u00e9\\t"', "é\t"),
            ("|\n  a\n  b", "a\nb\n"),
        ),
        ("!!binary aGVs\n  bG8=", {"$bytes": "aGVsbG8="}),
        *(("!!map {}", {}), ("!!seq []", []), ("! {}", {})),
    ],
)
def test_a_scalar_is_what_yaml_1_2_says(text, value):
    (found,) = read(f"- {text}\n")
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("word", [".nan", ".NaN", ".NAN"])
def test_nan(word):
    assert math.isnan(read(word))


@given(st.floats() | st.integers())
def test_numbers_are_read_alike_by_readers_of_yaml_1_1(number):
    text = write({"x": number})
    assert repr(yaml.safe_load(text)["x"]) == repr(FORMAT.read(text).data["x"]) == repr(number)


WORDS = """\
y n Y N yes No ON off true null ~ 012 0x1 0b1 1_0 1e3 1.0e+3 .5 .inf -.INF .nan 1:30 1:30.5 = << 2024-01-01 _1 a#b #a -a
2001-12-14t21:59:43.10-05:00 ... !a &a *a %a @a `a {a [a | 'a "a a'b a: /a/b ./a ../a $a (a)"""
TEXTS = [
    *(
        "",
        " a",
        "a ",
        "a: b",
        "a #b",
        "- a",
        "--- a",
        "? a",
        "a, b",
        "> a",
        "a\n",
        "a\nb",
        "a\n\n",
        "\na",
        " a\nb",
        "\ta\n",
    ),
    *("a\n  b\n c\n", "a\n \nb", "a\nb  ", "a\tb\n", "a\r\nb", "a\n\n\nb\n\n"),
]


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from([*WORDS.split(), *TEXTS]) | st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
        max_size=4,
    )
)
def test_texts_are_read_alike_by_readers_of_yaml_1_1(words):
    data = {"list": words, "inner": {word: word for word in words}}
    text = write(data)
    assert yaml.safe_load(text) == data
    assert FORMAT.read(text).data == data


@pytest.mark.parametrize(
    "word", ["yes", "No", "n", "OFF", "null", "True", "~", "012", "1e3", "1_000", "1:30", "2024-01-01", ""]
)
def test_what_could_be_more_than_text_is_in_quotes(word):
    assert write({"x": word}) == f'x: "{word}"\n'


def test_what_is_only_text_is_plain():
    assert write({"x": "pkg.mod:Name", "y2": "Größe ✓ a, b (c)", "$z": "./a/b c.txt"}) == (
        "x: pkg.mod:Name\ny2: Größe ✓ a, b (c)\n$z: ./a/b c.txt\n"
    )


# ---- layout


def test_blocks_anchors_comments_and_literals():
    shared = {"dim": 8}
    data = {
        "script": "set -e\nmake\n",
        "encoder": shared,
        "decoder": {"embed": shared, "layers": [[1, 2], [], {"a": None, "b": {}}]},
    }
    comments = {
        (): "made by nrun",
        ("encoder",): "first\nsecond",
        ("decoder", "layers", 2): "third",
        ("decoder", "layers", 2, "a"): "a",
    }
    text = write(data, comments)
    assert text == textwrap.dedent(
        """\
        # made by nrun
        script: |
          set -e
          make
        # first
        # second
        encoder: &shared1
          dim: 8
        decoder:
          embed: *shared1
          layers:
            - - 1
              - 2
            - []
            # third
            -
              # a
              a: null
              b: {}
        """
    )
    assert read(text) == data


@st.composite
def sharing(draw):
    """A tree in which some mappings occur more than once."""
    pool = []
    for _ in range(draw(st.integers(1, 5))):
        leaves = st.sampled_from(pool) | st.integers() if pool else st.integers()
        inner = st.recursive(leaves, lambda each: st.lists(each, max_size=3), max_leaves=4)
        pool.append(draw(st.dictionaries(st.sampled_from("abc"), inner, max_size=3)))
    return {"first": pool[-1], "rest": draw(st.lists(st.sampled_from(pool), max_size=4))}


def pattern(value, seen):
    """The value with each mapping numbered by its identity."""
    if isinstance(value, dict):
        if id(value) in seen:
            return seen[id(value)]
        seen[id(value)] = len(seen)
        return (seen[id(value)], {key: pattern(item, seen) for key, item in value.items()})
    return [pattern(item, seen) for item in value] if isinstance(value, list) else ("scalar", value)


@given(sharing())
def test_shared_mappings_stay_shared(data):
    text = write(data)
    again = FORMAT.read(text)
    assert pattern(again.data, {}) == pattern(data, {})
    assert write(again.data) == text


def test_a_mapping_inside_itself_is_refused():
    data = {"a": {}}
    data["a"]["b"] = [data["a"]]
    with pytest.raises(ConfigError, match=r"a\.b\[0\]: the mapping contains itself"):
        write(data)


def test_what_would_be_too_much_to_read_is_not_written():
    inner = {"x": 1}
    for _ in range(25):
        inner = {"a": inner, "b": inner}
    with pytest.raises(ConfigError, match="more than 1,000,000 values"):
        write(inner)


def test_comments_order_and_empty_lines_of_a_text_stay():
    text = """\
        # of the file

        # of b
        b: 1
        a: [1, 2] # lost

        s: |
          #!/bin/sh
          # text
        # of c
        c:
          # of y
          y: 1  # tuned
          x:
            # of the item
            - k: "# no comment"
        """
    data = read(text)
    data["a"].append(3)
    data["new"] = 5
    assert write(dict(sorted(data.items())), {("new",): "of new", ("b",): "given"}, text) == textwrap.dedent(
        """\
        # of the file

        # of b
        b: 1
        a:
          - 1
          - 2
          - 3

        s: |
          #!/bin/sh
          # text
        # of c
        c:
          # of y
          # tuned
          "y": 1
          x:
            # of the item
            - k: "# no comment"
        # of new
        new: 5
        """
    )


# ---- anchors and merges


def test_an_anchor_is_one_object_with_places_under_each_path():
    document = FORMAT.read("a: &x {k: [1]}\nb: *x\nc: [*x]\n")
    data = document.data
    assert data["a"] is data["b"] is data["c"][0]
    assert document.positions["b",] == (2, 4)
    assert document.positions["b", "k", 0] == document.positions["c", 0, "k", 0] == (1, 12)


def test_merge_keys():
    document = FORMAT.read(
        "base: &base {x: 1, y: {z: 2}}\nmore: &more {x: 5, w: 6}\n"
        "one: {y: 3, <<: *base}\ntwo: {<<: [*more, *base], q: 0}\ntext: {'<<': 1}\n"
    )
    data = document.data
    assert data["one"] == {"x": 1, "y": 3}
    assert data["two"] == {"x": 5, "w": 6, "y": {"z": 2}, "q": 0}
    assert data["two"]["y"] is data["base"]["y"]
    assert data["text"] == {"<<": 1}
    assert document.positions["one", "y"] == (3, 10)
    assert document.positions["two", "x"] == (2, 17)
    assert document.positions["two", "y", "z"] == (1, 27)


def test_a_name_may_be_used_again():
    assert read("- &a 1\n- *a\n- &a 2\n- *a\n") == [1, 1, 2, 2]


def laughs(opening: str, closing: str, item: str) -> str:
    lines = ["a0: &a0 " + opening + item + closing]
    for level in range(1, 10):
        aliases = ", ".join((f"k{i}: " if opening == "{" else "") + f"*a{level - 1}" for i in range(10))
        lines.append(f"a{level}: &a{level} {opening}{aliases}{closing}")
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text", [laughs("[", "]", "lol"), laughs("{", "}", "lol: 1"), "a: &a {x: 1}\nb: [" + "*a, " * 600_000 + "]"]
)
def test_a_small_file_cannot_become_a_huge_one(text):
    with pytest.raises(ConfigError, match="more than 1,000,000 values, with aliases written out"):
        FORMAT.read(text)


def test_depth_counts_through_aliases():
    text = "a0: &a0 {x: 1}\n" + "\n".join(f"a{i}: &a{i} {{x: *a{i - 1}}}" for i in range(1, 70))
    with pytest.raises(ConfigError, match="line 64, column 15: nested more than 64 deep"):
        FORMAT.read(text)


# ---- what is refused


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2", "line 4, column 3: the key 'c' occurs twice; .*in line 3\n    c: 2\n    ."),
        ("a: {<<: {x: 1}}", "line 1, column 9: `<<` takes an alias"),
        ("a: &a 1\nb: {<<: *a}", "line 2, column 9: `<<` takes an alias"),
        ("a: &a {}\nb: {<<: *a, <<: *a}", "line 2, column 13: `<<` occurs twice"),
        ("a: *none", "line 1, column 4: nothing above has the anchor &none"),
        ("a: &a [*a]", "line 1, column 8: nothing above has the anchor &a"),
        ("b: &a 1\na: &a [*a]", "line 2, column 8: nothing above has the anchor &a"),
        *((f"x:\n  {key}: 1", "line 2, column 3: a key must be text") for key in ("1", "true", "null", "~", "1.5")),
        ("1: 2", r"hint: put it in quotes, or write the mapping as {\"\$dict\": \[\[key, value\]"),
        ("x:\n  ? [a]\n  : 1", "line 2, column 5: a key must be text"),
        ("a: !!python/object/apply:os.system [x]", "line 1, column 4: the tag !!python/object/apply:os.system is not"),
        *((f"a: {tag} x", f"line 1, column 4: the tag {tag} is not read") for tag in ("!!timestamp", "!mine", "!!map")),
        ("a: !!omap []", "line 1, column 4: the tag !!omap is not read"),
        ("a: !!seq {}", "line 1, column 4: the tag !!seq is not read"),
        *((f"a: !!int {text}", f"line 1, column 4: '{text}' is no int") for text in ("x", "1.5", "true", "1_0")),
        *((f"a: !!bool {text}", f"line 1, column 4: '{text}' is no bool") for text in ("1", "yes")),
        ("a: !!null x", "line 1, column 4: 'x' is no null"),
        ("a: !!float x", "line 1, column 4: 'x' is no float"),
        ("a: !!binary '?'", "line 1, column 4: '\\?' is no binary"),
        ("a: !!float 1" + "0" * 400, "line 1, column 4: '.*' is no float"),
        ("a: 1\n--- \nb: 2", "line 2, column 1: a second document begins here"),
        ("a: [1", "line 1, column 4: did not find .* while parsing a flow .* that begins in line 1\n  a: \\["),
        ("a: b: c", "line 1, column 5: mapping values are not allowed"),
        ("a:\n\t- 1", "line 2, column 1: "),
        ("a: 'x\0'", r"line 1, column 6: the character U\+0000 may not stand in YAML"),
        ("a: 1\r\nb: \ud800", r"line 2, column 4: the character U\+D800 may not stand in YAML"),
        ("%YAML 3.0\n---\na", "line 1, column 1: "),
    ],
)  # fmt: skip
def test_an_error_says_where(text, message):
    with pytest.raises(ConfigError, match=message):
        FORMAT.read(text)


def test_the_caret_stands_below_its_column_in_long_lines_and_after_tabs():
    with pytest.raises(ConfigError) as caught:
        FORMAT.read("[" + "x, " * 200 + "\t*y" + ", z" * 100 + "]")
    _, line, caret = caught.value.message.split("\n")
    assert line[caret.index("^") :].startswith("*y")
    assert len(line) < 110


def test_a_text_may_not_be_too_long(monkeypatch):
    monkeypatch.setattr("nrun_config_yaml.reader.MOST_CHARACTERS", 10)
    with pytest.raises(ConfigError, match="at most 10 characters; this one has 11"):
        FORMAT.read("a" * 11)


@pytest.mark.parametrize(
    ("text", "data"), [("", None), ("# only this\n", None), ("---\n", None), ("\ufeffa: 1", {"a": 1})]
)
def test_nearly_nothing_is_read_too(text, data):
    assert FORMAT.read(text).data == data


def test_nothing_is_registered_with_pyyaml():
    program = """
import yaml
tables = lambda: [
    {name: dict(value) for name, value in vars(cls).items() if name.startswith("yaml_") and isinstance(value, dict)}
    for cls in vars(yaml).values() if isinstance(cls, type)
]
before = repr(tables())
import nrun_config_yaml.format
format_ = nrun_config_yaml.format.YamlFormat()
format_.write(format_.read("a: &a {b: yes}\\nc: *a").data, comments={})
assert repr(tables()) == before
assert yaml.safe_load("[yes, 1e-3, 2024-01-01]")[:2] == [True, "1e-3"]
try:
    yaml.safe_dump(print)
except yaml.representer.RepresenterError:
    print("as before")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "as before\n"


def test_it_works_without_the_c_parser(monkeypatch):
    monkeypatch.setattr("nrun_config_yaml.reader._LOADER", yaml.BaseLoader)
    assert read("a: &a {x: [on, 1e-3]}\nb: *a\n") == {"a": {"x": ["on", 0.001]}, "b": {"x": ["on", 0.001]}}
