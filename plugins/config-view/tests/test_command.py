"""`nrun config`: what it prints, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import nrun
from nrun import Config, Experiment, Partial, Script
from nrun.cli.root import main


@pytest.fixture
def typed(capsys, tmp_path, monkeypatch):
    """Type a command in an empty folder: gives exit code, output and errors."""
    monkeypatch.setenv("NRUN_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NRUN_ALLOW", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def type_(*words):
        with pytest.raises(SystemExit) as ended:
            main(["config", *words])
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return type_


@pytest.fixture
def files(typed, targets, tmp_path):
    """Two configurations that differ, in files of several formats."""
    shared = Config(targets.Layer, dim=3)
    config = Config(
        targets.train, layers=[shared, Config(targets.Layer, dim=4, inner=shared)], optim=Config(targets.Adam)
    )
    nrun.dump(config, "a.yaml")
    other = config.clone()
    other.optim.lr = 0.5
    other.layers[1].act = targets.Act.GELU
    nrun.dump(other, "b.toml")
    (tmp_path / "a.json").write_text(config.to_json())
    return config, other


def test_show_prints_every_form_and_imports_nothing(typed, files, targets):
    del sys.modules["view_targets"]
    code, text, _ = typed("show", "a.yaml")
    assert (code, text.splitlines()[0]) == (0, "Config(train)")
    assert typed("show", "a.json") == (0, text, "")
    assert typed("show", "a.yaml:optim") == (0, "Config(Adam)\n", "")
    assert typed("show", "a.json:optim") == (0, "Config(Adam)\n", "")
    assert json.loads(typed("show", "a.yaml", "--json")[1])["$target"] == "view_targets:train"
    assert "_1 = Config(view_targets.Layer, dim=3)" in typed("show", "a.yaml", "--format", "py")[1]
    assert typed("show", "a.yaml", "--format", "svg")[1].startswith("<svg ")
    assert typed("show", "a.yaml", "--format", "html")[1].startswith("<!doctype html>")
    assert typed("show", "a.yaml", "--format", "mermaid")[1].startswith("flowchart LR")
    assert "layers[1].inner@=layers[0]" in typed("show", "a.yaml", "--format", "overrides")[1]
    assert "act = view_targets:Act.GELU" in typed("show", "b.toml")[1]
    assert "view_targets" not in sys.modules


def test_diff_exits_with_1_when_there_is_a_difference(typed, files):
    assert typed("diff", "a.yaml", "a.json") == (0, "", "")
    code, text, _ = typed("diff", "a.yaml", "b.toml")
    assert (code, text) == (1, "+ layers[1].act = view_targets:Act.GELU\n+ optim.lr = 0.5\n")
    assert json.loads(typed("diff", "a.yaml", "b.toml", "--json")[1])["changes"][1]["new"] == 0.5
    assert typed("diff", "a.yaml", "b.toml", "--format", "overrides")[1] == "layers[1].act=GELU\noptim.lr=0.5\n"
    assert typed("diff", "a.yaml", "b.toml", "--format", "tree")[1].splitlines()[-1] == "└─ + lr = 0.5"


def test_diff_of_three_exits_with_1_when_there_is_a_conflict(typed, files):
    assert typed("diff", "a.yaml", "b.toml", "a.json")[0] == 0
    config, _ = files
    config.optim.lr = 7.0
    nrun.dump(config, "c.yaml")
    code, text, _ = typed("diff", "a.yaml", "b.toml", "c.yaml")
    assert code == 1
    assert text.splitlines()[-3:] == ["conflict at optim.lr:", "  ours   + optim.lr = 0.5", "  theirs + optim.lr = 7.0"]
    assert typed("diff", "a.yaml", "b.toml", "c.yaml", "--format", "tree")[0] == 2


def test_explain_names_the_line(typed, files):
    code, text, _ = typed("explain", "b.toml", "optim.lr")
    assert code == 0
    assert "optim.lr = 0.5" in text
    assert "b.toml:" in text
    assert json.loads(typed("explain", "b.toml", "optim.lr", "--json")[1])["trail"][0]["kind"] == "file"
    for path in ("optim.rl", "optmi.lr", "layers[7].dim"):
        code, _, errors = typed("explain", "b.toml", path)
        assert code == 2
        assert "nothing is set at" in errors
        assert "Did you mean 'optim" in errors or "layers[7]" in errors


@pytest.mark.parametrize("name", ["c.yaml", "c.toml", "c.json"])
def test_convert_loses_nothing(typed, files, name):
    _, other = files
    assert typed("convert", "b.toml", name) == (0, "", "")
    assert nrun.load(name, mode="trust") == other


def test_convert_to_what_is_no_format_says_what_is_missing(typed, files):
    for name in ("c.svg", "c.html", "c.mmd"):
        assert typed("convert", "b.toml", name)[0] == 0
    code, _, errors = typed("convert", "b.toml", "c.ini")
    assert code == 2
    assert "ini" in errors


def test_validate_names_every_problem_with_its_place(typed, targets, tmp_path):
    (tmp_path / "bad.yaml").write_text(
        "$target: view_targets:train\n"
        "layers:\n  - {$target: view_targets:Layer, dim: wide}\n  - {$target: view_targets:Layer, act: 3}\n"
        "optim: {$target: view_targets:Point}\n"
        "start: {$object: view_targets:Nope, fields: {}}\n"
    )
    code, out, errors = typed("validate", "bad.yaml", "--allow", "view_targets")
    assert (code, out) == (2, "")
    for told in (
        "5 problems",
        "layers[0].dim: Layer.dim must be int, not str 'wide'  (bad.yaml:3:",
        "layers[1].act: Layer.act must be Act, not int 3  (bad.yaml:4:",
        "layers[1].dim: is required and not set",
        "optim: train.optim must be Optim | None",
        "start: ",
    ):
        assert told in errors
    problems = json.loads(typed("validate", "bad.yaml", "--allow", "view_targets", "--json")[1])["problems"]
    assert [problem["path"] for problem in problems][-1] == "layers[1].dim"


def test_validate_imports_only_what_is_allowed(typed, files):
    code, _, errors = typed("validate", "a.yaml")
    assert code == 2
    assert "view_targets:train may not be imported" in errors
    assert typed("validate", "a.yaml", "--trust") == (0, "a.yaml: no problems\n", "")


def test_schema_prints_the_schema(typed, targets):
    code, text, _ = typed("schema", "view_targets:train")
    assert code == 0
    assert json.loads(text)["title"] == "view_targets:train"
    assert typed("schema", "view_targets:Nope")[0] == 2
    assert typed("schema", f"{targets.__file__}:train") == (0, text, "")


def test_a_task_that_was_run_is_shown_from_the_record(typed):
    with Experiment("seen") as exp:
        exp.add(Partial(print, "x", sep="-"), name="first")
        exp.add(Script(inline="true", args=["a"]), name="second")
        exp.add([Script(inline="true"), Script(inline="true", args=["b"])], name="third")
        exp.run()
    code, _, errors = typed("show", "seen")
    assert code == 2
    assert "has 3 jobs" in errors
    assert typed("show", "seen:first")[1] == "Partial(print)\n├─ sep = '-'\n└─ [0] = 'x'\n"
    assert "inline = 'true'" in typed("show", "latest:second")[1]
    assert typed("show", "seen:third")[1].splitlines()[1] == "├─ [0] = Config(Script)"
    assert "Did you mean 'first'?" in typed("show", "seen:frist")[2]
    assert "experiment.json" in typed("explain", "seen:first", "sep")[1]


def test_a_record_names_the_script_as_files_do(tmp_path, typed):
    script = tmp_path / "tale.py"
    script.write_text(
        "import nrun as run\n"
        "class Part: ...\n"
        "def tell(part): ...\n"
        "if __name__ == '__main__':\n"
        "    task = run.Partial(tell, run.Config(Part))\n"
        "    run.dump(task, 'task.yaml')\n"
        "    run.run(task, name='told', tail_logs=False)\n"
    )
    subprocess.run([sys.executable, script.name], cwd=tmp_path, check=True, capture_output=True)
    assert typed("diff", "task.yaml", "told") == (0, "", "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["show", "no.yaml"], "there is no file 'no.yaml'"),
        (["show", "nothing"], "there is no experiment 'nothing'"),
        (["show", "bad.json"], "bad.json"),
        (["show", "worse.json"], "worse.json"),
        (["show", "a.yaml", "--format", "png"], "png"),
        (["diff", "a.yaml"], "Missing argument"),
    ],
)
def test_bad_input_exits_with_2_and_says_what_is_wrong(typed, files, tmp_path, words, told):
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "worse.json").write_text('{"nrun": 1, "value": {"$config": 3}}')
    code, _, errors = typed(*words)
    assert code == 2
    assert told in errors


@pytest.mark.parametrize("command", ["", "show", "diff", "explain", "convert", "validate", "schema"])
def test_help_has_examples(typed, command):
    code, text, _ = typed(*filter(None, [command]), "--help")
    assert code == 0
    assert "Examples:" in text
