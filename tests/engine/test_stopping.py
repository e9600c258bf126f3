"""Time limits, and jobs that somebody else cancels."""

from __future__ import annotations

import asyncio

from nrun import LocalExecutor, Script, State

SUCCEEDED, FAILED, SKIPPED, CANCELLED = State.SUCCEEDED, State.FAILED, State.SKIPPED, State.CANCELLED
ENDLESS = Script(inline="sleep 600", entrypoint="sh")


def states(status):
    return {name: job.state for name, job in status.jobs.items()}


def run_and_meanwhile(exp, others_do):
    """Run the experiment, and `others_do(id)` in another thread once it is under way; gives the status."""

    async def both():
        running = asyncio.create_task(exp.run_async(check=False))
        while exp.id is None or b'"submitted"' not in (exp.path / "journal.jsonl").read_bytes():  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.01)
        await asyncio.to_thread(others_do, exp.id)
        return await running

    return asyncio.run(both())


def test_a_job_past_its_time_limit_fails_and_what_needs_it_is_skipped(experiment, memory, nothing):
    exp = experiment()
    exp.add(nothing, memory(runs_for_s=600, timeout_s=0.1), "late")
    exp.add(nothing, memory(), "after", dependencies=["late"])
    exp.add(nothing, memory(runs_for_s=0.2), "other")
    status = exp.run(check=False)
    assert states(status) == {"late": FAILED, "after": SKIPPED, "other": SUCCEEDED}
    assert status.jobs["late"].reason == "time limit of 0.1 s reached"


def test_each_attempt_has_the_whole_time_limit(experiment, memory, nothing):
    exp = experiment()
    exp.add(nothing, memory(runs_for_s=600, timeout_s=0.1, retries=1), "late")
    status = exp.run(check=False)
    assert (status.jobs["late"].state, status.jobs["late"].attempt) == (FAILED, 2)


def test_a_process_past_its_time_limit_is_stopped(experiment):
    exp = experiment()
    exp.add(ENDLESS, LocalExecutor(timeout_s=0.3), "late")
    job = exp.run(check=False).jobs["late"]
    assert (job.state, job.signal, job.reason) == (FAILED, "SIGTERM", "time limit of 0.3 s reached")


def test_a_job_cancelled_by_another_process_ends_as_cancelled(experiment, memory, nothing):
    exp = experiment()
    exp.add(nothing, memory(runs_for_s=600), "endless")
    exp.add(nothing, memory(), "after", dependencies=["endless"])
    exp.add(nothing, memory(runs_for_s=0.3), "other")
    left = []
    status = run_and_meanwhile(exp, lambda id_: left.append(experiment.known(id_).cancel("endless")))
    assert left == [{}]
    assert states(status) == {"endless": CANCELLED, "after": SKIPPED, "other": SUCCEEDED}
    assert status.jobs["endless"].reason.startswith("cancelled by ")
    assert states(experiment.known(exp.id).status()) == states(status)


def test_a_cancelled_job_is_not_tried_again(experiment, memory, nothing):
    exp = experiment()
    exp.add(nothing, memory(runs_for_s=600, retries=5), "endless")
    status = run_and_meanwhile(exp, lambda id_: experiment.known(id_).cancel())
    assert (status.jobs["endless"].state, status.jobs["endless"].attempt) == (CANCELLED, 1)


def test_a_job_cancelled_while_it_waits_for_others_never_runs(experiment, memory, nothing, jobs_at):
    exp = experiment()
    exp.add(nothing, memory(runs_for_s=0.3), "first")
    exp.add(nothing, memory(runs_for_s=0.6), "second")
    exp.add(nothing, memory(), "waits", dependencies=["second"])
    exp.add(nothing, memory(), "after", dependencies=["waits"])
    status = run_and_meanwhile(exp, lambda id_: experiment.known(id_).cancel("waits"))
    assert states(status) == {"first": SUCCEEDED, "second": SUCCEEDED, "waits": CANCELLED, "after": SKIPPED}
    assert {job.tag.job for job in jobs_at(memory())} == {"first", "second"}


def test_a_job_cancelled_while_it_waits_for_a_slot_never_runs(experiment, memory, nothing, jobs_at):
    exp = experiment()
    exp.add(nothing, memory(runs_for_s=0.4, max_parallel=1), "first")
    exp.add(nothing, memory(), "waits")
    status = run_and_meanwhile(exp, lambda id_: experiment.known(id_).cancel("waits"))
    assert states(status) == {"first": SUCCEEDED, "waits": CANCELLED}
    assert [job.tag.job for job in jobs_at(memory())] == ["first"]


def test_cancelling_what_has_ended_changes_nothing(experiment, memory, nothing):
    exp = experiment()
    exp.add(nothing, memory(), "good")
    exp.add(nothing, memory(exit_codes=(1,)), "bad")
    exp.run(check=False)
    assert experiment.known(exp.id).cancel() == {}
    assert states(experiment.known(exp.id).status()) == {"good": SUCCEEDED, "bad": FAILED}


def test_processes_cancelled_by_another_process_are_gone(experiment):
    exp = experiment()
    exp.add(ENDLESS, LocalExecutor(), "endless")
    status = run_and_meanwhile(exp, lambda id_: experiment.known(id_).cancel())
    assert (status.jobs["endless"].state, status.jobs["endless"].signal) == (CANCELLED, "SIGTERM")
