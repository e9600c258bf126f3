"""`nrun launch`: done is skipped, running is followed, failed is tried again, changed is new."""

from __future__ import annotations

import json
import os
import shutil
import signal

import pytest

SCRIPT = """
    import nrun as run
    import helper

    if __name__ == "__main__":
        with run.Experiment("once") as exp:
            exp.add(run.Script(inline="{command}"), name="job")
            exp.add(run.Script(inline="true"), name="next", dependencies=["job"])
            exp.run()
"""


@pytest.fixture
def once(shell):
    shell.write("helper.py", "RATE = 1")
    shell.write("once.py", SCRIPT.format(command="echo ran"))
    return shell


def launch(shell, *words):
    done = shell.nrun("launch", *words, "--json", "once.py")
    return done, json.loads(done.stdout)[0] if done.stdout else None


def count(shell):
    return len(json.loads(shell.nrun("list", "--json").stdout))


def test_what_is_done_is_not_done_again(once):
    first, one = launch(once)
    second, two = launch(once)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert two["id"] == one["id"]
    assert [job["attempt"] for job in two["jobs"]] == [1, 1]
    assert count(once) == 1


@pytest.mark.parametrize("changed", ["helper.py", "once.py"])
def test_a_change_of_the_code_or_the_configuration_makes_it_another(once, changed):
    launch(once)
    once.write("helper.py", "RATE = 2") if changed == "helper.py" else once.write(
        "once.py", SCRIPT.format(command="echo ran differently")
    )
    assert launch(once)[0].returncode == 0
    assert count(once) == 2


def test_what_failed_is_run_again_and_what_succeeded_is_not(shell):
    shell.write("helper.py", "")
    shell.write("once.py", SCRIPT.format(command=f"test -e {shell.folder}/go").replace('dependencies=["job"]', ""))
    assert launch(shell)[0].returncode == 1
    (shell.folder / "go").touch()
    done, status = launch(shell)
    assert done.returncode == 0, done.stderr
    assert {job["name"]: job["attempt"] for job in status["jobs"]} == {"job": 2, "next": 1}
    assert count(shell) == 1


def test_what_runs_is_followed_to_its_end(shell):
    shell.write("helper.py", "")
    shell.write("once.py", SCRIPT.format(command=f"until test -e {shell.folder}/go; do sleep 0.05; done"))
    assert launch(shell, "--detach")[0].returncode == 0
    done, status = launch(shell, "--detach")
    assert (done.returncode, status["state"]) == (0, "RUNNING")
    (shell.folder / "go").touch()
    done, status = launch(shell)
    assert (done.returncode, status["state"]) == (0, "SUCCEEDED")
    assert count(shell) == 1


def test_in_python_the_status_says_what_was_done(once):
    once.write(
        "twice.py",
        """
        import nrun as run

        if __name__ == "__main__":
            for _ in range(2):
                exp = run.Experiment("twice")
                exp.add(run.Script(inline="true"), name="job")
                status = exp.launch()
            print(status.warnings[-1].partition(": ")[2], exp.jobs["job"].state)
        """,
    )
    assert once.python("twice.py").stdout == "it has succeeded, so nothing was done SUCCEEDED\n"


def test_run_runs_whatever_was_launched(once):
    launch(once)
    assert once.nrun("run", "once.py").returncode == 0
    assert count(once) == 2


# ---- at the same moment

COUNTED = """
    import nrun as run
    import helper

    if __name__ == "__main__":
        with run.Experiment("once") as exp:
            exp.add(run.Script(inline="echo $NRUN_TAG >>{trace}; sleep 0.5; {command}"), name="job")
            exp.run()
"""


@pytest.fixture
def counted(shell):
    shell.write("helper.py", "")
    shell.write("once.py", COUNTED.format(trace=shell.folder / "trace", command="test -e go"))
    return shell


def launch_many(shell, count=10, detached=0):
    """That many launches of the same, some of them with --detach. Gives how each ended, and what it printed."""
    words = [["--detach"] if number < detached else [] for number in range(count)]
    started = [shell.start("launch", "--json", *more, "once.py") for more in words]
    said = [(one, *one.communicate(timeout=80)) for one in started]
    return [(one.returncode, json.loads(out)[0] if out else err) for one, out, err in said]


@pytest.mark.parametrize("detached", [0, 4, 10])
def test_of_many_launches_at_the_same_moment_one_runs_and_the_others_follow_it(counted, detached):
    (counted.folder / "go").touch()
    answers = launch_many(counted, detached=detached)
    assert [code for code, _ in answers] == [0] * 10, answers
    assert len({status["id"] for _, status in answers}) == 1
    assert {status["state"] for _, status in answers[detached:]} <= {"SUCCEEDED"}
    counted.nrun("attach", "once")
    assert len(counted.read("trace").splitlines()) == 1
    assert len(list(counted.home.glob("experiments/once/[0-9]*"))) == count(counted) == 1


def test_what_failed_is_run_again_once_by_many(counted):
    assert launch_many(counted, 1)[0][0] == 1
    (counted.folder / "go").touch()
    answers = launch_many(counted)
    assert [code for code, _ in answers] == [0] * 10, answers
    assert [line.rpartition("/")[2] for line in counted.read("trace").splitlines()] == ["1", "2"]
    assert count(counted) == 1


@pytest.mark.parametrize("removed", ["experiment", "description"])
def test_a_claim_to_an_experiment_that_is_not_there_counts_for_nothing(once, removed):
    _, one = launch(once)
    folder = once.home / "experiments" / "once" / one["id"]
    shutil.rmtree(folder) if removed == "experiment" else (folder / "experiment.json").unlink()
    for _ in range(2):
        done, two = launch(once)
        assert (done.returncode, [job["attempt"] for job in two["jobs"]]) == (0, [1, 1]), done.stderr
        assert two["id"] != one["id"]
    assert sum(path.exists() for path in once.home.glob("experiments/once/*/experiment.json")) == 1


def test_whoever_dies_before_an_experiment_is_described_leaves_nothing_that_is_seen(counted):
    """The folder is there, and so is what jobs are run with; `gc` sweeps it a day later."""
    (counted.folder / "go").touch()
    (counted.folder / "site").mkdir()
    counted.write("site/sitecustomize.py", DYING)
    died = counted.nrun("run", "once.py", PYTHONPATH=str(counted.folder / "site"), DIE_AT="7")
    assert died.returncode == -signal.SIGKILL
    (left,) = counted.home.glob("experiments/once/.claimed-*")
    assert not (left / "experiment.json").exists()
    assert counted.nrun("list").stderr == "no experiments yet\n"
    assert "holds none yet" in counted.nrun("status").stderr
    assert json.loads(counted.nrun("experiment", "gc", "--dry-run", "--json").stdout)["leftovers"] == []
    assert launch(counted)[0].returncode == 0
    assert counted.nrun("status", "once").returncode == 0
    assert (count(counted), left.exists()) == (1, True)
    os.utime(left, (0, 0))
    assert "half launched" in counted.nrun("experiment", "gc", "--dry-run").stdout
    assert counted.nrun("experiment", "gc", "--yes").returncode == 0
    assert (count(counted), left.exists()) == (1, False)


def test_whatever_line_a_launch_is_killed_at_the_next_one_carries_it_out_once(counted):
    """One after another, each killed a little later than the one before."""
    (counted.folder / "go").touch()
    env = {"PYTHONPATH": str(counted.folder / "site"), "DIE_AT": ""}
    (counted.folder / "site").mkdir()
    counted.write("site/sitecustomize.py", DYING)
    for number in range(1, 16):
        done = counted.nrun("launch", "once.py", **(env | {"DIE_AT": str(number)}))
        assert done.returncode in {0, -signal.SIGKILL}, done.stderr
        if done.returncode == 0:
            break
    assert number > 4
    assert counted.nrun("launch", "once.py", **env).returncode == 0
    assert len(counted.read("trace").splitlines()) == 1
    assert len(list((counted.home / "experiments" / "once" / ".launched").iterdir())) == 1
    assert count(counted) == 1


DYING = """
    import os, signal, sys

    left = int(os.environ.get("DIE_AT") or 0)

    def die(event, args):
        global left
        if event in {"os.mkdir", "os.symlink", "os.rename", "os.link"} and "experiments" in str(args[:2]):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    if left:
        sys.addaudithook(die)
"""
