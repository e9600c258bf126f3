"""What start-up imports: nothing is loaded until it is used."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KERNEL_SOURCE = ROOT / "kernel" / "src"
HEAVY = {"asyncio", "cattrs", "rich", "yaml", "tomlkit", "asyncssh", "aiodocker", "importlib.metadata"}

ENTRY_MODULES = sorted(
    module
    for project in (*ROOT.glob("plugins/*/pyproject.toml"), *ROOT.glob("contrib/*/pyproject.toml"))
    for module in tomllib.loads(project.read_text("utf-8"))["project"]["entry-points"]["nrun.v1"].values()
)


def modules_after(statement: str, *options: str) -> set[str]:
    """What a fresh interpreter has loaded after `statement`, beyond what it has at its start."""
    program = (
        f"import sys; before = set(sys.modules)\n{statement}\n"
        "found = sorted(set(sys.modules) - before); import json; print(); print(json.dumps(found))"
    )
    done = subprocess.run(
        [sys.executable, *options, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def top(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize("module", ENTRY_MODULES)
def test_an_entry_module_loads_nothing_heavy(module):
    loaded = modules_after(f"import {module}")
    assert not loaded & (HEAVY | {"click"})
    own = {name for name in loaded if top(name) == top(module)}
    assert own == {top(module), module}
    foreign = {top(name) for name in loaded} - sys.stdlib_module_names
    assert foreign <= {top(module), "nrun", "pluggy", "attr", "attrs"}


@pytest.mark.parametrize("words", [["--help"], ["--version"]], ids=" ".join)
def test_the_command_line_loads_nothing_heavy(words):
    loaded = modules_after(
        f"""
from nrun.cli.root import main
try:
    main({words!r})
except SystemExit as end:
    assert not end.code, end.code
"""
    )
    assert "click" in loaded
    assert not loaded & HEAVY


ENTRYPOINT = """
import os, sys
import nrun as run
def train(lr: float = 1.0): ...
sys.argv = ["train.py", *{words}]
os.environ.update({env})
try:
    run.cli.main(train)
except SystemExit as end:
    assert not end.code, end.code
"""


def test_help_of_an_entrypoint_loads_nothing_that_runs():
    loaded = modules_after(ENTRYPOINT.format(words=["--help"], env={"NRUN_DISABLE_PLUGINS": "testing-memory"}))
    assert "nrun_language_overrides.help" in loaded
    assert not loaded & (HEAVY | {"pathlib", "nrun.planning", "nrun.record", "nrun.engine", "nrun.experiment"})


SCRIPT = """
import json, nrun
from pathlib import Path

def train(lr: float = 1.0, path: Path = Path("x")): ...

if __name__ == "__main__":
    nrun.cli.main(train)
"""
TAB = """
import contextlib, io, runpy, sys
sys.argv = ["complete", "fish", *{words}]
with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())) as out:
    runpy.run_module("nrun_language_overrides.completion", run_name="__main__")
    assert {offered!r} in out.buffer.getvalue().decode(), out.buffer.getvalue()
"""


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["nrun", "st"], "status"),
        (["nrun", "run", "SCRIPT", "l"], "lr="),
        (["nrun", "run", "SCRIPT:train", "run.executor=l"], "local"),
        (["python", "SCRIPT", "lr="], ""),
    ],
)
def test_a_tab_with_an_index_loads_neither_the_script_nor_configurations(tmp_path, monkeypatch, words, offered):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    monkeypatch.setenv("NRUN_HOME", str(tmp_path / "home"))
    tab = TAB.format(words=[word.replace("SCRIPT", str(script)) for word in words], offered=offered)
    assert "subprocess" in modules_after(tab)  # there is no index yet: a process of its own makes one
    loaded = modules_after(tab)
    assert "nrun_language_overrides.completion.words" in loaded
    assert not {name for name in loaded if name.startswith(("nrun.", "train"))}
    assert not loaded & (HEAVY | {"subprocess", "click", "attrs", "pluggy", "pathlib"})


def test_importing_nrun_loads_nothing_but_its_own_face():
    add_path = f"sys.path.insert(0, {str(KERNEL_SOURCE)!r})"
    for_types = modules_after("import __future__, typing", "-I", "-S")
    assert modules_after(f"{add_path}; import nrun", "-I", "-S") <= {"nrun"} | for_types


def test_launching_loads_nothing_that_searches():
    loaded = modules_after("import nrun; nrun.Experiment, nrun.Script; import nrun.engine.run")
    assert "nrun.engine.run" in loaded
    assert not loaded & {"sqlite3", "nrun.search", "nrun.amounts", "nrun.record.catalogue_cache"}


def test_every_public_name_can_be_had():
    names = "import nrun; [getattr(nrun, name) for name in nrun.__all__]"
    assert "nrun.experiment" in modules_after(names)
