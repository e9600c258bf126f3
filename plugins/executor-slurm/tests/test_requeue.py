"""Jobs that end before their time limit, or lose their place, and are queued again: on a real cluster."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest
from click.testing import CliRunner

from nrun import Cause, Experiment, Partial, Script, State
from nrun.cli.root import root

SAVES = """\
save() { echo "saved $NRUN_RESTARTS"; exit 0; }
trap save USR1
echo "run $NRUN_RESTARTS of attempt $NRUN_ATTEMPT"
while [ "$NRUN_RESTARTS" -lt %d ]; do sleep 0.1; done
touch "$NRUN_DONE_FILE"
echo finished
"""
"""A program that saves at the signal, and has done its work after some runs."""


def script(text, *numbers):
    return Script(inline=text % numbers, entrypoint="sh")


def deadline(runs):
    """The signal as Slurm sends it before the time limit."""
    done = runs.slurm.run("scancel", "--batch", "--signal=USR1", runs.job())
    assert done.returncode == 0, done.stderr


async def one_deadline(runs):
    await runs.until_it_has_written("run 0")
    deadline(runs)
    await runs.until_it_has_written("run 1")


def test_a_job_saves_ends_and_is_queued_again_until_it_is_done(during):
    async def near_its_limit(runs):  # limits are whole minutes; and Slurm looks every half minute
        await runs.until_it_has_written("run 0")
        runs.slurm.run("scontrol", "update", f"jobid={runs.job()}", "EndTime=now+50")
        await runs.until_it_has_written("run 1")

    seen, runs = during(script(SAVES, 1), near_its_limit, deadline_signal="USR1@60")
    assert (seen.state, seen.exit_code, seen.attempt) == (State.SUCCEEDED, 0, 1)
    assert runs.exp.logs("job", stream="out") == "run 0 of attempt 1\nsaved 0\nrun 1 of attempt 1\nfinished\n"
    assert any("queued again before its time limit" in reason for reason in runs.reasons)


def test_where_slurm_may_not_start_it_again_another_job_follows(during, slurm):
    seen, runs = during(script(SAVES, 1), one_deadline, deadline_signal="USR1@60", requeue=False)
    assert (seen.state, seen.exit_code, seen.attempt) == (State.SUCCEEDED, 0, 1)
    assert runs.exp.logs("job", stream="out") == "run 0 of attempt 1\nsaved 0\nrun 1 of attempt 1\nfinished\n"
    jobs = {line.split()[1] for line in (runs.folder() / "runs").read_text().splitlines()}
    assert jobs == {(runs.folder() / "job").read_text().strip(), (runs.folder() / "next").read_text().strip()}
    assert len(jobs) == 2


@pytest.mark.parametrize("requeue", [True, False])
def test_an_element_of_an_array_is_queued_again_alone(cluster, requeue):
    executor = cluster(deadline_signal="USR1@60", requeue=requeue)

    async def scenario():
        exp = Experiment("two")
        for name in ("one", "other"):
            exp.add(script(SAVES, 1 if name == "one" else 0), executor, name)
        run = asyncio.create_task(exp.run_async(check=False))
        async with asyncio.timeout(60):
            while exp.id is None or exp.job("one").logs() != "run 0 of attempt 1\n":  # noqa: ASYNC110 - as in conftest
                await asyncio.sleep(0.3)
        await asyncio.to_thread(CliRunner().invoke, root, ["experiment", "preempt", exp.id, "one"])
        await run
        return exp

    exp = asyncio.run(scenario())
    assert {name: job.state for name, job in exp.jobs.items()} == dict.fromkeys(["one", "other"], State.SUCCEEDED)
    assert exp.logs("one", stream="out") == "run 0 of attempt 1\nsaved 0\nrun 1 of attempt 1\nfinished\n"
    assert exp.logs("other", stream="out") == "run 0 of attempt 1\nfinished\n"
    (folder,) = exp.path.glob("jobs/one/attempt-1")
    assert (folder / "array").exists()
    assert (folder / "next").exists() == (not requeue)


def test_it_is_not_queued_again_for_ever(during):
    async def twice(runs):
        await one_deadline(runs)
        deadline(runs)

    seen, runs = during(script(SAVES, 99), twice, deadline_signal="USR1@60", max_requeues=1, requeue=False)
    assert (seen.state, seen.cause) == (State.FAILED, Cause.TIMEOUT)
    assert seen.reason == "its time limit came near, and it was queued again as often as it may: 1 times"
    assert runs.exp.logs("job", stream="out").endswith("saved 1\n")


def test_what_does_not_heed_the_signal_is_killed_in_time_and_queued_again(during):
    stubborn = "trap '' USR1\necho run $NRUN_RESTARTS\n[ $NRUN_RESTARTS -eq 1 ] || sleep 100\n"
    seen, _ = during(Script(inline=stubborn, entrypoint="sh"), one_deadline, deadline_signal="USR1@11")
    assert (seen.state, seen.exit_code) == (State.SUCCEEDED, 0)


def test_a_job_that_is_cancelled_is_not_queued_again(during):
    async def cancel(runs):
        await runs.until_it_has_written("run 0")
        assert await runs.exp.cancel_async() == {}

    seen, runs = during(script(SAVES, 99), cancel, deadline_signal="USR1@60")
    assert seen.state is State.CANCELLED
    assert not (runs.folder() / "requeue").exists()


def test_a_preemption_can_be_rehearsed_by_a_command(during):
    async def rehearse(runs):
        await runs.until_it_has_written("run 0")
        words = ["experiment", "preempt", runs.exp.id, "job"]
        runs.done = await asyncio.to_thread(CliRunner().invoke, root, words)
        await runs.until(lambda seen: seen.state is State.SUBMITTED)
        runs.again = await asyncio.to_thread(CliRunner().invoke, root, [*words, "--json"])
        await runs.until_it_has_written("run 1")

    seen, runs = during(script(SAVES, 1), rehearse, deadline_signal="USR1@60")
    assert seen.state is State.SUCCEEDED
    assert runs.done.output == "preempted job\n"
    told = json.loads(runs.again.output)
    assert (told["preempted"], "PENDING" in told["left"]["job"]) == ([], True)


def test_a_failure_before_the_signal_is_a_failure(during):
    async def nothing(runs):
        pass

    seen, _ = during(Script(inline="exit 3", entrypoint="sh"), nothing, deadline_signal="USR1@60")
    assert (seen.state, seen.exit_code, seen.cause) == (State.FAILED, 3, Cause.USER_ERROR)


def test_every_rank_gets_the_signal_and_the_result_is_of_the_last_run(during, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "ranks.py").write_text(
        "import os, pathlib, signal, sys, time\n"
        "def main():\n"
        "    restarts, rank = os.environ['NRUN_RESTARTS'], os.environ['RANK']\n"
        "    def save(*_):\n"
        "        print('saved', rank, flush=True)\n"
        "        sys.exit(0)\n"
        "    signal.signal(signal.SIGUSR1, save)\n"
        "    print('run', restarts, 'ready', rank, flush=True)\n"
        "    while restarts == '0':\n"
        "        time.sleep(0.1)\n"
        "    pathlib.Path(os.environ['NRUN_DONE_FILE']).touch()\n"
        "    return restarts\n"
    )

    async def when_all_are_ready(runs):
        for rank in "01":
            await runs.until_it_has_written(f"run 0 ready {rank}")
        deadline(runs)

    seen, runs = during(
        Partial("ranks:main"),
        when_all_are_ready,
        deadline_signal="USR1@60",
        requeue=False,
        nodes=2,
        python=sys.executable,
    )
    assert seen.state is State.SUCCEEDED
    assert {"saved 0", "saved 1"} <= set(runs.exp.logs("job").splitlines())
    assert runs.exp.job("job").result() == "1"
