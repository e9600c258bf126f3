"""Whoever carries an experiment on finds it as it was left: nothing twice, no wish forgotten."""

from __future__ import annotations

import asyncio
import json

import attrs
import pytest

from nrun import Packager, Script, State
from nrun.engine.schedule import Schedule
from nrun.engine.takeover import watch
from nrun.planning import Dependency, Job
from nrun.plugins import installed
from nrun.record import ExperimentFolder
from nrun_testing.memory import system_at

NOTHING = Script(inline="true", entrypoint="sh")


def cut_after(exp, **wanted):
    """Leave the journal as it was after the first line that has these values."""
    path = exp.path / "journal.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    for number, line in enumerate(lines):
        if wanted.items() <= json.loads(line).items():
            path.write_text("".join(lines[: number + 1]))
            return
    msg = f"there is no line with {wanted}"
    raise AssertionError(msg)


def test_a_retry_that_was_owed_is_made_once(experiment, fresh, jobs_at, nothing):
    executor = fresh(exit_codes=(1, 0), retries=1, max_parallel=1)
    exp = experiment()
    exp.add(nothing, executor, "job")
    exp.add(nothing, executor, "after", dependencies=["job"])
    exp.run(check=False)
    cut_after(exp, kind="observed")
    jobs_at(executor).clear()
    jobs = experiment.known(exp.id).resume(check=False).jobs
    assert jobs["job"].attempt == 2
    assert sorted((job.tag.job, job.tag.attempt) for job in jobs_at(executor)) == [
        ("after", 1),
        ("after", 2),
        ("job", 2),
    ]


def test_a_wish_that_nobody_acted_on_is_acted_on_by_whoever_carries_on(experiment, fresh, jobs_at, nothing):
    executor = fresh(runs_for_s=2.0)
    exp = experiment()
    exp.add(nothing, executor, "job")
    exp.run()
    cut_after(exp, kind="submitted")
    jobs_at(executor)[0].ends_at += 600
    wish(exp, "job")
    assert experiment.known(exp.id).resume(check=False).jobs["job"].state is State.CANCELLED


def test_a_job_in_doubt_that_somebody_wanted_cancelled_is_not_submitted(experiment, fresh, jobs_at, nothing):
    executor = fresh()
    exp = experiment()
    exp.add(nothing, executor, "job")
    exp.add(nothing, executor, "after", dependencies=["job"])
    exp.run()
    cut_after(exp, kind="submitting")
    jobs_at(executor).clear()
    system_at(executor.place()).number_of.clear()
    wish(exp, "job")
    jobs = experiment.known(exp.id).resume(check=False).jobs
    assert (jobs["job"].state, jobs["after"].state) == (State.CANCELLED, State.SKIPPED)
    assert jobs_at(executor) == []


def test_what_has_begun_waits_for_nothing_any_more(memory):
    executor = memory()
    one = Job(name="one", tasks=(), executors=(executor,))
    two = Job(name="two", tasks=(), executors=(executor,), dependencies=(Dependency("one", when="builtins:bool"),))
    schedule = Schedule([one, two])
    schedule.begin("two")
    found = schedule.ended("one", State.FAILED)
    assert (found.ready, found.lost, found.to_judge) == ([], [], [])
    assert schedule.unended == 1
    schedule.ended("two", State.SUCCEEDED)
    assert schedule.unended == 0


@attrs.frozen(kw_only=True)
class Slow(Packager):
    """Packs nothing, and somebody cancels the job meanwhile."""

    cancel: object
    goes_on_for_s: float

    async def select(self, source, packing):
        await asyncio.to_thread(self.cancel)
        await asyncio.sleep(self.goes_on_for_s)
        return []


@pytest.mark.parametrize("goes_on_for_s", [0.0, 1.2])
def test_a_wish_that_comes_just_before_a_job_is_submitted_is_heard(experiment, fresh, jobs_at, goes_on_for_s):
    exp = experiment()
    packager = Slow(cancel=lambda: experiment.known(exp.id).cancel("job"), goes_on_for_s=goes_on_for_s)
    executor = fresh(runs_for_s=3.0, packager=packager)
    exp.add(NOTHING, executor, "job")
    status = exp.run(check=False)
    assert status.jobs["job"].state is State.CANCELLED
    assert all(job.cancelled for job in jobs_at(executor))
    if goes_on_for_s:
        assert jobs_at(executor) == []
    assert experiment.known(exp.id).status().jobs["job"].state is State.CANCELLED


def wish(exp, job):
    with (exp.path / "journal.jsonl").open("a") as journal:
        journal.write(json.dumps({"kind": "cancel", "at": 1.0, "job": job, "by": "somebody"}) + "\n")


def test_who_watches_hears_the_end_though_others_have_a_word_after_it(experiment, fresh, nothing):
    """Somebody who cancelled a job saw its end, and wrote that down, a moment after the experiment had ended."""
    exp = experiment()
    exp.add(nothing, fresh(), "job")
    exp.run()
    lines = (exp.path / "journal.jsonl").read_text().splitlines(keepends=True)
    with (exp.path / "journal.jsonl").open("a") as journal:
        journal.write(next(line for line in lines if '"kind":"observed"' in line))

    async def watched():
        async with asyncio.timeout(10):
            return await watch(ExperimentFolder(exp.path.parents[2], exp.title, exp.id), installed())

    assert asyncio.run(watched()) == (exp.path / "journal.jsonl").stat().st_size
