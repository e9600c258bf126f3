"""Launching processes as they really are: many at once, killed, interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nrun import Experiment, State

PATIENCE_S = 60.0

LAUNCH_ONE = """
import nrun as run
with run.Experiment("same") as exp:
    exp.add(run.Script(inline="echo $NRUN_EXPERIMENT_ID", entrypoint="sh"), executor=run.LocalExecutor(), name="job")
    exp.run()
assert exp.logs("job") == exp.id + "\\n"
print(exp.path)
"""

LAUNCH_AND_WAIT = """
import nrun as run
local = run.LocalExecutor(grace_s=0.5, max_parallel=4)
with run.Experiment("waits") as exp:
    exp.add(run.Script(inline={inline!r}, entrypoint="sh"), executor=local, name="first")
    exp.add(run.Script(inline={inline!r}, entrypoint="sh"), executor=local, name="second")
    exp.add(run.Script(inline="true"), executor=local, name="after", dependencies=["first"])
    exp.run(on_interrupt="cancel")
"""


@pytest.fixture
def launch(tmp_path, monkeypatch):
    """Starts a launcher in a process of its own; whatever is left of it is ended with the test."""
    monkeypatch.setenv("NRUN_HOME", str(tmp_path / "home"))
    started = []

    def start(text):
        script = tmp_path / f"launcher-{len(started)}.py"
        script.write_text(text)
        env = {**os.environ, "NRUN_PLUGINS": "executor-local"}
        process = subprocess.Popen(
            [sys.executable, script], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
    for pid in processes_of(str(tmp_path / "home")):
        os.kill(pid, signal.SIGKILL)


def processes_of(home):
    """Processes with a tag of nrun whose record is at `home`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        of_a_job = any(variable.startswith(b"NRUN_TAG=") for variable in environment)
        if of_a_job and f"NRUN_HOME={home}".encode() in environment:
            found.append(int(entry.name))
    return found


def wait_until(true):
    until = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)


def wait_for_logs(home, text, count):
    """Wait until that many jobs have written `text`."""
    wait_until(lambda: sum(path.read_text() == text for path in home.glob("experiments/*/*/jobs/*/*/out.log")) == count)


def test_many_processes_launch_the_same_title_at_once_and_share_nothing(launch, tmp_path):
    launchers = [launch(LAUNCH_ONE) for _ in range(32)]
    told = [launcher.communicate(timeout=PATIENCE_S) for launcher in launchers]
    assert [launcher.returncode for launcher in launchers] == [0] * 32, told
    folders = {out.strip() for out, _ in told}
    assert folders == set(map(str, (tmp_path / "home/experiments/same").iterdir()))
    assert len(folders) == 32


def test_jobs_survive_a_launcher_that_is_killed_and_the_record_tells_the_truth(launch, tmp_path):
    mark = tmp_path / "mark"
    launcher = launch(LAUNCH_AND_WAIT.format(inline=f"echo up; while [ ! -e '{mark}' ]; do sleep 0.05; done; exit 7"))
    wait_for_logs(tmp_path / "home", "up\n", 2)
    launcher.kill()
    launcher.wait()
    exp = Experiment.from_id("latest")
    seen = {name: job.state for name, job in exp.status().jobs.items()}
    assert seen == {"first": State.RUNNING, "second": State.RUNNING, "after": State.PENDING}
    assert exp.status().jobs["after"].reason == "nobody looks after this experiment at present"
    mark.touch()
    wait_until(lambda: all(exp.jobs[name].state.ended for name in ("first", "second")))
    jobs = Experiment.from_id(exp.id).status().jobs
    assert [(jobs[name].state, jobs[name].exit_code) for name in ("first", "second")] == [(State.FAILED, 7)] * 2
    assert exp.logs("first") == "up\n"


def test_jobs_of_a_killed_launcher_can_be_cancelled(launch, tmp_path):
    launcher = launch(LAUNCH_AND_WAIT.format(inline="echo up; sleep 600"))
    wait_for_logs(tmp_path / "home", "up\n", 2)
    launcher.kill()
    launcher.wait()
    exp = Experiment.from_id("latest")
    assert exp.cancel() == {}
    assert processes_of(tmp_path / "home") == []
    states = {name: job.state for name, job in Experiment.from_id("latest").status().jobs.items()}
    assert states["first"] is states["second"] is State.CANCELLED


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM)],
    ids=["interrupted", "terminated"],
)
@pytest.mark.parametrize(
    "inline",
    ["echo up; sleep 600 & sleep 600", "trap '' INT TERM; echo up; (sleep 600; sleep 600) & sleep 600; sleep 600"],
    ids=["obedient", "deaf"],
)
def test_a_stopped_launcher_leaves_no_process_and_says_so_in_the_record(launch, tmp_path, number, code, inline):
    launcher = launch(LAUNCH_AND_WAIT.format(inline=inline))
    wait_for_logs(tmp_path / "home", "up\n", 2)
    launcher.send_signal(number)
    launcher.communicate(timeout=PATIENCE_S)
    assert launcher.returncode == code
    assert processes_of(tmp_path / "home") == []
    status = Experiment.from_id("latest").status()
    assert {name: job.state for name, job in status.jobs.items()} == dict.fromkeys(
        ("first", "second", "after"), State.CANCELLED
    )
    assert status.jobs["first"].reason == "cancelled by interrupt"


def test_an_exception_beside_the_run_does_not_wait_for_it(launch, tmp_path):
    launcher = launch(
        "import nrun as run\n"
        "with run.Experiment('never') as exp:\n"
        "    exp.add(run.Script(inline='sleep 600'), executor=run.LocalExecutor())\n"
        "    raise ValueError('changed my mind')\n"
    )
    _, errors = launcher.communicate(timeout=PATIENCE_S)
    assert launcher.returncode == 1
    assert errors.endswith("ValueError: changed my mind\n")
    assert not (tmp_path / "home").exists()


LAUNCH_TWO = """
import nrun as run
with run.Experiment("goes-on") as exp:
    exp.add(run.Script(inline="echo up; sleep 1"), name="first")
    exp.add(run.Script(inline="echo after"), name="second", dependencies=["first"])
    exp.run()
"""


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGHUP, 128 + signal.SIGHUP)],
)
def test_a_stopped_launcher_leaves_its_jobs_to_a_supervisor_and_says_how_to_return(launch, tmp_path, number, code):
    launcher = launch(LAUNCH_TWO)
    wait_for_logs(tmp_path / "home", "up\n", 1)
    launcher.send_signal(number)
    _, told = launcher.communicate(timeout=PATIENCE_S)
    assert launcher.returncode == code
    exp = Experiment.from_id("latest")
    assert f"detached; the jobs go on. nrun attach {exp.id} returns" in told
    assert exp.attach().state is State.SUCCEEDED
    assert [job.attempt for job in exp.status().jobs.values()] == [1, 1]
    assert exp.logs("second") == "after\n"


def test_the_second_ctrl_c_cancels(launch, tmp_path):
    launcher = launch(LAUNCH_AND_WAIT.replace('on_interrupt="cancel"', "").format(inline="echo up; sleep 600"))
    wait_for_logs(tmp_path / "home", "up\n", 2)
    launcher.send_signal(signal.SIGINT)
    told = ""
    while "Ctrl-C again now cancels" not in told:
        told += launcher.stderr.readline()
    launcher.send_signal(signal.SIGINT)
    launcher.communicate(timeout=PATIENCE_S)
    exp = Experiment.from_id("latest")
    wait_until(lambda: exp.status().state.ended)
    assert {job.state for job in exp.status().jobs.values()} <= {State.CANCELLED, State.SKIPPED}
    assert processes_of(tmp_path / "home") == []
