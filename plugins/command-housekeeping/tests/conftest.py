"""Records of their own, with experiments that ran on this machine."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from nrun import Experiment, Script
from nrun.cli.root import root
from nrun.plugins import Hooks, PluginHost
from nrun.plugins.discovery import discover


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The record that commands look at."""
    monkeypatch.setenv("NRUN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def ran(home):
    """Runs a shell command as an experiment of one job, to its end."""

    def run(inline="echo hi", title="test", **options):
        # Without what writes into a record after its experiment has ended.
        hooks = Hooks(PluginHost([ref for ref in discover() if ref.name == "executor-local"], env={}))
        exp = Experiment(title, hooks=hooks, **options)
        exp.add(Script(inline=inline, entrypoint="sh"), name="only")
        exp.run(check=False)
        return exp

    return run


@pytest.fixture
def nrun():
    """Runs a command of `nrun` in this process; gives its exit code, what it printed and what it said on stderr."""
    return functools.partial(_nrun)


def _nrun(*words, **options):
    done = CliRunner().invoke(root, [str(word) for word in words], prog_name="nrun", **options)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.fixture
def as_json(nrun):
    def run(*words):
        return json.loads(nrun(*words, "--json").stdout)

    return run


@pytest.fixture
def contents():
    """Every file, folder and link below a folder, with what is in it."""

    def read(folder):
        return {
            str(path.relative_to(folder)): str(path.readlink())
            if path.is_symlink()
            else (path.read_bytes(), path.stat().st_mode & 0o777, int(path.stat().st_mtime))
            if path.is_file()
            else None
            for path in sorted(Path(folder).rglob("*"))
        }

    return read
