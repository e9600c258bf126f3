"""Jobs that ask Slurm for the same are one array, and yet each is a job of its own."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from nrun import BackendError, Experiment, Script, State
from nrun.engine.lane import Lane, concurrency_limit
from nrun.model import Attempt, Handle, Tag
from nrun.planning import Job, Plan, Surroundings, launch_of
from nrun_executor_slurm import SlurmExecutor, arrays
from nrun_executor_slurm.backend import SlurmBackend
from nrun_executor_slurm.handing import batch
from nrun_executor_slurm.names import folder_of

HERE = Surroundings(cwd="/", path=(), main=None)
SLEEP = Script(inline="sleep 100", entrypoint="sh")
ARRAY = """\
#!/bin/sh
#SBATCH --job-name=my_title
#SBATCH --time=00:10:00
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --requeue
#SBATCH --output=%a.log
#SBATCH --open-mode=append
#SBATCH --array=0-2%2
# Jobs of "my title", written by nrun: element N is the one whose folder line N + 1 of `elements` names.
folder=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" elements)
# What Slurm says of the element belongs into its folder: there it is the same file under another name.
[ -e "$folder/slurm.log" ] || ln "$SLURM_ARRAY_TASK_ID.log" "$folder/slurm.log" 2>/dev/null
cd "$folder" || exit 72
[ -s job ] || printf '%s_%s\\n' "$SLURM_ARRAY_JOB_ID" "$SLURM_ARRAY_TASK_ID" >job
exec sh "$PWD/sbatch.sh"
"""


def planned(*executors, task=SLEEP, title="my title"):
    """Submissions of jobs "0", "1" … with these executors."""
    jobs = tuple(Job(name=f"{n}", tasks=(task,), executors=(one,)) for n, one in enumerate(executors))
    plan = Plan(title=title, jobs=jobs, surroundings=HERE)
    return arrays.submissions([launch_of(job, plan) for job in jobs])


def test_the_script_of_an_array_is_this():
    (one,) = planned(*[SlurmExecutor(max_parallel=2)] * 3)
    assert one.request == ARRAY
    assert one.jobs == ("0", "1", "2")
    assert all({"sbatch.sh", "launch.sh"} <= set(files) and "sbatch.ready" not in files for files in one.files.values())


def test_only_what_asks_for_the_same_is_one_array():
    plain, more, said = SlurmExecutor(), SlurmExecutor(mem="1G"), SlurmExecutor(comment="mine")
    made = planned(plain, more, plain, said, SlurmExecutor(env_vars={"A": "1"}), SlurmExecutor(max_parallel=9))
    assert [one.jobs for one in made] == [("0", "2", "4"), ("1",), ("3",), ("5",)]
    assert "--array" not in made[1].request


def test_elements_find_their_folders_and_folders_their_array():
    (one,) = planned(*[SlurmExecutor()] * 2)
    attempts = {name: Attempt(tag=Tag("id", name, 1), folder=Path()) for name in one.jobs}
    made = batch(one, attempts)
    lines = made.files[f"{made.folder}/elements"].splitlines()
    for number, name in enumerate(one.jobs):
        folder = folder_of(attempts[name].tag)
        assert str((Path("/") / made.folder / lines[number]).resolve()) == f"/{folder}"
        assert made.files[f"{folder}/array"] == f"{number} {made.folder.rpartition('/')[2]}\n"


@pytest.mark.parametrize(
    ("most", "at_once", "ranges"),
    [
        (10, None, ["0-6"]),
        (3, None, ["0-2", "0-2", "0-0"]),
        (4, 6, ["0-3%3", "0-2"]),
        (2, 1, ["0-1%1", "0-1%1", "0-1%1", "0-0"]),
    ],
)
def test_an_array_is_split_where_it_is_too_large(most, at_once, ranges):
    (one,) = planned(*[SlurmExecutor(max_parallel=at_once)] * 7)
    made = arrays.parts(one, most)
    assert [re.findall("--array=(.*)", part.request) for part in made] == [[each] for each in ranges]
    assert [job for part in made for job in part.jobs] == list(one.jobs)


def test_slurm_keeps_the_limit_of_jobs_that_are_alike_and_the_engine_that_of_others():
    few, fewer = SlurmExecutor(max_parallel=2), SlurmExecutor(max_parallel=1)
    for executors, taken in (([few] * 5, 5), ([few, few.clone()] * 2, 4), ([few, fewer], 1), ([SlurmExecutor()], 1)):
        backend = SlurmBackend(few.place())
        lane = Lane(backend, concurrency_limit(backend, executors))
        lane.add([Job(name=f"{n}", tasks=(SLEEP,), executors=(one,)) for n, one in enumerate(executors)])
        batch = lane.take()
        assert len(batch) == taken
        lane.active = {Handle(Tag("id", job.name, 1), {}): job for job in batch}
        lane.add(batch[:1])  # to be tried again, while all others run or may do so
        assert bool(lane.take()) == (lane.limit > len(batch))


def test_the_plan_shows_the_array_that_is_handed_over():
    exp = Experiment("my title")
    for name in "abc":
        exp.add(SLEEP, SlurmExecutor(max_parallel=2), name=name)
    exp.add(SLEEP, SlurmExecutor(max_parallel=2), name="last", dependencies=["a"])
    texts = dict(exp.scripts())
    assert texts["a to c (request)"] == ARRAY
    assert "b/sbatch.sh" in texts
    assert "--array" not in texts["last (request)"]


# ---- on a cluster


def attempt(number):
    return Attempt(tag=Tag(Path.cwd().name, f"{number}", 1), folder=Path(f"home/a/b/jobs/{number}/attempt-1"))


async def handed_over(backend, executor, count=3, task=SLEEP):
    attempts = {f"{number}": attempt(number) for number in range(count)}
    answers = await backend.submit(planned(*[executor] * count, task=task), attempts)
    handles = [answers[one.tag] for one in attempts.values()]
    assert all(isinstance(one, Handle) for one in handles), handles
    return handles


async def until(backend, handles, state):
    async with asyncio.timeout(60):
        seen = await backend.observe(handles)
        while {one.state for one in seen.values()} != {state}:
            await asyncio.sleep(0.2)
            seen = await backend.observe(handles)


def test_each_job_of_an_array_has_its_state_its_logs_and_its_retries(slurm, cluster):
    exp = Experiment("one")
    task = 'echo "I am $NRUN_JOB_NAME, $NRUN_ATTEMPT"; [ "$NRUN_JOB_NAME$NRUN_ATTEMPT" != b1 ]'
    for name in "abc":
        exp.add(Script(inline=task, entrypoint="sh"), cluster(retries=1, max_parallel=2), name=name)
    exp.run(check=False)
    jobs = exp.status().jobs
    assert {name: (one.state, one.attempt) for name, one in jobs.items()} == {
        "a": (State.SUCCEEDED, 1),
        "b": (State.SUCCEEDED, 2),
        "c": (State.SUCCEEDED, 1),
    }
    assert (exp.logs("a"), exp.logs("b")) == ("I am a, 1\n", "I am b, 2\n")
    (folder,) = Path("home").glob("experiments/one/*/jobs")
    numbers = {path.parts[-3]: path.read_text().strip() for path in folder.glob("*/attempt-1/job")}
    (array,) = {number.partition("_")[0] for number in numbers.values()}
    assert numbers == {"a": f"{array}_0", "b": f"{array}_1", "c": f"{array}_2"}
    assert (folder / "b" / "attempt-2" / "job").read_text().strip().isdigit()
    assert (folder / "a" / "attempt-1" / "slurm.log").exists()


def test_elements_are_cancelled_and_requeued_one_by_one(slurm, cluster):
    async def scenario():
        async with SlurmBackend(cluster().place()) as backend:
            first, second, third = await handed_over(backend, cluster())
            await until(backend, [first, second, third], State.RUNNING)
            assert await backend.cancel([first], grace_s=1) == {}
            slurm.run("scontrol", "requeue", second.data["job"])
            await until(backend, [second], State.SUBMITTED)
            await until(backend, [first], State.CANCELLED)
            await until(backend, [second, third], State.RUNNING)
            assert await backend.cancel([second, third], grace_s=1) == {}

    asyncio.run(scenario())


@pytest.mark.parametrize("one_by_one", [True, False])
def test_elements_that_have_not_begun_are_cancelled(slurm, cluster, one_by_one):
    held = cluster(additional_parameters={"hold": True})

    async def scenario():
        async with SlurmBackend(held.place()) as backend:
            handles = await handed_over(backend, held)
            await until(backend, handles, State.SUBMITTED)
            if one_by_one:
                assert await backend.cancel(handles[1:2], grace_s=1) == {}
                await until(backend, handles[1:2], State.CANCELLED)
                await until(backend, [handles[0], handles[2]], State.SUBMITTED)
            assert await backend.cancel(handles, grace_s=1) == {}
            await until(backend, handles, State.CANCELLED)

    asyncio.run(scenario())


def test_an_array_whose_answer_was_lost_is_found_and_never_submitted_twice(slurm, cluster, tmp_path):
    held = cluster(additional_parameters={"hold": True})

    async def scenario():
        async with SlurmBackend(held.place()) as backend:
            handles = await handed_over(backend, held)
            (job,) = (tmp_path / "cluster").glob("experiments/*/arrays/*/job")
            for lost in (False, True):  # first there is its number; then sbatch was done, and no more
                async with SlurmBackend(held.place()) as other:
                    found = await other.find([attempt(number) for number in range(4)])
                assert {tag: one.data["job"] for tag, one in found.items()} == {
                    one.tag: one.data["job"] for one in handles
                }
                if not lost:
                    job.unlink()

    asyncio.run(scenario())
    assert len(slurm.run("squeue", "-h", "-r").stdout.splitlines()) == 3


def test_who_asks_for_one_element_revokes_what_was_not_submitted(slurm, cluster, tmp_path):
    async def scenario():
        async with SlurmBackend(cluster().place()) as backend:
            handles = await handed_over(backend, cluster())
            assert not await backend.cancel(handles, grace_s=1)
            (job,) = (tmp_path / "cluster").glob("experiments/*/arrays/*/job")
            for path in (tmp_path / "cluster").glob("experiments/*/*/*/attempt-1/job"):
                path.unlink()
            job.unlink()
            script = job.with_name("sbatch.sh").rename(job.with_name("sbatch.ready"))  # as before it was submitted
            assert await backend.find([attempt(1)]) == {}
            assert not script.exists()
            assert await backend.find([attempt(0), attempt(2)]) == {}
            script.with_name("sbatch.revoked").rename(script.with_name("sbatch.sh"))  # another has just claimed it
            with pytest.raises(BackendError, match="submitted"):
                await backend.find([attempt(1)])

    asyncio.run(scenario())


def test_the_limit_of_the_cluster_is_kept(slurm, cluster):
    conf = Path(slurm.env["SLURM_CONF"])
    text = conf.read_text()
    conf.write_text(text.replace("MaxArraySize=10001", "MaxArraySize=2"))
    slurm.stop_daemon("slurmctld")
    try:
        slurm.start_controller()

        async def scenario():
            async with SlurmBackend(cluster().place()) as backend:
                return [one.data["job"].split("_")[1:] for one in await handed_over(backend, cluster(), 5)]

        assert asyncio.run(scenario()) == [["0"], ["1"], ["0"], ["1"], ["0"]]
    finally:
        conf.write_text(text)
        slurm.stop_daemon("slurmctld")
        slurm.start_controller()
