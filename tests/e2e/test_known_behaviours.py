"""What the tests of NeMo Run insist on, of configurations, items, factories and experiments: the same here, or better.

Each test names the behaviour; a few are held by tests elsewhere, as their names tell.
"""

from __future__ import annotations

import json
import types
from dataclasses import dataclass, field
from typing import Any, Optional

import pytest

import nrun as run
from nrun.cli.entrypoint import registered


@dataclass
class Optimizer:
    lr: float = 0.1
    seed: int = 0


@dataclass
class Model:
    hidden: int = 1
    seed: int = 0
    optimizer: Optimizer = field(default_factory=Optimizer)


def train(model: Model, count: int = 5, flag: bool = True, word: str = "word", rest: Any = None):
    return model, count, flag, word, rest


def left_out(model: run.OptionalDefaultConfig[Model] = None, call: run.OptionalDefaultPartial[Model] = None):
    return model, call


def modern(number: int | str = 1, maybe: Optional[int] = None, several: list[int] | None = None):  # noqa: UP045
    return number, maybe, several


def wide(hidden: int = 64) -> run.Config[Model]:
    return run.Config(Model, hidden=hidden)


def layers(models: list[Model]):
    return models


@pytest.fixture
def factories():
    before = list(registered)
    run.cli.factory(wide)
    yield
    registered[:] = before


# ---- configurations


def test_an_argument_that_may_be_left_out_is_made_when_something_is_said_of_it():
    task = run.cli.parse_partial(left_out, "model.hidden=4", "model.optimizer.lr=1")
    assert run.build(task)() == (Model(4, optimizer=Optimizer(1.0)), None)
    assert run.build(run.Config(left_out)) == (None, None)


@pytest.mark.parametrize("name", ["count", "flag", "word", "rest"])
def test_values_that_count_as_false_are_kept(name):
    value = {"count": 0, "flag": False, "word": "", "rest": None}[name]
    config = run.Partial(train, model=run.Config(Model), **{name: value})
    assert name in config
    assert (config[name], type(config[name])) == (value, type(value))
    again = run.Partial.from_json(config.to_json())
    assert list(again) == ["model", name]
    assert run.Partial.from_yaml(config.to_yaml(), mode="trust") == config


def test_an_argument_that_there_is_not_is_a_type_error_with_the_nearest_name():
    with pytest.raises(TypeError, match=r"takes no argument 'cuont'.*Did you mean 'count'"):
        run.Partial(train, cuont=1)


def test_an_instance_is_taken_as_it_is_and_edited_through_items():
    task = run.Partial(train, model=Model(3))
    assert run.cli.parse_partial(task.__nrun_target__, "model.hidden=4").model.hidden == 4
    assert run.build(task)()[0] == Model(3)
    assert run.Partial.from_json(task.to_json()) == task


def test_broadcast_and_walk_reach_every_node_that_takes_the_argument():
    task = run.Partial(layers, models=[run.Config(Model, optimizer=run.Config(Optimizer)), run.Config(Model, seed=1)])
    task.broadcast(seed=7)
    assert [task.models[0].seed, task.models[0].optimizer.seed, task.models[1].seed] == [7, 7, 7]
    task.walk(seed=lambda node: node.seed + 1)
    assert [task.models[0].seed, task.models[0].optimizer.seed, task.models[1].seed] == [8, 8, 8]


@pytest.mark.parametrize("target", [dict, dict[str, int]])
def test_a_dictionary_may_be_described(target):
    config = run.Config(target, a=1)
    config.b = 2
    assert (config.a, run.build(config)) == (1, {"a": 1, "b": 2})


@pytest.mark.parametrize("path", ["model.hiden", "model.hidden.x", "models[0]", "model..x", "", "0"])
def test_a_path_that_leads_nowhere_is_refused(path):
    with pytest.raises(run.ConfigError):
        run.cfg_with(run.Partial(train, model=run.Config(Model)), {path: 1})


@pytest.mark.parametrize("suffix", ["yaml", "yml", "toml", "json"])
def test_the_ending_of_a_file_says_its_format_in_both_directions(tmp_path, suffix):
    task = run.Partial(
        train, model=run.Config(Model, hidden=2, optimizer=run.Config(Optimizer, lr=1e-3)), word="a\n'b'"
    )
    run.dump(task, tmp_path / f"task.{suffix}")
    assert run.load(tmp_path / f"task.{suffix}", mode="trust") == task
    with pytest.raises(run.UnknownName, match="'txt'; installed: json, toml, yaml"):
        run.dump(task, tmp_path / "task.txt")


# ---- items and factories


@pytest.mark.usefixtures("factories")
def test_a_factory_comes_first_and_then_what_is_changed_of_it():
    task = run.cli.parse_partial(train, "model=wide", "model.seed=3")
    assert task.model == run.Config(Model, hidden=64, seed=3)
    task = run.cli.parse_partial(layers, "models=[wide,wide(hidden=2)]", "models[1].seed=1")
    assert task.models == [run.Config(Model, hidden=64), run.Config(Model, hidden=2, seed=1)]


def test_operators_need_something_to_work_on():
    assert run.cli.parse_partial(train, "model.hidden=2", "count+=3", "word+=s").count == 8
    with pytest.raises(run.ConfigError, match=r"rest "):
        run.cli.parse_partial(train, "model.hidden=2", "rest*=2")
    with pytest.raises(run.ConfigError, match="is not set, so there is nothing to change"):
        run.cli.parse_partial(layers_of_one, "first+=1")


def layers_of_one(first: int):
    return first


@pytest.mark.parametrize(
    ("item", "value"),
    [("number=5", 5), ("number=five", "five"), ("maybe=3", 3), ("maybe=null", None), ("several=[1,2]", [1, 2])],
)
def test_unions_are_read_however_they_are_written(item, value):
    name = item.partition("=")[0]
    read = run.cli.parse_partial(modern, item)[name]
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    "text", ["lambda x: x + 1", "lambda: __import__('os').system('touch pwned')", "[x for x in y]"]
)
def test_text_is_never_code(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run.cli.parse_partial(train, "model.hidden=1", f"word={text}").word == text
    with pytest.raises(run.ConfigError):
        run.cli.parse_partial(train, "model.hidden=1", f"count={text}")
    assert not list(tmp_path.iterdir())


# ---- the command line

PROGRAM = """
    import nrun as run

    class Model:
        def __init__(self, hidden: int = 1):
            self.hidden = hidden

    def train(model: Model = run.Config(Model), other: Model = run.Config(Model), n: int = 1):
        print(model.hidden, other.hidden, n)

    @run.cli.factory(target=train, target_arg="model")
    def only_here() -> run.Config[Model]:
        return run.Config(Model, hidden=9)

    if __name__ == "__main__":
        run.cli.main(train)
"""


def test_a_factory_may_be_for_one_argument_of_one_target(shell):
    shell.write("program.py", PROGRAM)
    assert shell.python("program.py", "model=only_here", "--direct").stdout.startswith("9 1 1\n")
    refused = shell.python("program.py", "other=only_here")
    assert refused.returncode == 2
    assert "expected Model; got 'only_here'" in refused.stderr


def test_a_section_is_written_alone_and_read_again(shell):
    shell.write("program.py", PROGRAM)
    assert shell.python("program.py", "model=only_here", "n=4", "--to-yaml", "model.yaml:model").returncode == 0
    assert "other" not in shell.read("model.yaml")
    assert shell.python("program.py", "model=@model.yaml", "--direct").stdout.startswith("9 1 1\n")


def test_nobody_is_asked_who_cannot_answer(shell):
    shell.write("program.py", PROGRAM)
    for environment in ({}, {"WORLD_SIZE": "2"}):
        done = shell.python("program.py", **environment)
        assert done.returncode == 0, done.stderr
        assert "Continue?" not in done.stdout + done.stderr


# ---- experiments


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("NRUN_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


SCRIPT = run.Script(inline="echo $SAID", env={"SAID": "done"})


@pytest.mark.usefixtures("home")
def test_jobs_that_are_given_no_name_get_one_each():
    exp = run.Experiment("names")
    assert [exp.add(run.Script("same.sh")) for _ in range(3)] == ["same.sh", "same.sh_1", "same.sh_2"]
    assert list(exp.jobs) == ["same.sh", "same.sh_1", "same.sh_2"]


@pytest.mark.usefixtures("home")
def test_unknown_dependencies_cycles_and_groups_without_a_name_are_refused():
    exp = run.Experiment("refused")
    with pytest.raises(run.PlanError, match="needs a name"):
        exp.add([SCRIPT, SCRIPT])
    exp.add(SCRIPT, name="a", dependencies=["b"])
    with pytest.raises(run.PlanError, match="'b'"):
        exp.plan()
    exp.add(SCRIPT, name="b", dependencies=["a"])
    with pytest.raises(run.PlanError, match="'a' → 'b' → 'a'"):
        exp.plan()


def test_jobs_are_added_without_a_with_statement_too(home):
    exp = run.Experiment("plain")
    exp.add(SCRIPT, name="a")
    assert exp.run().state is run.State.SUCCEEDED
    assert len(list(home.glob("experiments/plain/*"))) == 1


def test_a_dryrun_leaves_nothing_behind_and_what_it_printed_is_what_is_run(home, capsys):
    exp = run.Experiment("planned")
    exp.add(SCRIPT, name="a")
    before = dict(exp.scripts())
    exp.dryrun()
    assert "echo $SAID" in capsys.readouterr().out
    assert not home.exists()
    exp.run()
    (attempt,) = home.glob("experiments/planned/*/jobs/a/attempt-1")
    assert {name: (attempt / name.removeprefix("a/")).read_text() for name in before} == before


@pytest.mark.usefixtures("home")
def test_an_experiment_is_found_again_with_its_jobs_and_reset_to_run_once_more():
    exp = run.Experiment("again")
    exp.add(SCRIPT, name="a")
    exp.add(SCRIPT, name="b", dependencies=["a"])
    exp.run()
    found = run.Experiment.from_id(exp.id)
    assert {name: job.state for name, job in found.jobs.items()} == dict.fromkeys("ab", run.State.SUCCEEDED)
    assert list(found.reset().jobs) == ["a", "b"]
    never = run.Experiment("never")
    never.add(SCRIPT, name="a")
    assert list(never.reset().jobs) == ["a"]
    assert never.id is None


@pytest.mark.usefixtures("home")
def test_the_state_of_every_job_is_plain_data():
    exp = run.Experiment("told")
    exp.add(SCRIPT, name="a")
    exp.add(run.Script(inline="exit 3"), name="b")
    with pytest.raises(run.JobsFailed):
        exp.run()
    told = json.loads(json.dumps(exp.status().to_json()))
    assert isinstance(exp.jobs, types.MappingProxyType | dict)
    assert [(job["name"], job["state"]) for job in told["jobs"]] == [("a", "SUCCEEDED"), ("b", "FAILED")]
