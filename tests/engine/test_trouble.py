"""When calls to a backend fail: nothing runs twice, nothing is lost, and no job is blamed."""

from __future__ import annotations

import asyncio
import time

import pytest

from nrun import PlanError, State
from nrun_testing.memory import Fault, system_at

SUCCEEDED, FAILED, SKIPPED = State.SUCCEEDED, State.FAILED, State.SKIPPED


def test_jobs_whose_submission_was_answered_but_not_heard_are_found_and_not_submitted_again(
    experiment, memory, nothing, jobs_at, happened
):
    executor = memory(faults=(Fault.ANSWER_LOST,), runs_for_s=0.05)
    exp = experiment()
    for name in ("one", "two"):
        exp.add(nothing, executor, name)
    status = exp.run()
    assert sorted(job.tag.job for job in jobs_at(executor)) == ["one", "two"]
    assert [job.attempt for job in status.jobs.values()] == [1, 1]
    assert status.jobs["one"].control_errors == ("submit: the memory system was told to fail: answer-lost",)
    assert happened(exp).count(("submitting", "one")) == 1


def test_a_submission_that_never_arrived_is_made_again_under_the_same_tag(experiment, memory, nothing, jobs_at):
    executor = memory(faults=(Fault.REQUEST_LOST,))
    exp = experiment()
    exp.add(nothing, executor, "job")
    assert exp.run().jobs["job"].attempt == 1
    assert [job.tag.attempt for job in jobs_at(executor)] == [1]


def test_nothing_is_submitted_again_before_it_is_known_whether_it_was_submitted(experiment, memory, nothing, jobs_at):
    executor = memory(faults=(Fault.ANSWER_LOST, Fault.FIND))
    exp = experiment()
    exp.add(nothing, executor, "job")
    status = exp.run()
    assert len(jobs_at(executor)) == 1
    assert [error.partition(":")[0] for error in status.jobs["job"].control_errors] == ["submit", "find"]


def test_a_submission_that_keeps_failing_fails_its_jobs_with_the_cause(experiment, memory, nothing, jobs_at):
    executor = memory(faults=(Fault.REQUEST_LOST,) * 3)
    exp = experiment()
    exp.add(nothing, executor, "job")
    exp.add(nothing, memory(), "after", dependencies=["job"])
    status = exp.run(check=False)
    assert (status.jobs["job"].state, status.jobs["after"].state) == (FAILED, SKIPPED)
    assert status.jobs["job"].reason == "not submitted: the memory system was told to fail: request-lost"
    assert jobs_at(executor) == []


def test_trouble_in_observing_is_told_and_fails_no_job(experiment, memory, nothing):
    exp = experiment()
    exp.add(nothing, memory(faults=(Fault.OBSERVE, Fault.OBSERVE)), "succeeds")
    status = exp.run()
    assert status.state is SUCCEEDED
    assert status.jobs["succeeds"].control_errors == ("observe: the memory system was told to fail: observe",)


def test_a_place_that_cannot_be_reached_fails_its_jobs_and_no_others(experiment, memory, nothing, jobs_at):
    exp = experiment()
    away = memory(faults=(Fault.OPEN, Fault.OPEN))  # it is tried again for jobs that come later
    exp.add(nothing, away, "away")
    exp.add(nothing, memory(), "after", dependencies=["away"])
    exp.add(nothing, memory(), "here")
    exp.add(nothing, away, "away-again", dependencies=["here"])
    status = exp.run(check=False)
    states = {name: job.state for name, job in status.jobs.items()}
    assert states == {"away": FAILED, "after": SKIPPED, "here": SUCCEEDED, "away-again": FAILED}
    assert status.jobs["away"].reason == "not submitted: the memory system was told to fail: open"
    assert jobs_at(away) == []


def test_a_late_job_that_could_not_be_stopped_is_stopped_later(experiment, memory, nothing):
    exp = experiment()
    exp.add(nothing, memory(runs_for_s=600, timeout_s=0.1, faults=(Fault.CANCEL,)), "late")
    job = exp.run(check=False).jobs["late"]
    assert (job.state, job.reason) == (FAILED, "time limit of 0.1 s reached")
    assert job.control_errors == ("cancel: the memory system was told to fail: cancel",)


@pytest.mark.parametrize("fault", [Fault.OPEN, Fault.OBSERVE])
def test_looking_that_fails_keeps_what_was_known_and_says_so(experiment, memory, nothing, fault):
    executor = memory(runs_for_s=600)
    exp = experiment()
    exp.add(nothing, executor, "job")
    asyncio.run(interrupted_when_submitted(exp))
    system_at(executor.place()).faults.append(fault)
    known = experiment.known(exp.id)
    job = known.status().jobs["job"]
    assert job.state is State.RUNNING
    assert job.control_errors == (f"observe: the memory system was told to fail: {fault.value}",)
    assert known.status().jobs["job"].control_errors == ()


def test_an_interrupt_leaves_jobs_elsewhere_alone(experiment, memory, nothing):
    exp = experiment()
    exp.add(nothing, memory(runs_for_s=0.5), "job")
    exp.add(nothing, memory(), "after", dependencies=["job"])
    asyncio.run(interrupted_when_submitted(exp))
    known = experiment.known(exp.id)
    while not known.status().jobs["job"].state.ended:
        time.sleep(0.05)
    jobs = known.status().jobs
    assert (jobs["job"].state, jobs["after"].state) == (SUCCEEDED, State.PENDING)
    assert jobs["after"].reason == "nobody looks after this experiment at present"


async def interrupted_when_submitted(exp):
    running = asyncio.create_task(exp.run_async())
    while exp.id is None or b'"submitted"' not in (exp.path / "journal.jsonl").read_bytes():  # noqa: ASYNC110 - a file
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


def test_outputs_are_refused_where_what_jobs_leave_cannot_be_seen(experiment, memory, nothing):
    exp = experiment()
    exp.add(nothing, memory(), name="far", outputs=["a.txt"])
    with pytest.raises(PlanError, match="what its jobs leave is on other machines"):
        exp.run()
