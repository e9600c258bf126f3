"""Faults of the cluster, seen through nrun: what state, cause and reason it tells, and that nothing runs twice."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from nrun import Cause, Experiment, LocalTunnel, Script, State

FIRST_SLEEPS = """\
echo "run ${SLURM_RESTART_COUNT:-0} of attempt $NRUN_ATTEMPT"
[ "${SLURM_RESTART_COUNT:-0}$NRUN_ATTEMPT" != 01 ] || sleep 100
"""
"""Only its first run takes long."""


def shell(text):
    return Script(inline=text, entrypoint="sh")


async def take_its_place(runs):
    """Have a job of higher priority need all processors of its node."""
    await runs.until_it_has_written("run 0")
    words = ("--partition=high", "--nodelist=n4", "--cpus-per-task=8", "--mem=50", "--output=/dev/null")
    done = runs.slurm.run("sbatch", "--parsable", *words, "--wrap", "sleep 3")
    assert done.returncode == 0, done.stderr


ON_N4 = {"nodelist": "n4", "cpus_per_task": 8}


def test_a_preempted_job_is_queued_again_and_has_not_failed(during):
    seen, runs = during(shell(FIRST_SLEEPS), take_its_place, partition="low", **ON_N4)
    assert (seen.state, seen.attempt, dict(seen.failures)) == (State.SUCCEEDED, 1, {})
    assert runs.exp.logs("job", stream="out") == "run 0 of attempt 1\nrun 1 of attempt 1\n"
    assert any(reason.startswith("queued again, for it was preempted") for reason in runs.reasons)


def test_a_job_that_preemption_ends_is_tried_again_at_no_cost(during):
    text = f"{FIRST_SLEEPS}\nls $NRUN_PREVIOUS_ATTEMPT_DIR/out.log"
    seen, runs = during(shell(text), take_its_place, partition="scav", **ON_N4)
    assert (seen.state, seen.attempt, dict(seen.failures)) == (State.SUCCEEDED, 2, {Cause.PREEMPTED: 1})
    log = runs.exp.logs("job", stream="out").splitlines()
    assert log[0] == "run 0 of attempt 2"
    assert log[1].endswith("/attempt-1/out.log")
    assert "a job of higher priority took its place" in (runs.exp.path / "journal.jsonl").read_text()


def test_who_does_not_want_it_requeued_is_told_the_cause(during):
    seen, _ = during(shell(FIRST_SLEEPS), take_its_place, partition="scav", requeue=False, **ON_N4)
    assert (seen.state, seen.cause, seen.attempt) == (State.FAILED, Cause.PREEMPTED, 1)
    assert seen.reason == "a job of higher priority took its place"


def test_a_job_whose_node_goes_down_is_queued_again(during, slurm):
    async def down(runs):
        await runs.until_it_has_written("run 0")
        slurm.run("scontrol", "update", "nodename=n4", "state=down", "reason=test")
        await runs.until(lambda seen: seen.state is State.SUBMITTED)
        slurm.run("scontrol", "update", "nodename=n4", "state=resume")

    seen, runs = during(shell(FIRST_SLEEPS), down, **ON_N4)
    assert (seen.state, seen.attempt, dict(seen.failures)) == (State.SUCCEEDED, 1, {})
    assert runs.exp.logs("job", stream="out") == "run 0 of attempt 1\nrun 1 of attempt 1\n"


def test_too_much_memory_is_a_cause_of_its_own(during):
    async def nothing(runs):
        pass

    seen, _ = during(shell("python3 -c \"import time; x = b'x' * 400_000_000; time.sleep(60)\""), nothing, mem="50")
    assert (seen.state, seen.cause) == (State.FAILED, Cause.OUT_OF_MEMORY)
    assert "exceeded memory limit" in seen.reason


@pytest.mark.parametrize(
    ("options", "words"),
    [({"account": "nobodys"}, "Invalid account"), ({"mem": "9999G"}, "Memory specification")],
)
def test_what_sbatch_refuses_has_slurms_words_and_leaves_nothing(slurm, outcome, options, words):
    exp = outcome(shell("true"), **options)
    seen = exp.status().jobs["job"]
    assert (seen.state, seen.cause) == (State.FAILED, Cause.SUBMIT_ERROR)
    assert seen.reason.startswith("not submitted: sbatch: ")
    assert words in seen.reason
    assert slurm.run("squeue", "-h").stdout == ""


def test_a_full_disk_is_told_and_nothing_runs_twice(slurm, cluster, tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.decode()}")
    try:
        exp = Experiment("full")
        text = 'head -c 2000000 /dev/zero >"$NRUN_JOB_DIR/big"; echo written: $?'
        exp.add(shell(text), cluster(tunnel=LocalTunnel(job_dir=str(folder))), "job")
        exp.run(check=False)
        seen = exp.status().jobs["job"]
        assert (seen.state, seen.cause, seen.attempt) == (State.FAILED, Cause.INFRASTRUCTURE, 1)
        assert seen.reason == f"the disk of its folder is full: {folder}"
        exp = Experiment("fuller")
        exp.add(shell("true"), cluster(tunnel=LocalTunnel(job_dir=str(folder))), "job")
        exp.run(check=False)
        seen = exp.status().jobs["job"]
        assert "No space left" in seen.reason
        assert seen.state is State.FAILED
        assert slurm.run("squeue", "-h").stdout == ""
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_controller_that_is_away_when_a_job_is_submitted_gets_it_later(during, slurm, cluster):
    async def scenario():
        slurm.stop_daemon("slurmctld")
        exp = Experiment("away")
        exp.add(shell("echo here"), cluster(), "job")
        try:
            run = asyncio.create_task(exp.run_async(check=False))
            await asyncio.sleep(4)
            assert not run.done()
        finally:
            slurm.start_controller()
        await run
        return exp

    exp = asyncio.run(scenario())
    seen = exp.status().jobs["job"]
    assert (seen.state, seen.attempt) == (State.SUCCEEDED, 1)
    assert exp.logs("job", stream="out") == "here\n"
    assert len(list(Path("cluster").glob("experiments/*/jobs/job/*"))) == 1
