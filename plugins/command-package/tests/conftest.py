"""A repository to launch from, a record, and the `nrun` command."""

from __future__ import annotations

import functools
import subprocess

import pytest
from click.testing import CliRunner

from nrun import Experiment, GitArchivePackager, LocalExecutor, Script
from nrun.cli.root import root


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("NRUN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def source(tmp_path, monkeypatch, home):
    """The current folder: a repository with a change and a new file."""
    source = tmp_path / "source"
    (source / "data").mkdir(parents=True)
    monkeypatch.chdir(source)
    (source / "train.py").write_text("committed\n")
    (source / "data" / "big").write_bytes(bytes(2_000_000))
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    (source / "train.py").write_text("edited\n")
    (source / "new.sh").write_text("#!/bin/sh\n")
    (source / "new.sh").chmod(0o755)
    return source


@pytest.fixture
def ran(source):
    """Runs an experiment whose jobs, by name, have these packagers."""

    def run(title="test", **packagers):
        exp = Experiment(title)
        for name, packager in (packagers or {"only": GitArchivePackager()}).items():
            exp.add(Script(inline="true", entrypoint="sh"), LocalExecutor(packager=packager), name)
        exp.run()
        return exp

    return run


@pytest.fixture
def nrun():
    """Runs a command of `nrun` in this process; gives its exit code, what it printed and what it said on stderr."""
    return functools.partial(_nrun)


def _nrun(*words, **options):
    done = CliRunner().invoke(root, list(map(str, words)), prog_name="nrun", standalone_mode=False, **options)
    if done.exception is not None:
        raise done.exception
    done.exit_code = done.return_value or 0
    return done
