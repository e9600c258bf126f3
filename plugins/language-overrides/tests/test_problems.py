"""Reports: every problem with its path, the text it is about, and what was probably meant."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from nrun import ConfigError
from nrun_language_overrides.problems import ConfigProblems, Problem, Source, name_hints, shell_hints


def test_a_report_shows_all_problems_and_points_at_their_texts():
    report = ConfigProblems(
        [
            Problem(
                "optim.lrr",
                "no such argument of adam",
                Source("argv[2]", "optim.lrr=3e-4", 6, 9),
                ("did you mean optim.lr?",),
            ),
            Problem("layers", "no such argument of train", None, ("did you mean model.layers?",)),
            Problem("model.act", "expected one of 'relu', 'gelu'; got 'glu'", Source("exp.yaml:9:8", "act: glu", 5)),
        ]
    )
    assert isinstance(report, ConfigError)
    assert str(report).splitlines() == [
        "3 problems in the configuration",
        "  optim.lrr        no such argument of adam",
        "      argv[2]      optim.lrr=3e-4",
        "                   ------^^^   did you mean optim.lr?",
        "  layers           no such argument of train; did you mean model.layers?",
        "  model.act        expected one of 'relu', 'gelu'; got 'glu'",
        "      exp.yaml:9:8 act: glu",
        "                   -----^^^",
    ]


def test_one_problem_is_one():
    assert str(ConfigProblems([Problem("x", "is wrong")])).startswith("1 problem in")


def test_many_problems_are_counted_not_listed():
    lines = str(ConfigProblems(Problem(f"x[{i}]", "is wrong") for i in range(1000))).splitlines()
    assert len(lines) < 30
    assert lines[-1] == "  and 980 more"


def test_machines_read_problems_as_json():
    where = Source("argv[1]", "x=é", 2, 3)
    assert json.loads(ConfigProblems([Problem("x", "is wrong", where, ("a", "b")), Problem("", "y")]).to_json()) == [
        {
            "path": "x",
            "message": "is wrong",
            "where": {"label": "argv[1]", "text": "x=é", "start": 2, "end": 3},
            "hints": ["a", "b"],
        },
        {"path": "", "message": "y", "where": None, "hints": []},
    ]


@given(st.text(max_size=300), st.integers(0, 300), st.integers(0, 300))
def test_the_carets_stay_under_the_text_whatever_it_holds(text, start, length):
    start = min(start, len(text))
    report = str(ConfigProblems([Problem("x", "is wrong", Source("here", text, start, start + length))]))
    shown, carets = report.split("\n")[2:]
    assert len(carets) <= max(len(shown), 19) + 1
    assert shown.isprintable()
    assert "^" in carets


def test_carets_point_into_a_long_text():
    text = "[" + "aaaa," * 100 + "WRONG," + "aaaa," * 100 + "]"
    at = text.index("WRONG")
    shown, carets = str(ConfigProblems([Problem("x", "?", Source("", text, at, at + 5))])).splitlines()[2:]
    assert shown[carets.index("^") : carets.rindex("^") + 1] == "WRONG"


def test_a_part_of_a_part_is_counted_from_its_beginning():
    assert Source("a", "x=[1,2]", 2).part(1, 2) == Source("a", "x=[1,2]", 3, 4)


def test_names_are_suggested_in_the_order_of_trust():
    assert name_hints("layer", ["layers", "lr"], ["model.layer", "model.lr"], ["layer_norm"]) == (
        "did you mean layers?",
        "did you mean model.layer?",
        "did you mean layer_norm?",
    )
    assert name_hints("zzz", ["layers"], ["a.b"]) == ()


def test_what_a_shell_does_to_arguments_is_recognised():
    assert "single quotes" in shell_hints("[1,")[0]
    assert "single quotes" in shell_hints("")[0]
    assert shell_hints("abc") == ()
