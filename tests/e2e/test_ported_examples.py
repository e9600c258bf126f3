"""The example programs that users of NeMo Run know, under the names they know: each runs as its docstring says."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
PROGRAMS = sorted(path for folder in ("entrypoint", "hello-world") for path in (EXAMPLES / folder).glob("*.py"))


def told(program: Path) -> list[list[str]]:
    """The commands in the docstring of a program."""
    docstring = program.read_text("utf-8").split('"""')[1]
    lines = (line.strip() for line in docstring.splitlines())
    return [shlex.split(line)[1:] for line in lines if line.startswith("python ")]


@pytest.fixture
def place(shell):
    """The shell, in a copy of the folders of examples."""

    def enter(folder: str):
        shell.folder = shell.folder / folder
        shutil.copytree(EXAMPLES / folder, shell.folder, ignore=shutil.ignore_patterns("__pycache__"))
        return shell

    return enter


def results(shell) -> dict[str, object]:
    """What each job of the newest experiment returned."""
    newest = max(shell.home.glob("experiments/*/*"), key=lambda folder: folder.name)
    files = newest.glob("jobs/*/attempt-1/result.json")
    return {file.parents[1].name: json.loads(file.read_text("utf-8"))["value"] for file in files}


@pytest.mark.parametrize(
    ("program", "words"),
    [pytest.param(program, words, id=" ".join(words)[:60]) for program in PROGRAMS for words in told(program)],
)
def test_every_command_that_an_example_tells_of_succeeds(place, program, words):
    done = place(program.parent.name).python(*words)
    assert done.returncode == 0, done.stderr


def test_every_example_tells_how_it_is_run():
    assert [program.name for program in PROGRAMS if not told(program)] == []


@pytest.mark.parametrize(
    ("items", "parameters", "samples"),
    [
        ([], 256**2 * 3, 320),
        (["model.hidden_size=512", "epochs=20"], 512**2 * 3, 640),
        (["model=my_model(hidden_size=1024,activation='tanh')"], 1024**2 * 3, 320),
        (["model=my_model(hidden_size=1024)", "model.num_layers=5"], 1024**2 * 5, 320),
        (["model.hidden_size*=2", "optimizer.learning_rate/=10", "batch_size+=16"], 512**2 * 3, 480),
        (["optimizer.betas=[0.9,0.999]"], 256**2 * 3, 320),
    ],
)
def test_items_change_the_model_and_the_optimiser_of_a_task(place, items, parameters, samples):
    shell = place("entrypoint")
    done = shell.python("task.py", *items)
    assert done.returncode == 0, done.stderr
    assert results(shell) == {"train-model": {"parameters": parameters, "samples": samples}}


def test_a_task_gets_what_its_defaults_describe(place):
    shell = place("entrypoint")
    shell.python("task.py")
    (log,) = shell.home.rglob("out.log")
    assert "Model(hidden_size=256, num_layers=3, activation='relu') by Optimizer(" in log.read_text("utf-8")


def test_the_default_factory_is_what_items_start_from(place):
    shell = place("entrypoint")
    shell.python("task_with_defaults.py", "epochs=2", "model.num_layers+=1")
    assert results(shell) == {"train-model": {"hidden_size": 512, "num_layers": 4, "samples": 2 * 2048}}
    shell.python("task_with_defaults.py", "--factory", "small")
    assert results(shell) == {"train-model": {"hidden_size": 256, "num_layers": 1, "samples": 32}}


def test_an_experiment_gets_models_that_were_changed_or_added(place):
    shell = place("entrypoint")
    shell.python("experiment.py", "models[0].hidden_size=1024", "epochs=1")
    parameters = {name: value["parameters"] for name, value in results(shell).items()}
    assert parameters == {"train_model_0": 1024**2 * 3, "train_model_1": 512**2 * 3}
    shell.python("experiment.py", "models+=[my_model(hidden_size=2048)]", "optimizers+=my_optimizer")
    assert results(shell)["train_model_2"]["parameters"] == 2048**2 * 3


@pytest.mark.parametrize("root", ["run.", "ctx.", ""])
def test_the_executor_of_an_experiment_is_a_factory_or_a_plugin(place, root):
    shell = place("entrypoint")
    planned = shell.python("experiment.py", f"{root}executor=local_executor", "--plan", "--json")
    assert planned.returncode == 0, planned.stderr
    (plan,) = json.loads(planned.stdout)
    assert plan["title"] == "train_models_experiment"
    done = shell.python("experiment.py", f"{root}executor=local", f"{root}executor.retries=2")
    assert done.returncode == 0, done.stderr
    (described,) = shell.home.glob("experiments/*/*/experiment.json")
    (executor,) = json.loads(described.read_text("utf-8"))["executors"]
    assert executor["executor"]["fields"]["retries"] == 2


def test_hello_world_prints_what_was_configured_and_what_came_back(place):
    done = place("hello-world").python("hello_world.py")
    assert done.stdout.splitlines() == [
        "Partial(add, a=5, b=10)",
        "5 + 10 = 15",
        "called here: 15",
        "run as a job: [110, 50, 45]",
    ]


def test_hello_scripts_prints_the_log_of_all_three(place):
    done = place("hello-world").python("hello_scripts.py")
    for line in ("Hello from a file", "Hello 1", "Hello 2", "total = [15, 30, 45]"):
        assert line in done.stdout


def test_hello_experiments_finds_its_jobs_again(place):
    done = place("hello-world").python("hello_experiments.py")
    assert done.stdout.startswith("add_object SUCCEEDED\n")
    assert done.stdout.endswith("total = [1010, 1020, 1030]\n")
    assert [line.split()[0] for line in done.stdout.splitlines()[3:6]] == ["add_object", "add_object_1", "add_object_2"]


def test_the_help_of_an_experiment_asks_for_no_context(place):
    done = place("entrypoint").python("experiment.py", "--help")
    assert done.returncode == 0
    assert "Train several models" in done.stdout
    assert not [line for line in done.stdout.splitlines() if line.split()[:1] == ["ctx"]]
