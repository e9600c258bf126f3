from __future__ import annotations

import math
import textwrap
import tomllib

import pytest

from nrun import ConfigError
from nrun_config_toml.format import TomlFormat

FORMAT = TomlFormat()


def read(text: str):
    return FORMAT.read(textwrap.dedent(text)).data


def write(data, comments=None, into=""):
    return FORMAT.write(data, comments=comments or {}, into=textwrap.dedent(into))


def test_layout():
    data = {
        "model": {
            "$config": "pkg:Model",
            "args": {"shape": {"$tuple": [1, 2]}, "name": None, "big": list(range(1000, 1020))},
        },
        "lr": 1e-3,
        "text": 'a\n\t"""b"\\\n',
        "runs": [{"x": 1, "deep": {"y": math.inf}}, {}],
        "mixed": [1, "a", None, {"k v": True}, [{"z": 1}]],
        "none": {},
    }
    comments = {
        (): "made by nrun",
        ("lr",): "first\nsecond",
        ("model",): "model",
        ("model", "args", "big", 1): "here",
        ("runs", 0, "x"): "x",
    }
    text = write(data, comments)
    assert text == textwrap.dedent(
        """\
        # made by nrun

        # first
        # second
        lr = 0.001
        text = \"\"\"
        a
        \\t"\\""b"\\\\
        \"\"\"
        mixed = [1, "a", { "$none" = true }, { "k v" = true }, [{ z = 1 }]]

        # model
        [model]
        "$config" = "pkg:Model"

        [model.args]
        shape = { "$tuple" = [1, 2] }
        name = { "$none" = true }
        big = [
          1000,
          # here
          1001,
        """
    ) + "".join(f"  {number},\n" for number in range(1002, 1020)) + textwrap.dedent(
        """\
        ]

        [[runs]]
        # x
        x = 1

        [runs.deep]
        y = inf

        [[runs]]

        [none]
        """
    )  # fmt: skip
    assert read(text) == data


@pytest.mark.parametrize(
    "data",
    [
        {"$none": True},
        {"$$none": True},
        {"$none": False},
        {"$none": None},
        {"$none": {"a": None}},
        {"$none": 1, "x": 2},
    ],
)
def test_what_looks_like_none_stays_what_it_is(data):
    document = FORMAT.read(write({"inner": [data], **data}))
    assert document.data == {"inner": [data], **data}
    assert {("inner", 0, key) for key in data} <= set(document.positions)


def test_dates_are_read_as_their_forms_and_stay_as_they_are_written():
    text = "a = 2024-01-02T03:04:05Z # when\nb = 2024-01-02 03:04:05.5\nc = 2024-01-02\nd = 03:04:05\n"
    data = read(text)
    assert data == {
        "a": {"$datetime": "2024-01-02T03:04:05+00:00"},
        "b": {"$datetime": "2024-01-02T03:04:05.500000"},
        "c": {"$date": "2024-01-02"},
        "d": {"$time": "03:04:05"},
    }
    assert write({**data, "d": {"$time": "04:00:00"}}, into=text) == text.replace(
        "03:04:05\n", '{ "$time" = "04:00:00" }\n'
    )
    assert read(write(data)) == data


def test_places():
    text = """\
        a = 1
        b . "c.d".e = [ 1, # one
          {x = '''
        ''', y.z = 2}, "s", ]

        [t . u]
        "\\u0061" = 2024-01-02 03:04:05
        [[t.v]]
        [t.v.w]
        k = \"\"\"a\"\"\"\"
        [[t.v]]
        "$$none" = -inf
        """
    document = FORMAT.read(textwrap.dedent(text))
    assert document.data["t"]["v"] == [{"w": {"k": 'a"'}}, {"$none": -math.inf}]
    assert document.positions == {
        ("a",): (1, 5),
        ("b",): (2, 1),
        ("b", "c.d"): (2, 1),
        ("b", "c.d", "e"): (2, 15),
        ("b", "c.d", "e", 0): (2, 17),
        ("b", "c.d", "e", 1): (3, 3),
        ("b", "c.d", "e", 1, "x"): (3, 8),
        ("b", "c.d", "e", 1, "y"): (4, 6),
        ("b", "c.d", "e", 1, "y", "z"): (4, 12),
        ("b", "c.d", "e", 2): (4, 16),
        ("t",): (6, 1),
        ("t", "u"): (6, 1),
        ("t", "u", "a"): (7, 12),
        ("t", "v"): (8, 1),
        ("t", "v", 0): (8, 1),
        ("t", "v", 0, "w"): (9, 1),
        ("t", "v", 0, "w", "k"): (10, 5),
        ("t", "v", 1): (11, 1),
        ("t", "v", 1, "$none"): (12, 12),
    }


def test_lines_may_end_as_on_windows():
    document = FORMAT.read('\ufeffa = 1\r\nb = """\r\nx\r\ny"""\r\nc = 2\r\n')
    assert document.data == {"a": 1, "b": "x\ny", "c": 2}
    assert document.positions["c",] == (5, 5)


def test_a_text_is_brought_up_to_date_in_place():
    text = """\
        # head
        a = 1 # trailing
        b = [1, 2] # kept

        # of t
        [t]
        x = { y = 1, z = 0x10 }
        gone = 1

        [[l]]
        # of p
        p = 1
        [[l]]
        p = 2
        """
    data = read(text)
    data["a"] = 2
    del data["t"]["gone"]
    data["t"]["x"]["y"] = None
    data["t"]["new"] = "n"
    data["l"][0]["p"] = 3
    data["l"].append({"p": 4})
    assert write(data, {("t", "new"): "of new", ("a",): "not given"}, text) == textwrap.dedent(
        """\
        # head
        a = 2 # trailing
        b = [1, 2] # kept

        # of t
        [t]
        x = { y = { "$none" = true }, z = 0x10 }
        # of new
        new = "n"

        [[l]]
        # of p
        p = 3
        [[l]]
        p = 2
        [[l]]
        p = 4
        """
    )


@pytest.mark.parametrize(
    ("into", "data"),
    [
        ("p.a.c = 1\np.d = 2\n[q]\n", {"p": {"a": {"c": 1}, "d": 2, "z": {"k": 1}}, "q": {}}),
        ("[a.b]\nx = 1\n[c]\n[a.d]\ny = 2\n", {"a": {"b": {"x": 1}, "d": {"y": 3}, "x": 4}, "c": {}}),
        ("l = [{a = 1}, {a = 2}]\n", {"l": [{"a": {"b": [{}]}}]}),
        ("[[l]]\na = 1\n[[l]]\na = 2\n[[l]]\na = 3\n", {"l": [{"a": 3}]}),
        ("[[l]]\na = 1\n", {"l": [1, {"a": 1}]}),
        ("[[l]]\na = 1\n", {"l": []}),
        ("a = 1\n", {"a": {"b": {"c": None}}}),
        ("[a]\nb = 1\n", {"a": None}),
        ('a = {b = """\n"""}\n', {"a": {"b": "\n", "c": 1}}),
    ],
)
def test_a_text_of_any_layout_is_brought_up_to_date(into, data):
    comments = {("p", "z"): "z", ("a", "x"): "x", ("a", "c"): "c"}
    assert read(write(data, comments, into)) == data


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a = 1\n\na = 2",
            "line 3, column 5: the key 'a' occurs twice; its first value is in line 1\n  a = 2\n      \\^",
        ),
        ("[x]\nb = {c = 1, c = 2}", "line 2, column 17: the key 'c' occurs twice; its first value is in line 2"),
        ("a.b = 1\na = 2", "line 2, column 5: the key 'a' occurs twice"),
        ("[a]\n[a]", "line 2, column 3: cannot declare"),
        ("a = {b = 1, b = 2}", "line 1, column 17: the key 'b' occurs twice"),
        ("a", "line 1, column 2: expected '='"),
        ("a = ", "line 1, column 5: invalid value"),
        ("a = [1", "line 1, column 7: "),
        ("a = 'x", "line 1, column 7: "),
        ('a = """x', "line 1, column 9: unterminated string"),
        ('"\\z" = 1', "line 1, column "),
        ("a = 2024-13-01", "line 1, column "),
        ("a = 1\rb = 2", "line 1, column "),
        ("a = \0", "line 1, column 5: "),
        ("x = 1\na = '\ud800'", "line 2, column 6: a lone surrogate"),
        (
            "a = [\n 9223372036854775808]",
            r"line 2, column 2: a whole number beyond 64 bits[\s\S]*hint: write it as text",
        ),
        ("a = 1" + "0" * 5000, "line 1, column 5: a number may have at most 1000 digits"),
        ("a = {'$none' = 1}", r"line 1, column 16: the key \$none stands alone, and can only be true"),
        ("'$none' = true\nb = 1", r"line 1, column 11: the key \$none stands alone"),
        ("'$none' = 1\n'$$none' = 2", r"line 1, column 11: the key \$none stands alone"),
    ],
)
def test_an_error_says_where(text, message):
    with pytest.raises(ConfigError, match=message):
        FORMAT.read(text)


def test_a_broken_text_is_not_brought_up_to_date():
    with pytest.raises(ConfigError, match="line 1, column 2"):
        write({"a": 1}, into="a")


def test_numbers_beyond_64_bits_are_refused_with_what_to_do():
    assert read(write({"a": [2**63 - 1, -(2**63)]})) == {"a": [2**63 - 1, -(2**63)]}
    for number in (2**63, -(2**63) - 1):
        with pytest.raises(ConfigError, match=r"^a\[0\]: a whole number beyond 64 bits.*\n  hint: write it as text"):
            write({"a": [number]})


@pytest.mark.parametrize("data", [None, 1, "a", []])
def test_a_document_is_a_table(data):
    with pytest.raises(ConfigError, match=r"a TOML document is a table, not a \w+\n  hint: "):
        write(data)


def test_it_is_toml_for_others():
    data = {
        "a": "quotes \" ' \"\"\" ''' \\ \x7f \x00",
        "b": 'l1\n"""\nl2\\\n"',
        "c d": {"": [1.5, -0.0, True]},
        "é": {"x": "🙂"},
    }
    assert tomllib.loads(write(data)) == data


def test_a_text_may_not_be_too_long(monkeypatch):
    monkeypatch.setattr("nrun_config_toml.format.MOST_CHARACTERS", 10)
    with pytest.raises(ConfigError, match="at most 10 characters; this one has 11"):
        FORMAT.read(" " * 11)
