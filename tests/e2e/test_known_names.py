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

    @run.cli.factory
    def pair(last: str = "second") -> list[run.Plugin]:
        return [Team(name="first"), Team(name=last)]

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


NAMESPACES = """
    from dataclasses import dataclass

    import nrun as run

    @dataclass
    class Model:
        hidden: int = 1

    @run.cli.factory(namespace="names.Model")
    def big():
        return run.Config(Model, hidden=100)

    @run.cli.factory(namespace="names.train.second")
    def only_there():
        return run.Config(Model, hidden=50)

    def train(first: Model = run.Config(Model), second: Model = run.Config(Model)):
        print(first.hidden, second.hidden)

    if __name__ == "__main__":
        assert run.cli.resolve_factory("names.Model", "big") is big
        assert run.cli.list_factories("names.train.second") == [only_there]
        run.cli.main(train, enable_executor=False)
"""


def test_a_namespace_says_in_text_for_what_a_factory_is(shell):
    shell.write("names.py", NAMESPACES)
    done = shell.python("names.py", "first=big", "second=only_there")
    assert done.stdout == "100 50\n", done.stderr
    refused = shell.python("names.py", "first=only_there")
    assert refused.returncode == 2
    assert "expected Model; got 'only_there'" in refused.stderr


@pytest.mark.parametrize(
    ("items", "team"),
    [
        (["run.plugins=team"], "speech"),
        (["run.plugins=team", "run.plugins.name=vision"], "vision"),
        (["run.plugins=team(name=vision)"], "vision"),
        (["run.plugins=[team(name=a),team(name=b)]"], "b"),
        (["run.plugins[0].name=first"], "first"),
        (["run.plugins+=team"], "speech"),
        (["run.plugins=pair"], "second"),
        (["run.plugins=pair(last=c)"], "c"),
        (["run.plugins=pair", "run.plugins[1].name=d"], "d"),
    ],
)
def test_one_plugin_or_several_are_typed(program, items, team):
    done = program.python("program.py", *items)
    assert done.returncode == 0, done.stderr
    assert returned(program)[2] == team


def test_help_shows_what_gives_one_plugin_or_several(program):
    told = program.python("program.py", "--help", "run.plugins").stdout
    factories = [line.split() for line in told.partition("Factories:\n")[2].splitlines()]
    assert factories == [["run.plugins", "team(name)"], ["run.plugins", "pair(last)"], ["run.plugins[+]", "team(name)"]]


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
    ("words", "told"),
    [
        (["--lazy"], "note: --lazy is left out: nothing is imported before it is needed"),
        (["--rich-show-locals"], "note: --rich-show-locals is left out: tracebacks are those of Python"),
        (["--rich-theme", "monokai"], "note: --rich-theme is left out"),
        (["--rich-theme=monokai", "--verbose"], "note: --verbose is left out: what your code raises is shown in full"),
    ],
)
def test_an_option_that_has_nothing_left_to_do_is_told_and_left_out(program, words, told):
    done = program.python("program.py", *words, "--direct", "n=7")
    assert done.returncode == 0, done.stderr
    assert told in done.stderr
    assert returned(program)[1] == 7


def test_defaults_for_such_options_change_nothing(program):
    program.write(
        "program.py", PROGRAM.replace("cmd_defaults=dict(", "cmd_defaults=dict(verbose=True, rich_locals=True, ")
    )
    assert program.python("program.py", "--direct").returncode == 0


def test_what_is_said_of_the_run_as_an_item_is_the_option(program):
    planned = program.python("program.py", "run.dryrun=True")
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout.startswith("# experiment train: 1 jobs")
    assert not list(program.home.glob("experiments/*"))
    shown = program.python("program.py", "run.to_yaml=-", "n=9").stdout
    assert '"n": 9' in shown
    assert "train| training" not in program.python("program.py", "run.tail_logs=False").stdout
    assert "train| training" in program.python("program.py", "run.tail_logs=true", "run.skip_confirmation=True").stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run.detach=perhaps"], "'perhaps' is not a valid boolean"),
        (["run.detach=True", "run.detach=False"], "run.detach is given twice"),
        (["--", "run.detach=True"], "no such argument of train"),
        (["--set-file", "items.txt"], "write --yes, or run.skip_confirmation=... among the items"),
    ],
)
def test_what_is_said_of_the_run_is_read_as_an_option_is(program, words, told):
    program.write("items.txt", "run.skip_confirmation=True")
    done = program.python("program.py", *words)
    assert done.returncode == 2
    assert told in done.stderr
    assert not list(program.home.glob("experiments/*"))


OWN = """
    import nrun as run

    def train(**sizes: int):
        print(sizes)

    if __name__ == "__main__":
        run.cli.main(train, enable_executor=False)
"""


def test_after_two_dashes_every_item_is_about_the_task(shell):
    shell.write("own.py", OWN)
    assert shell.python("own.py", "--", "run=3", "plugins=1").stdout == "{'run': 3, 'plugins': 1}\n"
    assert "nothing can be said of its run" in shell.python("own.py", "executor.retries=3").stderr


JOBS = """
    import nrun as run

    class Team(run.Plugin):
        def setup(self, task, executor):
            return task, executor.clone(env_vars={"TEAM": "speech"})

    with run.Experiment("jobs", log_level="WARNING") as exp:
        exp.add(run.Script(inline="echo softly", metadata={"use_with_ray_cluster": True}), name="soft")
        exp.add(run.Script(inline='echo loudly $TEAM'), name="loud", plugins=Team(), tail_logs=True)
        exp.run()
    with run.Experiment.from_title("jobs") as exp:
        print(exp.reset().tasks[0].metadata)
"""


def test_one_job_is_tailed_and_what_there_is_to_remember_is_in_the_record(shell):
    shell.write("jobs.py", JOBS)
    done = shell.python("jobs.py")
    assert done.returncode == 0, done.stderr
    assert "loud| loudly speech" in done.stdout
    assert "softly" not in done.stdout
    assert "{'use_with_ray_cluster': True}" in done.stdout
    assert "metadata = {'use_with_ray_cluster': True}" in shell.nrun("config", "show", "jobs:soft").stdout
