from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
HELLO = """
import nrun as run

exp = run.Experiment("hello")
exp.add(run.Script(inline="true"))
exp.run()
print(exp.path)
"""

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")


def run(folder: Path, *words: str) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("NRUN_", "GIT_"))}
    home = str(folder.parent / "home")
    done = subprocess.run(
        words, cwd=folder, env=env | {"NRUN_HOME": home}, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


def noted(record: str) -> dict:
    return json.loads(Path(record, "provenance", "git.json").read_text())  # there when the experiment has ended


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / 'a "repository"'
    folder.mkdir()
    (folder / "hello.py").write_text(HELLO)
    run(folder, *GIT, "init", "-q", "-b", "trunk")
    run(folder, *GIT, "add", ".")
    run(folder, *GIT, "commit", "-q", "-m", "first")
    return folder


def test_the_commit_is_noted_and_a_clean_tree_has_no_patch(repository: Path) -> None:
    told = noted(run(repository, sys.executable, "hello.py"))
    assert told["commit"] == run(repository, "git", "rev-parse", "HEAD")
    assert (told["branch"], told["patch"], told["untracked_files"]) == ("trunk", None, 0)


def test_the_patch_makes_the_commit_into_what_was_run(repository: Path, tmp_path: Path) -> None:
    (repository / "hello.py").write_text(HELLO + "# changed\n")
    (repository / "new.txt").write_text("x")
    record = run(repository, sys.executable, "hello.py")
    told = noted(record)
    assert told["untracked_files"] == 1
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "-q", str(repository), str(clone))
    run(clone, "git", "apply", f"{record}/provenance/{told['patch']['file']}")
    assert (clone / "hello.py").read_text() == HELLO + "# changed\n"
    assert Path(record, "provenance", "git.patch").stat().st_mode & 0o077 == 0
    assert told["commit"] in run(repository, sys.executable, "-m", "nrun", "show")


@pytest.mark.parametrize(
    ("url", "noted_as"),
    [
        ("https://user:s3cret@host.example/x.git", "https://host.example/x.git"),
        ("https://s3cret@host.example/x.git", "https://host.example/x.git"),
        ("https://user:s3c@ret@host.example:8443/x.git?token=s3cret", "https://host.example:8443/x.git"),
        ("HTTPS://user:s3cret@host.example/@scope/x", "HTTPS://host.example/@scope/x"),
        ("https://host.example/@scope/x.git", "https://host.example/@scope/x.git"),
        ("ssh://git@host.example:22/x.git", "ssh://git@host.example:22/x.git"),
        ("ssh://git:s3cret@host.example:22/x.git", "ssh://git@host.example:22/x.git"),
        ("git+ssh://git:s3cret@host.example/x.git", "git+ssh://git@host.example/x.git"),
        ("git@host.example:team/x.git", "git@host.example:team/x.git"),
        ("git:s3cret@host.example:team/x.git", "git@host.example:team/x.git"),
        ("host.example:team/x.git", "host.example:team/x.git"),
        ("/srv/a@b/x.git", "/srv/a@b/x.git"),
        ('/srv/a"b', ""),
    ],
)
def test_the_remote_is_noted_without_credentials(repository: Path, url: str, noted_as: str) -> None:
    run(repository, "git", "remote", "add", "origin", url)
    record = run(repository, sys.executable, "hello.py")
    assert noted(record)["remote"] == noted_as
    assert "s3c" not in Path(record, "provenance", "git.json").read_text()


def test_the_remote_is_the_one_of_the_branch_or_origin_or_whatever_there_is(repository: Path) -> None:
    assert noted(run(repository, sys.executable, "hello.py"))["remote"] == ""
    for name in ("elsewhere", "origin", "upstream"):
        run(repository, "git", "remote", "add", name, f"host:{name}")
        expected = "host:elsewhere" if name == "elsewhere" else "host:origin"
        assert noted(run(repository, sys.executable, "hello.py"))["remote"] == expected
    run(repository, "git", "config", "branch.trunk.remote", "upstream")
    assert noted(run(repository, sys.executable, "hello.py"))["remote"] == "host:upstream"


def test_what_is_resumed_keeps_what_was_noted_at_its_launch(repository: Path) -> None:
    record = run(repository, sys.executable, "hello.py")
    told = noted(record)
    (repository / "hello.py").write_text(HELLO + "# changed\n")
    run(repository, *GIT, "commit", "-q", "-a", "-m", "second")
    run(repository, sys.executable, "-m", "nrun", "rerun", "latest", "--force")
    assert noted(record) == told


def test_outside_a_repository_nothing_is_noted_and_no_git_is_started(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(HELLO)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n")
    (tmp_path / "bin" / "git").chmod(0o755)
    record = run(tmp_path, "env", f"PATH={tmp_path}/bin:{os.environ['PATH']}", sys.executable, "hello.py")
    assert not list(Path(record).glob("provenance/*git*"))
    assert not (tmp_path / "asked").exists()


def test_before_the_first_commit_nothing_is_noted_nor_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "hello.py").write_text(HELLO)
    run(folder, *GIT, "init", "-q")
    record = Path(run(folder, sys.executable, "hello.py"))
    assert [path.name for path in record.glob("provenance/*git*")] == [".git.none"]


def test_it_is_noted_though_the_launcher_is_killed_as_soon_as_it_has_begun(repository: Path) -> None:
    (repository / "hello.py").write_text(HELLO.replace('"true"', '"sleep 1"'))
    home = repository.parent / "home"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("NRUN_", "GIT_"))}
    until = time.monotonic() + 20
    with subprocess.Popen(
        [sys.executable, "hello.py"], cwd=repository, env=env | {"NRUN_HOME": str(home)}, stderr=subprocess.DEVNULL
    ) as launcher:
        while not (begun := [*home.rglob("git.patch"), *home.rglob("git.json")]) and time.monotonic() < until:
            time.sleep(0.001)
        launcher.kill()
    while not (begun[0].parent / "git.json").exists() and time.monotonic() < until:
        time.sleep(0.01)
    told = noted(str(begun[0].parents[1]))
    assert told["patch"] == {"file": "git.patch"}
    assert json.loads((begun[0].parent / "python.json").read_text())["executable"] == sys.executable
