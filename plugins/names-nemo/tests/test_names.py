from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional, get_type_hints

import pytest

import nrun as run
from nrun.cli.entrypoint import registered


@dataclass
class Model:
    hidden: int = 1


@dataclass
class Big(Model):
    layers: int = 12


def train(model: Model, lr: float = 1e-3, tag: str = "x"):
    """Train a model.

    Args:
        lr: step size
    """
    print("training")
    return lr


def tiny(hidden: int = 8) -> run.Config[Model]:
    return run.Config(Model, hidden=hidden)


def wide() -> run.Config[Big]:
    return run.Config(Big)


def start() -> run.Partial[train]:
    return run.Partial(train, model=run.Config(Model, hidden=3))


@pytest.fixture
def factories():
    """Factories that are known for the length of a test."""
    before = list(registered)
    run.cli.factory(tiny)
    run.cli.factory(wide)
    run.cli.factory(target=train)(start)
    yield
    registered[:] = before


# ---- dryrun_fn


def test_a_dry_run_prints_every_argument_and_the_executor_and_calls_nothing(capsys):
    run.dryrun_fn(run.Partial(train, model=run.Config(Model, hidden=3)), executor=run.LocalExecutor(retries=2))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Dry run for task {__name__}:train"
    assert [line.split(maxsplit=1) for line in lines[1:5]] == [
        ["argument", "value"],
        ["model", "Config(Model, hidden=3)"],
        ["lr", "0.001"],
        ["tag", "'x'"],
    ]
    assert lines[5].startswith("executor: LocalExecutor(")
    assert "retries=2" in lines[5]


def test_a_dry_run_tells_what_is_required_and_is_of_a_task(capsys):
    run.dryrun_fn(run.Partial(train))
    assert "model     (required)" in capsys.readouterr().out
    with pytest.raises(TypeError, match="a Config or Partial, not of <function train"):
        run.dryrun_fn(train)


def test_a_dry_run_builds_only_when_it_is_asked_to():
    def made():
        raise LookupError("made")

    made.__qualname__ = "made"
    run.dryrun_fn(run.Config(made))
    with pytest.raises(LookupError, match="made"):
        run.dryrun_fn(run.Config(made), build=True)


# ---- help


def test_help_prints_what_can_be_typed(capsys):
    run.help(train, with_docs=False)
    told = capsys.readouterr().out
    assert "Train a model." in told
    assert "step size" in told


# ---- import_executor

EXECUTORS = """
import nrun as run

def cluster(retries=1):
    return run.LocalExecutor(retries=retries)

small = run.LocalExecutor(max_parallel=1)
"""


def test_an_executor_comes_from_the_file_in_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("NRUN_HOME", str(tmp_path))
    (tmp_path / "executors.py").write_text(EXECUTORS)
    assert run.import_executor("cluster", retries=3) == run.LocalExecutor(retries=3)
    assert run.import_executor("small") == run.LocalExecutor(max_parallel=1)
    assert run.import_executor("cluster", call=False)() == run.LocalExecutor(retries=1)
    with pytest.raises(run.UsageError, match=r"no 'clustre' in .*executors\.py\. Did you mean 'cluster'"):
        run.import_executor("clustre")


def test_an_executor_comes_from_a_file_that_is_named(tmp_path):
    file = tmp_path / "ours.py"
    file.write_text(EXECUTORS)
    assert run.import_executor("small", file).max_parallel == 1
    with pytest.raises(run.UsageError, match=r"there is no file .*none\.py"):
        run.import_executor("small", file_path=tmp_path / "none.py")


# ---- executors, plugins, scripts as configurations


class Team(run.Plugin):
    diff: str = "a field may bear the name of a method"


@pytest.mark.parametrize(
    ("data", "described"),
    [
        (run.LocalExecutor(), run.Config(run.LocalExecutor)),
        (
            run.LocalExecutor(retries=2, env_vars={"A": "1"}),
            run.Config(run.LocalExecutor, retries=2, env_vars={"A": "1"}),
        ),
        (
            run.LocalExecutor(retries=run.Retries(out_of_memory=1)),
            run.Config(run.LocalExecutor, retries=run.Config(run.Retries, out_of_memory=1)),
        ),
        (run.Script("a.sh", metadata={"a": [1]}), run.Config(run.Script, path="a.sh", metadata={"a": [1]})),
        (Team(diff="b"), run.Config(Team, diff="b")),
    ],
)
def test_data_is_described_by_what_it_has_that_is_no_default(data, described):
    assert data.to_config() == described
    assert set(data.to_config()) == set(described)
    assert run.build(data.to_config()) == data


def test_what_has_changed_of_an_executor_is_told():
    told = str(run.LocalExecutor(retries=2).diff(run.LocalExecutor()))
    assert told == "+ retries = 2"


def test_only_what_has_fields_is_described():
    with pytest.raises(run.ConfigError, match="3 has no fields"):
        run.to_config(3)


def test_an_executor_without_a_launcher_starts_processes_as_they_are():
    assert run.LocalExecutor().get_launcher() == run.Launcher()


@pytest.mark.parametrize("metadata", [3, None, "a", [("a", 1)]])
def test_what_there_is_to_remember_of_a_script_has_names(metadata):
    with pytest.raises(run.ConfigError, match="'metadata' must be <class 'dict'>"):
        run.Script("a.sh", metadata=metadata)


# ---- imports and annotations


def test_imports_are_as_they_are_and_one_that_fails_tells_what_to_write():
    with run.lazy_imports(fallback_to_lazy=True):
        import json
    assert json.loads("1") == 1
    with pytest.raises(run.UsageError, match="No module named 'nowhere'") as caught, run.lazy_imports():
        import nowhere.at_all  # noqa: F401
    assert "run.Partial('nowhere:function', lr=1)" in str(caught.value)


def made(model=None, call=None):
    return model, call and call()


made.__annotations__ = {"model": run.OptionalDefaultConfig[Model], "call": run.OptionalDefaultPartial[Model]}


def test_an_argument_may_be_annotated_as_left_to_its_default():
    assert get_type_hints(made) == {"model": Optional[Model], "call": Optional[Callable[..., Model]]}  # noqa: UP045
    assert run.build(run.Config(made)) == (Model(1), Model(1))
    assert run.build(run.Partial(made, model=None))()[0] is None
    config = run.Config(made)
    config.model.hidden = 5
    assert run.build(config)[0] == Model(5)
    assert run.Config(made) == run.Config(made, model=run.Config(Model), call=run.Partial(Model))
    assert run.build(run.Config(made, model=run.Config(Model, hidden=2)))[0] == Model(2)
    assert run.cli.parse_config(made, "model.hidden=4").model == run.Config(Model, hidden=4)


# ---- entrypoints and factories, from Python


def test_items_are_taken_into_a_task():
    task = run.cli.parse_partial(train, "model.hidden=4", "lr*=2", "tag=lr-${lr}")
    assert task == run.Partial(train, model=run.Config(Model, hidden=4), lr=2e-3, tag="lr-0.002")
    assert run.cli.parse_config(Model, "hidden=4") == run.Config(Model, hidden=4)
    assert run.cli.parse_cli_args(train, ["lr=1"]) == run.Partial(train, lr=1.0)
    assert run.cli.parse_cli_args(Model, ["hidden=1"], output_type=run.Config) == run.Config(Model, hidden=1)
    with pytest.raises(run.ConfigError, match="did you mean model"):
        run.cli.parse_partial(train, "modle.hidden=4")


@pytest.mark.usefixtures("factories")
def test_factories_are_found_by_type_and_by_target():
    assert run.cli.resolve_factory(Model, "tiny") is tiny
    assert run.cli.resolve_factory(Optional[Model], "wide") is wide  # noqa: UP045
    assert run.cli.resolve_factory(list[Model], "tiny") is tiny
    assert run.cli.resolve_factory(train, "start") is start
    assert run.cli.list_factories(Big) == [wide]
    assert run.cli.list_factories(train) == [start]
    with pytest.raises(run.UsageError, match=r"no factory 'tini' for Model\. Did you mean 'tiny'"):
        run.cli.resolve_factory(Model, "tini")
    assert run.cli.list_factories(f"{__name__}.train") == [start]
    assert run.cli.resolve_factory(f"{__name__}.Model", "tiny") is tiny
    assert run.cli.list_factories("m.Model") == []


@pytest.mark.usefixtures("factories")
def test_an_entrypoint_that_is_named_gives_its_task(tmp_path):
    task = run.LazyEntrypoint(train, factory="start", overwrites=["lr=1"])
    assert task == run.Partial(train, model=run.Config(Model, hidden=3), lr=1.0)
    (tmp_path / "at.json").write_text('{"hidden": 9}')
    assert run.LazyEntrypoint("json:dumps", overwrites=["indent=2"]).indent == 2
    assert run.LazyEntrypoint("json.dumps").__nrun_target__.__name__ == "dumps"
    assert run.LazyEntrypoint(Model, yaml=str(tmp_path / "at.json")).hidden == 9
    with pytest.raises(run.UsageError, match=r"'train\.py epochs=1' names no function"):
        run.LazyEntrypoint("train.py epochs=1")


def test_entrypoints_are_listed_by_namespace(monkeypatch):
    def fit(): ...

    fit.__module__ = "trainers"
    module = type(sys)("trainers")
    module.fit = run.cli.entrypoint(namespace="llm.text")(fit)
    monkeypatch.setitem(sys.modules, "trainers", module)
    assert run.cli.list_entrypoints()["llm"]["text"]["fit"].function is fit
    assert list(run.cli.list_entrypoints("llm.text")) == ["fit"]
    assert run.cli.list_entrypoints("nowhere") == {}


def test_the_command_is_that_of_nrun(capsys):
    assert run.cli.create_cli(add_verbose_callback=True).main(["--version"], standalone_mode=False) == 0
    assert capsys.readouterr().out.startswith("nrun ")


# ---- without the plugin


def test_without_the_distribution_a_name_says_what_to_install():
    program = (
        "import nrun as run\nfor name in ('dryrun_fn', 'LazyEntrypoint'):\n    assert not hasattr(run, name)\nrun.help"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"NRUN_DISABLE_PLUGINS": "names-nemo"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "no installed plugin provides help" in done.stderr
    assert "nrun[nemo]" in done.stderr
