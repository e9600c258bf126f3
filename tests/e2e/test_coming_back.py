"""Leaving experiments alone and coming back to them: processes, terminals and keys, as a user has them."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

WAITS = "until test -e {folder}/go; do sleep 0.05; done"
PAIR = """
    import nrun as run

    def build() -> run.Experiment:
        exp = run.Experiment("pair")
        exp.add(run.Script(inline="{first}"), name="first")
        exp.add(run.Script(inline="echo second"), name="second", dependencies=["first"])
        return exp

    if __name__ == "__main__":
        build().run()
        print("the script went on")
"""


def wait_for(condition, seconds=30.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not come true in time")


@pytest.fixture
def pair(shell):
    """A script with two jobs, the first of which waits for a file `go`."""
    shell.write("pair.py", PAIR.format(first=WAITS.format(folder=shell.folder)))
    return shell


def status(shell):
    return json.loads(shell.nrun("status", "--json").stdout)


def states(shell):
    return {job["name"]: job["state"] for job in status(shell)["jobs"]}


def runs(shell):
    return any(shell.home.glob("experiments/pair/*/jobs/first/attempt-1/start.json"))


def journal(shell):
    return next(shell.home.glob("experiments/pair/*/journal.jsonl"))


def events(shell, kind):
    return [event for event in map(json.loads, journal(shell).read_text().splitlines()) if event["kind"] == kind]


def go(shell):
    (shell.folder / "go").touch()


def ended(shell):
    return wait_for(lambda: (now := status(shell))["state"] in {"SUCCEEDED", "FAILED", "CANCELLED"} and now)


# ---- detaching


@pytest.mark.parametrize("words", [["run", "--detach", "pair.py"], ["run", "--detach", "pair.py:build"]], ids=" ".join)
def test_a_detached_run_returns_at_once_and_goes_on_without_us(pair, words):
    done = pair.nrun(*words)
    assert done.returncode == 0, done.stderr
    assert "`nrun attach" in done.stderr
    assert states(pair) == {"first": "RUNNING", "second": "PENDING"}
    go(pair)
    assert ended(pair)["state"] == "SUCCEEDED"
    assert pair.nrun("logs", "pair", "second").stdout == "second\n"


def test_a_detached_entrypoint_goes_on_without_us(shell):
    shell.write(
        "train.py",
        f"""
        import os, time
        import nrun as run

        def train(steps: int = 1) -> int:
            while not os.path.exists("{shell.folder}/go"):
                time.sleep(0.05)
            return steps

        if __name__ == "__main__":
            run.cli.main(train)
        """,
    )
    for words in (["train.py", "steps=2", "--detach"], ["-m", "nrun", "run", "train.py:train", "steps=2", "--detach"]):
        done = shell.python(*words)
        assert done.returncode == 0, done.stderr
        assert "`nrun attach" in done.stderr
        assert status(shell)["state"] == "RUNNING"
    go(shell)
    assert shell.nrun("attach", "--json").returncode == 0
    read = "import nrun; print(nrun.Experiment.from_id('latest').jobs['train'].result())"
    assert shell.python("-c", read).stdout == "2\n"


def test_a_script_that_wants_a_result_is_stopped_there_when_detached(shell):
    shell.write(
        "wants.py",
        """
        import nrun as run

        def one() -> int:
            return 1

        if __name__ == "__main__":
            exp = run.Experiment("wants")
            exp.add(run.Script(inline="sleep 0.5"), name="slow")
            exp.add(run.Partial(one), name="one", dependencies=["slow"])
            exp.run()
            exp.jobs["one"].result()
            print("not reached")
        """,
    )
    done = shell.nrun("run", "--detach", "wants.py")
    assert done.returncode == 0, done.stderr
    assert "wants a result" in done.stderr
    assert "not reached" not in done.stdout
    assert shell.nrun("attach").returncode == 0


def test_the_first_failure_ends_the_run_where_that_is_asked_for(shell):
    shell.write(
        "pair.py",
        PAIR.format(first="exit 3").replace('dependencies=["first"]', "").replace("echo s", "sleep 60; echo s"),
    )
    done = shell.nrun("run", "--fail-fast", "pair.py")
    assert done.returncode == 1
    assert states(shell) == {"first": "FAILED", "second": "CANCELLED"}


# ---- coming back


def test_what_a_killed_launcher_left_is_resumed_and_its_job_is_not_run_twice(pair):
    running = pair.start("run", "pair.py")
    wait_for(lambda: runs(pair))
    running.kill()
    running.communicate(timeout=30)
    resumed = pair.start("resume", "pair", "--json")
    wait_for(lambda: len(events(pair, "started")) == 2)
    go(pair)
    out, told = resumed.communicate(timeout=30)
    assert resumed.returncode == 0, told
    assert {job["name"]: (job["state"], job["attempt"]) for job in json.loads(out)["jobs"]} == {
        "first": ("SUCCEEDED", 1),
        "second": ("SUCCEEDED", 1),
    }
    assert len(events(pair, "submitting")) == 2


def test_resuming_what_another_process_looks_after_says_who_and_where(pair):
    running = pair.start("run", "pair.py")
    wait_for(lambda: runs(pair) and events(pair, "started"))
    refused = pair.nrun("resume", "pair")
    assert refused.returncode == 2
    assert f"process {running.pid} on {os.uname().nodename}" in refused.stderr
    go(pair)
    running.communicate(timeout=30)
    assert running.returncode == 0


def test_watching_has_a_killed_supervisor_replaced_and_is_never_in_charge(pair):
    pair.nrun("run", "--detach", "pair.py")
    (first,) = events(pair, "started")
    watching = pair.start("status", "--watch", "--json")
    assert json.loads(watching.stdout.readline())["state"] == "RUNNING"
    os.kill(first["pid"], signal.SIGKILL)
    wait_for(lambda: len(events(pair, "started")) == 2)
    assert events(pair, "started")[1]["pid"] != watching.pid
    go(pair)
    out, _ = watching.communicate(timeout=30)
    assert watching.returncode == 0
    assert json.loads(out.splitlines()[-1])["state"] == "SUCCEEDED"


def test_while_nothing_changes_nothing_is_told(shell):
    shell.write("pair.py", PAIR.format(first="sleep 2"))
    shell.nrun("run", "--detach", "pair.py")
    told = shell.nrun("status", "--watch", "--json").stdout.splitlines()
    assert json.loads(told[-1])["state"] == "SUCCEEDED"
    assert len(told) <= 6, "\n".join(told)


def test_rerun_runs_what_did_not_succeed_what_is_named_or_everything(shell):
    shell.write("pair.py", PAIR.format(first=f"test -e {shell.folder}/go"))
    assert shell.nrun("run", "pair.py").returncode == 1
    assert states(shell) == {"first": "FAILED", "second": "SKIPPED"}
    go(shell)
    done = shell.nrun("rerun", "pair", "--json")
    assert done.returncode == 0, done.stderr
    assert [job["attempt"] for job in json.loads(done.stdout)["jobs"]] == [2, 1]
    assert "nothing was run again" in shell.nrun("rerun", "pair", "--failed").stderr
    done = shell.nrun("experiment", "rerun", "pair", "--only", "second", "--json")
    assert [job["attempt"] for job in json.loads(done.stdout)["jobs"]] == [2, 2]
    done = shell.nrun("rerun", "pair", "--force", "--json")
    assert [job["attempt"] for job in json.loads(done.stdout)["jobs"]] == [3, 3]
    unknown = shell.nrun("rerun", "pair", "--only", "secand")
    assert unknown.returncode == 2
    assert "Did you mean 'second'?" in unknown.stderr
    assert shell.nrun("rerun", "pair", "--force", "--failed").returncode == 2


def test_nothing_that_has_not_ended_is_said_to_have_succeeded(pair):
    pair.nrun("run", "--detach", "pair.py")
    done = pair.nrun("rerun", "pair")
    assert "nothing was run again: no job has ended without having succeeded" in done.stderr
    go(pair)
    assert pair.nrun("attach", "pair").returncode == 0
    assert "nothing was run again: every job had succeeded" in pair.nrun("rerun", "pair").stderr


def test_who_leaves_a_rerun_to_a_supervisor_is_not_told_that_nobody_looks_after_it(shell):
    shell.write("pair.py", PAIR.format(first=f"test -e {shell.folder}/go"))
    shell.nrun("run", "pair.py")
    for number in (2, 3, 4):
        done = shell.nrun("rerun", "pair", "--only", "first", "--detach")
        assert (done.returncode, "nobody looks after" in done.stdout) == (0, False), done.stdout
        told = json.loads(shell.nrun("attach", "pair", "--json").stdout)
        assert told["jobs"][0]["attempt"] == number


# ---- keys


def test_ctrl_c_detaches_and_says_how_to_return(pair):
    terminal = pair.terminal("run", "pair.py")
    terminal.read_until("1 running")
    terminal.press("\x03")
    text = terminal.finish()
    assert terminal.process.returncode == 130
    id_ = status(pair)["id"]
    assert f"nrun attach {id_}" in text
    assert "Traceback" not in text
    assert states(pair) == {"first": "RUNNING", "second": "PENDING"}
    attached = pair.terminal("attach", id_)
    attached.read_until("1 running")
    go(pair)
    assert "2 succeeded" in attached.finish()
    assert attached.process.returncode == 0
    assert len(events(pair, "submitting")) == 2


def test_a_second_ctrl_c_cancels(pair):
    terminal = pair.terminal("run", "pair.py")
    terminal.read_until("1 running")
    terminal.press("\x03")
    terminal.read_until("Ctrl-C again")
    terminal.press("\x03")
    assert "cancelled; nrun status" in terminal.finish()
    assert terminal.process.returncode == 130
    assert states(pair) == {"first": "CANCELLED", "second": "CANCELLED"}


def test_ctrl_c_asks_where_that_is_wanted(pair):
    terminal = pair.terminal("run", "--on-interrupt", "ask", "pair.py")
    terminal.read_until("1 running")
    terminal.press("\x03")
    terminal.read_until("[L/c]")
    terminal.press("c\n")
    assert "cancelled; nrun status" in terminal.finish()
    assert states(pair) == {"first": "CANCELLED", "second": "CANCELLED"}


def test_ctrl_c_ends_a_watch_and_nothing_else(pair):
    pair.nrun("run", "--detach", "pair.py")
    terminal = pair.terminal("status", "--watch")
    terminal.read_until("1 running")
    terminal.press("\x03")
    terminal.finish()
    assert terminal.process.returncode == 130
    assert states(pair) == {"first": "RUNNING", "second": "PENDING"}
    assert len(events(pair, "started")) == 1
    go(pair)
    assert ended(pair)["state"] == "SUCCEEDED"
