"""Jobs on a real cluster: their ends, their causes, their processes; and faults of Slurm."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from nrun import BackendError, Cause, Partial, Script, State
from nrun.model import Attempt, Handle, Refused, Tag
from nrun.planning import Job, Plan, Surroundings, launch_of
from nrun_executor_slurm import answers
from nrun_executor_slurm.backend import SlurmBackend
from nrun_executor_slurm.names import folder_of

SHELL = {"entrypoint": "sh"}


def only(exp):
    return exp.status().jobs["job"]


def test_a_script_runs_and_everything_of_it_is_in_the_record(outcome):
    exp = outcome(Script(inline='echo "out $SLURM_JOB_ID"; echo err >&2; exit 3', **SHELL))
    assert (only(exp).state, only(exp).exit_code) == (State.FAILED, 3)
    assert exp.logs("job").startswith("out ")
    (folder,) = Path("home").glob("experiments/one/*/jobs/job/attempt-1")
    assert {"out.log", "err.log", "exit.json", "launch.sh", "sbatch.sh", "job"} <= {
        one.name for one in folder.iterdir()
    }
    assert (folder / "err.log").read_text() == "err\n"


def test_a_function_runs_with_the_interpreter_of_the_node(outcome):
    exp = outcome(Partial(json.dumps, [1]), python=sys.executable)
    assert (only(exp).state, exp.results()) == (State.SUCCEEDED, {"job": "[1]"})


def test_every_rank_runs_on_its_node_and_the_first_gives_the_result(outcome):
    tell = "import os; print(*(os.environ[n] for n in ('RANK', 'WORLD_SIZE', 'SLURMD_NODENAME', 'MASTER_PORT')))"
    exp = outcome(Script(inline=tell, entrypoint="python"), nodes=2, ntasks_per_node=2, python=sys.executable)
    lines = [line.split() for line in exp.logs("job").splitlines()]
    assert sorted(line[0] for line in lines) == ["0", "1", "2", "3"]
    assert len({line[2] for line in lines}) == 2
    assert len({(line[1], line[3]) for line in lines}) == 1
    exp = outcome(Partial("os:getenv", "RANK"), nodes=2, python=sys.executable)
    assert exp.results() == {"job": "0"}


def test_tasks_of_a_group_share_nodes(outcome):
    tell = Script(inline="echo $SLURM_PROCID", **SHELL)
    exp = outcome(tell, tell, nodes=2)
    assert only(exp).state is State.SUCCEEDED
    assert sorted(exp.logs("job").split()) == ["0", "0", "1", "1"]


@pytest.mark.parametrize("options", [{"gpus_per_node": 2}, {"gres": "gpu:2"}])
def test_gpus_are_given_out(outcome, options):
    assert outcome(Script(inline="echo $CUDA_VISIBLE_DEVICES", **SHELL), **options).logs("job") == "0,1\n"


def test_errors_can_go_into_the_output(outcome):
    exp = outcome(Script(inline="echo one; echo two >&2", **SHELL), stderr_to_stdout=True)
    assert exp.logs("job", stream="out") == "one\ntwo\n"


def test_the_time_limit_is_a_cause_of_its_own(slurm, cluster):
    def hurry(job):  # limits are whole minutes; this one is up at once
        slurm.run("scontrol", "update", f"jobid={job}", "EndTime=now+1")

    seen = asyncio.run(_seen_after(slurm, cluster(), hurry))
    assert (seen.state, seen.cause) == (State.FAILED, Cause.TIMEOUT)


def test_a_node_that_goes_down_is_named(slurm, cluster):
    def down(job):
        slurm.run("scontrol", "update", "nodename=n4", "state=down", "reason=test")

    try:
        seen = asyncio.run(_seen_after(slurm, cluster(nodelist="n4", requeue=False), down))
    finally:
        slurm.run("scontrol", "update", "nodename=n4", "state=resume")
    assert (seen.state, seen.cause) == (State.FAILED, Cause.NODE_FAILURE)
    assert "n4" in seen.reason


def test_somebody_elses_scancel_is_told(slurm, cluster):
    seen = asyncio.run(_seen_after(slurm, cluster(), lambda job: slurm.run("scancel", job)))
    assert seen.state is State.CANCELLED
    assert "cancelled" in seen.reason


def test_a_requeued_job_is_not_over(slurm, cluster):
    async def scenario():
        async with backend_of(cluster()) as backend:
            handle = await submitted(backend, cluster())
            await until(backend, handle, State.RUNNING)
            slurm.run("scontrol", "requeue", handle.data["job"])
            await until(backend, handle, State.SUBMITTED)
            await until(backend, handle, State.RUNNING)
            assert not await backend.cancel([handle], grace_s=1)

    asyncio.run(scenario())


def test_sbatch_refuses_in_slurms_words_and_nothing_is_left(slurm, cluster):
    async def scenario():
        async with backend_of(cluster()) as backend:
            answers = await hand_over(backend, cluster(partition="nowhere"), "a", "b")
            assert all(isinstance(answer, Refused) for answer in answers.values())
            assert all("partition" in answer.reason for answer in answers.values())
            assert await backend.find([attempt("a"), attempt("b")]) == {}
        assert slurm.run("squeue", "-h").stdout == ""

    asyncio.run(scenario())


def test_an_answer_that_was_lost_is_found_by_the_tag(slurm, cluster, tmp_path):
    async def scenario():
        async with backend_of(cluster()) as backend:
            handle = await submitted(backend, cluster(partition="main", additional_parameters={"hold": True}))
            (tmp_path / "cluster" / folder_of(handle.tag) / "job").unlink()  # sbatch was done, and no more
        async with backend_of(cluster()) as other:
            found = await other.find([attempt("job")])
            assert found[handle.tag].data["job"] == handle.data["job"]
            folder = folder_of(handle.tag)  # whoever asks for it once more finds it claimed
            told = await other.cluster.program("submit.sh", lines=[f"{folder}\tcomment"], repeatable=False)
            assert answers.submitted(told)[folder].what == "lost"
        assert len(slurm.run("squeue", "-h").stdout.splitlines()) == 1

    asyncio.run(scenario())


def test_a_submission_in_doubt_is_no_answer_until_it_is_settled(slurm, cluster, tmp_path):
    async def scenario():
        async with backend_of(cluster()) as backend:
            folder = tmp_path / "cluster" / folder_of(attempt("job").tag)
            folder.mkdir(parents=True)
            (folder / "sbatch.sh").write_text("claimed a moment ago")
            with pytest.raises(BackendError, match="submitted"):
                await backend.find([attempt("job")])

    asyncio.run(scenario())


def test_a_controller_that_is_away_is_no_end(slurm, cluster):
    async def scenario():
        async with backend_of(cluster()) as backend:
            handle = await submitted(backend, cluster())
            await until(backend, handle, State.RUNNING)
            slurm.stop_daemon("slurmctld")
            try:
                await asyncio.sleep(2.5)
                seen = (await backend.observe([handle]))[handle]
                assert (seen.state, "does not answer" in seen.reason) == (State.UNKNOWN, True)
            finally:
                slurm.start_controller()
            await until(backend, handle, State.RUNNING)
            assert not await backend.cancel([handle], grace_s=1)

    asyncio.run(scenario())


def test_jobs_run_without_accounting(slurm, outcome):
    slurm.stop_daemon("slurmdbd")
    try:
        assert only(outcome(Script(inline="exit 5", **SHELL))).exit_code == 5
    finally:
        slurm.start_accounting()


# ---- below the engine


def backend_of(executor):
    return SlurmBackend(executor.place())


def attempt(name):
    return Attempt(tag=Tag(Path.cwd().name, name, 1), folder=Path("home/a/b/jobs", name, "attempt-1"))


async def hand_over(backend, executor, *names):
    task = Script(inline="sleep 100", **SHELL)
    launches = []
    for name in names:
        job = Job(name=name, tasks=(task,), executors=(executor,))
        plan = Plan(title="t", jobs=(job,), surroundings=Surroundings(cwd=str(Path.cwd()), path=(), main=None))
        launches.append(launch_of(job, plan))
    submissions = backend.plan(launches)
    return await backend.submit(submissions, {name: attempt(name) for name in names})


async def submitted(backend, executor):
    answer = (await hand_over(backend, executor, "job"))[attempt("job").tag]
    assert isinstance(answer, Handle), answer
    return answer


async def until(backend, handle, *states):
    async with asyncio.timeout(60):
        while (seen := (await backend.observe([handle]))[handle]).state not in states:
            assert not seen.state.ended, seen
            await asyncio.sleep(0.2)
    return seen


async def _seen_after(slurm, executor, doing):
    async with backend_of(executor) as backend:
        handle = await submitted(backend, executor)
        await until(backend, handle, State.RUNNING)
        doing(handle.data["job"])
        return await until(backend, handle, State.FAILED, State.CANCELLED)


def test_nothing_is_asked_of_a_queue_that_another_process_has_just_asked(slurm, cluster, tmp_path):
    async def scenario():
        async with backend_of(cluster()) as backend, backend_of(cluster()) as other:
            handle = await submitted(backend, cluster())
            await until(backend, handle, State.RUNNING)
            asked = set()
            for _ in range(10):
                await asyncio.gather(backend.observe([handle]), other.observe([handle]))
                asked.add((tmp_path / "cluster" / "queue").stat().st_mtime_ns)
            assert len(asked) <= 3
            assert not await backend.cancel([handle], grace_s=1)

    asyncio.run(scenario())
