"""What users of NeMo Run say of entrypoints and factories, and type after them, means the same here."""

from __future__ import annotations

import json

import pytest

PROGRAM = """
    import os
    from dataclasses import dataclass
    from typing import Optional

    import nrun as run

    @dataclass
    class Model:
        hidden: int = 256

    @run.cli.factory(is_target_default=True)
    def tiny() -> run.Config[Model]:
        return run.Config(Model, hidden=8)

    @dataclass(kw_only=True)
    class Team(run.Plugin):
        name: str = "none"

        def setup(self, task, executor):
            return task, executor.clone(env_vars={**executor.env_vars, "TEAM": self.name})

    @run.cli.factory
    @run.autoconvert
    def team(name: str = "speech") -> run.Plugin:
        return Team(name=name)

    def train(model: Model, n: int = 2):
        print("training")
        return [model.hidden, n, os.environ.get("TEAM"), os.getpid()]

    @run.cli.factory(target=train, is_target_default=True)
    def start() -> run.Partial[train]:
        return run.Partial(train, model=run.Config(Model, hidden=1), n=3)

    @run.cli.entrypoint(enable_executor=False, name="say", help="Says it.")
    def hello(word: str = "hi", model: Optional[Model] = None):
        print("hello", word, model, flush=True)
        if word == "wrong":
            raise LookupError(word)

    if __name__ == "__main__":
        run.cli.main(train, default_plugins=run.Config(Team), cmd_defaults=dict(tail_logs=True, skip_confirmation=True))
"""


@pytest.fixture
def program(shell):
    shell.write("program.py", PROGRAM)
    return shell


def returned(shell) -> list:
    newest = max(shell.home.glob("experiments/*/*"), key=lambda folder: folder.name)
    (file,) = newest.glob("jobs/*/attempt-1/result.json")
    return json.loads(file.read_text("utf-8"))["value"][:3]


def test_the_default_factory_of_a_target_is_where_it_starts_and_has_a_name(program):
    assert program.python("program.py").returncode == 0
    assert returned(program) == [1, 3, "none"]
    assert program.python("program.py", "model=default").returncode == 0
    assert returned(program) == [8, 3, "none"]


def test_options_are_as_they_were_set_unless_they_are_typed(program):
    assert "train| training" in program.python("program.py").stdout
    assert "train| training" not in program.python("program.py", "--no-tail-logs").stdout


def test_a_default_for_an_option_that_is_none_is_refused(program):
    program.write("program.py", PROGRAM.replace("tail_logs=True", "tail_lags=True"))
    done = program.python("program.py")
    assert done.returncode == 2
    assert "there is no option 'tail_lags'. Did you mean 'tail_logs'" in done.stderr


@pytest.mark.parametrize("setting", ["entrypoint_cls=object", "run_ctx_cls=object"])
def test_what_a_command_language_makes_is_not_replaced_by_a_class(shell, setting):
    shell.write("a.py", f"import nrun as run\n@run.cli.entrypoint({setting})\ndef f(): ...\n")
    done = shell.python("a.py")
    assert setting.partition("=")[0] in done.stderr
    assert "command language" in done.stderr


def test_a_namespace_of_a_factory_is_refused_with_what_to_write(shell):
    shell.write("a.py", "import nrun as run\n@run.cli.factory(namespace='m.Model')\ndef f(): ...\n")
    assert "target=... and target_arg=..." in shell.python("a.py").stderr


@pytest.mark.parametrize(
    ("items", "team"),
    [
        (["run.plugins=team"], "speech"),
        (["run.plugins=team", "run.plugins.name=vision"], "vision"),
        (["run.plugins=team(name=vision)"], "vision"),
        (["run.plugins=[team(name=a),team(name=b)]"], "b"),
        (["run.plugins[0].name=first"], "first"),
        (["run.plugins+=team"], "speech"),
    ],
)
def test_one_plugin_or_several_are_typed(program, items, team):
    done = program.python("program.py", *items)
    assert done.returncode == 0, done.stderr
    assert returned(program)[2] == team


def test_a_task_is_run_in_this_process(program):
    done = program.python("program.py", "--direct")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("training") == 1
    assert returned(program)[:2] == [1, 3]


@pytest.mark.parametrize("words", [("program.py",), ("-m", "nrun", "run", "program.py:train")])
def test_a_run_is_left_to_others_and_that_is_a_success(program, words):
    done = program.python(*words, "--detach")
    assert done.returncode == 0, done.stderr
    waits = "while not run.Experiment.from_title('train').status().state.ended: time.sleep(0.1)"
    assert program.python("-c", f"import time, nrun as run\n{waits}").returncode == 0
    assert returned(program)[:2] == [1, 3]


def test_an_entrypoint_without_executor_is_called_at_once(program):
    done = program.nrun("run", "program.py:hello", "word=x", "model.hidden=4")
    assert (done.returncode, done.stdout) == (0, "hello x Model(hidden=4)\n")
    assert not list(program.home.glob("experiments/*/*"))
    assert "hello" not in program.nrun("plan", "program.py:hello").stdout.replace("Partial(hello)", "")
    failed = program.nrun("run", "program.py:hello", "word=wrong")
    assert failed.returncode == 1
    assert "LookupError: wrong" in failed.stderr


def test_nothing_is_said_of_the_run_of_what_is_no_job(program):
    done = program.nrun("run", "program.py:hello", "run.executor=local")
    assert done.returncode == 2
    assert "nothing can be said of its run: executor=local" in done.stderr


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("run.detach=True", "write --detach"),
        ("run.skip_confirmation=True", "write --yes"),
        ("run.tail_logs=True", "write --tail-logs"),
        ("--lazy", "leave it out: nothing is imported before it is needed"),
        ("--rich-show-locals", "leave it out: tracebacks are those of Python"),
        ("--verbose", "leave it out"),
    ],
)
def test_what_is_said_otherwise_here_tells_how(program, word, told):
    done = program.python("program.py", word)
    assert done.returncode == 2
    assert told in done.stderr
    assert not list(program.home.glob("experiments/*"))
