"""Finding and keeping experiments, as users do, in several processes at once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

MANY = """
    import sys
    import nrun as run

    with run.Experiment(sys.argv[1], executor=run.LocalExecutor()) as exp:
        for number in range(int(sys.argv[2])):
            exp.add(run.Script(inline=f"echo {number}", entrypoint="sh"), name=f"job-{number}")
        exp.run()
"""


def launch(shell, title, jobs=1):
    if not (shell.folder / "many.py").exists():
        shell.write("many.py", MANY)
    done = shell.python("many.py", title, str(jobs))
    assert done.returncode == 0, done.stderr
    return json.loads(shell.nrun("list", "--json", "--limit", "1").stdout)[0]["id"]


def ids(shell, *asked):
    done = shell.nrun("list", "--json", *asked)
    assert done.returncode == 0, done.stderr
    return [one["id"] for one in json.loads(done.stdout)]


def test_list_filters_and_pages(shell):
    first, second, third = launch(shell, "train-a"), launch(shell, "train-b"), launch(shell, "eval")
    assert shell.nrun("tag", first, "paper", "keep").stdout == "paper\nkeep\n"
    assert shell.nrun("tag", first, "best", "--remove", "keep").stdout == "paper\nbest\n"
    assert shell.nrun("note", third, "too high a learning rate").returncode == 0
    assert ids(shell) == [third, second, first]
    assert ids(shell, "--title", "train-*") == [second, first]
    assert ids(shell, "--tag", "paper", "--tag", "best", "--state", "failed,succeeded") == [first]
    assert ids(shell, "--text", "LEARNING") == [third]
    assert ids(shell, "--text", "many.py", "--since", "1h", "--until", "2100-01-01") == [third, second, first]
    assert ids(shell, "--limit", "1", "--page", "2") == [second]
    assert ids(shell, "--offset", "2") == [first]
    table = shell.nrun("list", "--limit", "2", "--sizes")
    assert [line.split()[0] for line in table.stdout.splitlines()] == ["id", third, second]
    assert "B  1 succeeded  too high a learning rate" in table.stdout
    assert table.stderr == "2 of 3; --page 2 shows more\n"
    assert "--page 3 shows more" in shell.nrun("list", "--limit", "1", "--offset", "1").stderr
    status = shell.nrun("status", first).stdout
    assert "tags: paper, best" in status
    (listed,) = json.loads(shell.nrun("list", "--json", "--text", "learning", "--sizes").stdout)
    assert [note["text"] for note in listed["notes"]] == ["too high a learning rate"]
    assert listed["size"] > 0
    assert {"id", "title", "state", "created", "jobs", "tags", "user"} <= listed.keys()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["list", "--state", "FALED"], "Did you mean 'FAILED'"),
        (["list", "--since", "yesterday"], "2026-01-02"),
        (["list", "--page", "2", "--offset", "3"], "give one of them"),
        (["tag", "latest", "two words"], "a tag is a word"),
        (["experiment", "gc", "--older-than", "30"], "no span of time"),
        (["experiment", "gc", "--max-size", "much"], "no size"),
        (["experiment", "archive", "nothing"], "no experiment 'nothing'"),
        (["experiment", "restore", "many.py"], "no archive of experiments"),
        (["experiment", "adopt", "nothing"], "there is no folder"),
        (["experiment", "adopt", "."], "holds no experiment"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_told(shell, words, wanted):
    launch(shell, "test")
    done = shell.nrun(*words)
    assert done.returncode == 2
    assert wanted in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["note"],
        ["tag"],
        ["experiment", "adopt"],
        ["experiment", "archive"],
        ["experiment", "restore"],
        ["experiment", "gc"],
        ["experiment", "tag"],
    ],
    ids=" ".join,
)
def test_help_has_examples(shell, command):
    done = shell.nrun(*command, "--help")
    assert done.returncode == 0
    assert "Examples:" in done.stdout


def test_archive_gc_and_restore(shell):
    kept, old, new = launch(shell, "a"), launch(shell, "b"), launch(shell, "b")
    assert shell.nrun("experiment", "archive", kept, "--remove").returncode == 0
    (file,) = shell.folder.glob(f"a-{kept}.tar.*")
    asked = shell.nrun("experiment", "gc", "--keep-last", "1")
    assert asked.returncode == 2
    assert "--yes" in asked.stderr
    assert ids(shell) == [new, old]
    assert shell.nrun("experiment", "gc", "--keep-last", "1", "--yes").returncode == 0
    assert shell.nrun("experiment", "restore", str(file)).stdout == f"{kept}\n"
    assert ids(shell) == [new, kept]
    assert shell.nrun("logs", kept).stdout == "0\n"


def test_adopt_takes_in_a_folder_whose_record_is_gone(shell):
    id_ = launch(shell, "lost", 2)
    before = json.loads(shell.nrun("status", id_, "--json").stdout)
    copy = shutil.copytree(shell.home / "experiments" / "lost" / id_, shell.folder / "copied" / "lost" / id_)
    for name in ("experiment.json", "journal.jsonl"):
        (copy / name).unlink()
    shutil.rmtree(shell.home)
    done = shell.nrun("experiment", "adopt", str(copy))
    assert (done.returncode, done.stdout) == (0, f"{id_}\n"), done.stderr
    again = json.loads(shell.nrun("experiment", "adopt", str(copy), "--json").stdout)
    assert again == json.loads(shell.nrun("status", "lost", "--json").stdout) | {"jobs": again["jobs"]}
    ended = [[(job["name"], job["state"], job["attempt"]) for job in told["jobs"]] for told in (before, again)]
    assert ended[0] == ended[1]
    assert shell.nrun("logs", id_, "job-1").stdout == "1\n"
    taken = shell.folder / "other" / "lost" / id_
    shutil.copytree(copy, taken)
    refused = shell.nrun("experiment", "adopt", str(taken))
    assert (refused.returncode, "there is another experiment" in refused.stderr) == (2, True)


def test_many_list_while_one_launches_and_one_writes_notes(shell):
    for title in ("a", "b", "c"):
        launch(shell, title, 3)
    launching = subprocess.Popen(
        [sys.executable, "many.py", "new", "60"], cwd=shell.folder, env=shell.env, stdin=subprocess.DEVNULL
    )
    lists = [shell.start("list", "--json", "--sizes") for _ in range(8)]
    for number in range(3):
        assert shell.nrun("note", "a", f"note {number}").returncode == 0
    for listing in lists:
        out, err = listing.communicate(timeout=60)
        assert (listing.returncode, err) == (0, "")
        found = {one["title"]: one for one in json.loads(out)}
        assert {"a", "b", "c"} <= found.keys() <= {"a", "b", "c", "new"}
        assert all(found[title]["state"] == "SUCCEEDED" for title in "abc")
    assert launching.wait(timeout=60) == 0
    found = {one["title"]: one for one in json.loads(shell.nrun("list", "--json").stdout)}
    assert len(found["new"]["jobs"]) == 60
    assert {one["state"] for one in found.values()} == {"SUCCEEDED"}
    assert [note["text"] for note in found["a"]["notes"]] == ["note 0", "note 1", "note 2"]
