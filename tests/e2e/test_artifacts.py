"""Declared outputs of jobs, from the folder where they were written to a folder of the user's."""

from __future__ import annotations

import hashlib
import json

import pytest

TRAIN = """
    import nrun as run

    with run.Experiment("train") as exp:
        work = "mkdir -p out/deep; echo one > out/1.pt; echo two > out/deep/2.pt; echo no > out/note.txt"
        exp.add(run.Script(inline=work), name="train", outputs=["out/*.pt", "out/deep", "*.log"])
        exp.add(run.Script(inline="echo half > half.pt; exit 3"), name="bad", outputs=["half.pt"])
        exp.add(run.Script(inline="true"), name="plain", dependencies=["train"])
        exp.run(check=False)
"""


@pytest.fixture
def train(shell):
    shell.write("train.py", TRAIN)
    shell.nrun("run", "train.py")
    return shell


def listed(shell, *words):
    return json.loads(shell.nrun("artifacts", "list", "train", *words, "--json").stdout)


def attempt(shell, job):
    return next(shell.home.glob(f"experiments/train/*/jobs/{job}/attempt-1"))


def test_what_a_job_left_is_in_the_record_whether_it_succeeded_or_not(train):
    found = listed(train)
    assert [(one["job"], one["path"]) for one in found] == [
        ("train", "out/1.pt"),
        ("train", "out/deep/2.pt"),
        ("bad", "half.pt"),
    ]
    assert found[0]["size"] == 4
    assert found[0]["sha256"] == hashlib.sha256(b"one\n").hexdigest()
    assert (train.folder / "out/1.pt").stat().st_nlink == 2, "it is a link where that can be"
    assert json.loads((attempt(train, "train") / "artifacts.json").read_text())["missing"] == ["*.log"]
    assert train.nrun("artifacts", "list", "train", "plain").returncode == 1
    assert json.loads(train.nrun("status", "train", "--json").stdout)["jobs"][2]["state"] == "SUCCEEDED"


def test_it_is_fetched_checked_and_not_fetched_twice(train):
    done = train.nrun("artifacts", "get", "train", "train", "--path", "*.pt", "--to", "got", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["got/train/out/1.pt", "got/train/out/deep/2.pt"]
    file = train.folder / "got/train/out/1.pt"
    before = file.stat().st_mtime_ns, file.stat().st_ino
    train.nrun("artifacts", "get", "train", "train", "--to", "got")
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == before
    file.write_text("cut")
    assert train.nrun("artifacts", "get", "train", "train", "--to", "got").returncode == 0
    assert file.read_text() == "one\n"


def test_what_was_left_is_listed_where_the_record_was_made_again(train):
    folder = attempt(train, "train").parents[2]
    for name in ("experiment.json", "journal.jsonl"):
        (folder / name).unlink()
    assert train.nrun("experiment", "adopt", str(folder)).returncode == 0
    assert {(one["job"], one["path"]) for one in listed(train)} == {
        ("train", "out/1.pt"),
        ("train", "out/deep/2.pt"),
        ("bad", "half.pt"),
    }


def test_what_was_changed_in_place_since_is_not_taken_for_what_it_was(train):
    with (train.folder / "out/1.pt").open("a") as file:
        file.write("more")
    done = train.nrun("artifacts", "get", "train", "train", "--to", "got")
    assert done.returncode == 1
    assert "is not what it was when it was collected" in done.stderr
    assert not (train.folder / "got/train/out/1.pt").exists()
    assert (train.folder / "got/train/out/deep/2.pt").exists()


def test_what_was_not_collected_to_the_end_is_collected_by_whoever_resumes(train):
    (attempt(train, "train") / "artifacts.json").unlink()
    missing = train.nrun("artifacts", "list", "train", "train")
    assert (missing.returncode, "nrun resume collects" in missing.stderr) == (1, True)
    train.nrun("resume", "train")
    assert len(listed(train, "train")) == 2


@pytest.mark.parametrize("pattern", ["/etc/passwd", "../up", ""])
def test_only_what_is_within_the_folder_of_the_job_can_be_an_output(shell, pattern):
    add = f"run.Experiment('b').add(run.Script(inline='true'), outputs=[{pattern!r}])"
    shell.write("bad.py", f"import nrun as run\n{add}\n")
    done = shell.nrun("run", "bad.py")
    assert done.returncode == 2
    assert "within the folder in which the job runs" in done.stderr
