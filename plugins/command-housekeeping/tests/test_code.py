"""Code that travelled is put away, cleared and taken back with the experiments that were given it."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from nrun import Experiment, GitArchivePackager, LocalExecutor, PatternPackager, Script
from nrun.packaging.store import Store

DAY = 86400


@pytest.fixture
def source(tmp_path, monkeypatch, home):
    """A repository to launch from, with all that code may be."""
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    monkeypatch.chdir(source)
    (source / "run.sh").write_text("cat deep/* data\n")
    (source / "run.sh").chmod(0o755)
    (source / "data").write_bytes(b"\0\n" * 600_000)
    (source / "empty").touch()
    (source / "deep" / "link").symlink_to("../run.sh")
    (source / os.fsdecode(b"odd \xff\n\\name")).write_bytes(b"odd")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    return source


@pytest.fixture
def shipped(source):
    """Runs an experiment that is given code."""

    def run(packager, title="test"):
        exp = Experiment(title)
        exp.add(Script(inline="./run.sh | wc -c", entrypoint="sh"), LocalExecutor(packager=packager), name="only")
        exp.run()
        return exp

    return run


def age(home):
    """Let everything in the store be as if it was packed two days ago."""
    for path in (home / "bundles").rglob("*"):
        old = path.lstat().st_mtime - 2 * DAY
        os.utime(path, (old, old))


def bundles(home):
    return {path.stem for path in (home / "bundles").glob("*.manifest")}


def test_code_goes_with_the_last_experiment_and_comes_back(source, shipped, home, nrun, contents):
    tmp_path = source.parent
    exp = shipped(GitArchivePackager())
    said, (bundle,) = exp.logs("only"), bundles(home)
    before = contents(source)
    archive = tmp_path / "kept.tar.gz"
    nrun("experiment", "archive", exp.id, "-o", archive, "--remove")
    nrun("experiment", "gc", "--yes")
    assert bundles(home) == {bundle}  # somebody may be about to use it
    age(home)
    nrun("experiment", "gc", "--yes")
    assert {path.name for path in (home / "bundles").rglob("*") if path.is_file()} <= {
        path.name for path in (home / "bundles" / "seen").iterdir()
    }
    shutil.rmtree(source / "deep")
    nrun("experiment", "restore", archive)
    assert bundles(home) == {bundle}
    Store(str(home / "bundles")).verify(bundle)
    nrun("package", "restore", exp.id, tmp_path / "again")
    again = contents(tmp_path / "again")
    assert {name: one[:2] for name, one in again.items() if isinstance(one, tuple)} == {
        name: one[:2] for name, one in before.items() if isinstance(one, tuple) and not name.startswith(".git/")
    }
    assert again["deep/link"] == "../run.sh"
    known = Experiment.from_id(exp.id)
    known.rerun("only")
    assert (known.logs("only"), known.status().jobs["only"].attempt) == (said, 2)


def test_code_stays_while_any_experiment_has_it(source, shipped, home, nrun):
    first, second = shipped(GitArchivePackager(), "first"), shipped(GitArchivePackager(), "second")
    (source / "empty").write_text("no more")
    third = shipped(GitArchivePackager(), "third")
    age(home)
    assert len(bundles(home)) == 2
    nrun("experiment", "archive", first.id, third.id, "-o", source.parent / "some.tar.gz", "--remove")
    nrun("experiment", "gc", "--yes")
    assert len(bundles(home)) == 1
    known = Experiment.from_id(second.id)
    known.rerun("only")
    assert known.status().state == "SUCCEEDED"


@pytest.mark.parametrize(
    "packager",
    [GitArchivePackager(), PatternPackager(include_pattern=["run.sh", "deep", "data"])],
    ids=["git", "pattern"],
)
def test_what_was_cleared_is_packed_again(packager, source, shipped, home, nrun):
    exp = shipped(packager)
    nrun("experiment", "archive", exp.id, "-o", source.parent / "kept.tar.gz", "--remove")
    age(home)
    nrun("experiment", "gc", "--yes")
    assert bundles(home) == set()
    assert shipped(packager).status().state == "SUCCEEDED"
