"""Code that travels, asked for on the command line."""

from __future__ import annotations

import json
import subprocess

import pytest

TRAIN = """
    import os
    from pathlib import Path

    import nrun as run

    def train():
        return [sorted(os.listdir(".")), Path("config").read_text()]

    if __name__ == "__main__":
        run.cli.main(train)
"""
HYBRID = 'HybridPackager(sub_packagers={a: git, b: pattern(include_pattern="*.log")}, extract_at_root=true)'


@pytest.fixture
def repository(shell):
    """A repository with a change that is not committed, and nrun's home in it, which is ignored."""
    for words in (["init", "-q"], ["add", "config"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qmx"]):
        shell.write("config", "committed")
        subprocess.run(["git", *words], cwd=shell.folder, check=True)
    shell.write("config", "edited")
    shell.write("train.py", TRAIN)
    shell.write("x.log", "")
    shell.write(".gitignore", "home/\n*.log\n")
    return shell


def launched(done):
    """The id of the experiment."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)[0]["id"]


def result(shell, experiment):
    """What the newest attempt of its job has returned."""
    return json.loads(shell.nrun("results", experiment, "--json").stdout)["train"]["value"]


@pytest.mark.parametrize(
    ("packager", "names"),
    [
        ("git", [".gitignore", "config", "train.py"]),
        ("GitArchivePackager", [".gitignore", "config", "train.py"]),
        ("GitArchivePackager(include_pattern=x.log)", [".gitignore", "config", "train.py", "x.log"]),
        ("pattern(include_pattern=[config,train.py])", ["config", "train.py"]),
        (HYBRID, [".gitignore", "config", "train.py", "x.log"]),
    ],
)
def test_a_packager_is_typed_by_its_name_or_its_class(repository, packager, names):
    done = repository.python("train.py", f"run.executor.packager={packager}", "--yes", "--json")
    if packager == HYBRID:  # a wildcard does not bring what is ignored
        assert "matches nothing" in done.stderr
        repository.write(".nrunignore", "!*.log\n.nrunignore\n")
        done = repository.python("train.py", f"run.executor.packager={packager}", "--yes", "--json")
    assert result(repository, launched(done)) == [names, "edited"]


def test_a_field_of_a_packager_is_typed_and_what_does_not_fit_is_told(repository):
    typed = ["run.executor=local(packager=git)", "run.executor.packager.check_uncommitted_changes=true"]
    done = repository.python("train.py", *typed, "--yes")
    assert done.returncode == 1
    assert "packaging failed: these changes are not committed: config" in done.stderr
    done = repository.python("train.py", "run.executor.packager=GitArchivPackager", "--yes")
    assert (done.returncode, "did you mean GitArchivePackager?" in done.stderr) == (2, True)
    done = repository.python("train.py", "run.executor.packager=git(reff=HEAD)", "--yes")
    assert (done.returncode, "did you mean ref?" in done.stderr) == (2, True)


def test_what_was_launched_is_what_a_detached_run_and_a_rerun_get(repository):
    done = repository.python("train.py", "run.executor.packager=git", "--yes", "--detach", "--json")
    repository.write("config", "edited later")
    experiment = launched(done)
    assert repository.nrun("attach", experiment).returncode == 0
    assert repository.nrun("rerun", experiment, "--only", "train").returncode == 0
    assert result(repository, experiment) == [[".gitignore", "config", "train.py"], "edited"]


def test_a_packager_is_in_what_is_written_down_and_read_back(repository):
    typed = 'run.executor.packager=HybridPackager(sub_packagers={a: git, "b/c": pattern(include_pattern=[config])})'
    repository.python("train.py", typed, "--to-yaml", "kept.yaml", "--yes")
    assert "sub_packagers" in repository.read("kept.yaml")
    done = repository.python("train.py", "--load", "kept.yaml", "--to-yaml", "again.yaml", "--yes")
    assert done.returncode == 0, done.stderr
    assert repository.read("again.yaml") == repository.read("kept.yaml")


def test_the_default_install_has_them(shell):
    listed = shell.nrun("plugins", "list").stdout
    for name in ("ignore-gitignore", "packager-git", "packager-hybrid", "packager-pattern"):
        assert name in listed
    told = shell.nrun("plugins", "info", "packager-git").stdout
    assert {"check_uncommitted_changes", "bool", "False"} <= set(told.split())
