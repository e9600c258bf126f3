"""What a job waits for beside success, and where it goes when its place fails it."""

from __future__ import annotations

import asyncio
import json

import pytest

from nrun import (
    Cause,
    ConfigError,
    Dependency,
    LocalExecutor,
    Partial,
    PlanError,
    RecordError,
    Retries,
    Script,
    State,
    UnknownName,
)
from nrun_testing.memory import Fault

SUCCEEDED, FAILED, SKIPPED, CANCELLED = State.SUCCEEDED, State.FAILED, State.SKIPPED, State.CANCELLED
NOTHING = Script(inline="true", entrypoint="sh")


def states(status):
    return {name: job.state for name, job in status.jobs.items()}


@pytest.mark.parametrize(
    ("code", "condition", "expected"),
    [
        (0, "succeeded", SUCCEEDED),
        (1, "succeeded", SKIPPED),
        (0, "failed", SKIPPED),
        (1, "failed", SUCCEEDED),
        (0, "finished", SUCCEEDED),
        (1, "finished", SUCCEEDED),
    ],
)
def test_a_dependency_says_how_the_other_job_must_end(experiment, memory, code, condition, expected):
    exp = experiment()
    exp.add(NOTHING, memory(exit_codes=(code,)), "first")
    exp.add(NOTHING, memory(), "then", dependencies=[Dependency("first", condition)])
    assert exp.run(check=False).jobs["then"].state is expected


def test_a_job_that_never_ran_has_finished_too(experiment, memory, nothing):
    exp = experiment()
    exp.add(nothing, memory(exit_codes=(1,)), "bad")
    exp.add(nothing, memory(), "skipped", dependencies=["bad"])
    exp.add(nothing, memory(), "clean-up", dependencies=[Dependency("skipped", "finished")])
    exp.add(nothing, memory(), "alarm", dependencies=[Dependency("skipped", "failed")])
    status = exp.run(check=False)
    assert states(status) == {"bad": FAILED, "skipped": SKIPPED, "clean-up": SUCCEEDED, "alarm": SKIPPED}
    assert status.jobs["alarm"].reason == "dependency 'skipped' did not run, and this job waits for it to have failed"


def test_what_a_function_says_of_the_result_decides(experiment):
    exp = experiment()
    first = exp.add(Partial(json.loads, '{"accuracy": 0.9}'), LocalExecutor(), "first")
    for name, judge in {"has": len, "has-not": "operator:not_", "raises": abs}.items():
        exp.add(Script(inline="true"), LocalExecutor(), name, dependencies=[Dependency(first, when=judge)])
    status = exp.run(check=False)
    assert states(status) == {"first": SUCCEEDED, "has": SUCCEEDED, "has-not": SKIPPED, "raises": SKIPPED}
    assert status.jobs["has-not"].reason == "the result of 'first' did not satisfy not_"
    assert "TypeError: bad operand type for abs()" in status.jobs["raises"].reason


def test_conditions_that_make_no_sense_are_refused_when_they_are_written(experiment, memory, nothing):
    with pytest.raises(PlanError, match=r"not 'suceeded'\. Did you mean 'succeeded'\?"):
        Dependency("a", "suceeded")
    with pytest.raises(PlanError, match="`when` looks at the result of 'a', so that must have succeeded"):
        Dependency("a", "finished", when=len)
    with pytest.raises(ConfigError, match="lambda"):
        experiment().add(nothing, memory(), dependencies=[Dependency("a", when=lambda result: result)])
    with pytest.raises(RecordError, match="there is no experiment 'nowhere'"):
        experiment().add(nothing, memory(), dependencies=[Dependency("a", experiment="nowhere")])


def test_a_job_waits_for_one_of_another_experiment(experiment, memory, nothing):
    earlier = experiment("earlier")
    earlier.add(nothing, memory(), "good")
    earlier.add(nothing, memory(exit_codes=(1,)), "bad")
    earlier.run(check=False)
    exp = experiment()
    exp.add(nothing, memory(), "after-good", dependencies=[Dependency("good", experiment="earlier")])
    exp.add(nothing, memory(), "after-bad", dependencies=[Dependency("bad", experiment=earlier.id)])
    with pytest.raises(UnknownName, match=r"no job 'god' in experiment 'earlier'\. Did you mean 'good'\?"):
        exp.add(nothing, memory(), "for-ever", dependencies=[Dependency("god", experiment="earlier")])
    status = exp.run(check=False)
    assert states(status) == {"after-good": SUCCEEDED, "after-bad": SKIPPED}
    assert status.jobs["after-bad"].reason == f"dependency 'bad' of {earlier.id} failed"


def test_every_cause_has_a_budget_of_its_own_and_the_rest_share_one(experiment, memory, nothing):
    exp = experiment()
    causes = ("preempted", "user_error", "preempted", "node_failure", "preempted", "user_error")
    retries = Retries(2, preempted=3, node_failure=1)
    exp.add(nothing, memory(exit_codes=(1,), causes=causes, retries=retries), "job")
    job = exp.run(check=False).jobs["job"]
    assert (job.state, job.attempt, job.cause) == (FAILED, 7, Cause.USER_ERROR)
    assert job.failures == {Cause.PREEMPTED: 3, Cause.USER_ERROR: 3, Cause.NODE_FAILURE: 1}


def test_a_pause_before_the_next_attempt_doubles_up_to_its_limit():
    retries = Retries(9, pause_s=1.0, longest_pause_s=5.0)
    assert [retries.wait_s({Cause.USER_ERROR: n}) for n in (1, 2, 3, 4, 1000)] == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_while_a_job_waits_for_its_next_attempt_it_is_pending_and_can_be_cancelled(experiment, memory, nothing):
    exp = experiment()
    exp.add(nothing, memory(exit_codes=(1,), retries=Retries(1, pause_s=600, longest_pause_s=600)), "job")

    async def cancel_when_it_waits():
        while not (exp.id and (waits := experiment.known(exp.id).status().jobs["job"]).not_before):  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.02)
        assert (waits.state, waits.reason) == (State.PENDING, "attempt 1 failed: exit code 1")
        await asyncio.to_thread(experiment.known(exp.id).cancel)

    async def both():
        return (await asyncio.gather(exp.run_async(check=False), cancel_when_it_waits()))[0]

    assert asyncio.run(both()).jobs["job"].state is CANCELLED


def test_a_job_falls_back_when_its_place_cannot_take_it_or_loses_it(experiment, memory, nothing, jobs_at):
    exp = experiment()
    full, shaky = memory(refused="no room"), memory(exit_codes=(1,), causes=("infrastructure",))
    exp.add(nothing, full, "refused", fallbacks=[memory(faults=(Fault.OPEN,)), LocalExecutor()])
    exp.add(nothing, shaky, "lost", fallbacks=[LocalExecutor()])
    exp.add(nothing, memory(exit_codes=(1,)), "its-own-fault", fallbacks=[LocalExecutor()])
    status = exp.run(check=False)
    assert states(status) == {"refused": SUCCEEDED, "lost": SUCCEEDED, "its-own-fault": FAILED}
    assert [(job.executor, job.attempt) for job in status.jobs.values()] == [(2, 3), (1, 2), (0, 1)]
    assert experiment.known(exp.id).logs("refused") == ""


def test_with_fail_fast_the_first_failure_ends_the_experiment(experiment, memory, nothing):
    exp = experiment()
    exp.add(nothing, memory(exit_codes=(1,), runs_for_s=0.1), "bad")
    exp.add(nothing, memory(runs_for_s=600), "runs")
    exp.add(nothing, memory(), "waits", dependencies=["runs"])
    exp.add(nothing, memory(), "clean-up", dependencies=[Dependency("bad", "failed")])
    status = exp.run(check=False, fail_fast=True)
    assert states(status) == {"bad": FAILED, "runs": CANCELLED, "waits": SKIPPED, "clean-up": SKIPPED}
    assert status.jobs["runs"].reason == "cancelled by fail-fast: 'bad' failed"
    assert status.jobs["waits"].reason == "fail-fast: 'bad' failed"


def test_a_job_that_is_silent_for_too_long_is_stopped_as_hung(experiment):
    exp = experiment()
    talks = Script(inline="for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.2; done", entrypoint="sh")
    exp.add(talks, LocalExecutor(silence_timeout_s=1), "talks")
    hangs = Script(inline="echo up; sleep 600", entrypoint="sh")
    exp.add(hangs, LocalExecutor(silence_timeout_s=0.5, grace_s=1, retries=Retries(timeout=1)), "hangs")
    status = exp.run(check=False)
    assert states(status) == {"talks": SUCCEEDED, "hangs": FAILED}
    hung = status.jobs["hangs"]
    assert (hung.reason, hung.cause, hung.attempt) == ("no output for 0.5 s", Cause.TIMEOUT, 2)


def test_a_job_is_told_its_attempt_and_the_folder_of_the_one_before(experiment):
    exp = experiment()
    script = 'echo "$NRUN_ATTEMPT" "${NRUN_PREVIOUS_ATTEMPT_DIR##*/}"; [ "$NRUN_ATTEMPT" = 11 ]'
    exp.add(Script(inline=script, entrypoint="sh"), LocalExecutor(retries=10), "job")
    exp.run()
    told = [(exp.path / "jobs" / "job" / f"attempt-{n}" / "out.log").read_text() for n in (1, 2, 11)]
    assert told == ["1 \n", "2 attempt-1\n", "11 attempt-10\n"]


def test_what_a_local_job_used_is_in_the_record(experiment):
    exp = experiment()
    exp.add(
        Script(inline="x = bytearray(600_000_000); sum(range(2_000_000))", entrypoint="python"), LocalExecutor(), "j"
    )
    exp.run()
    job = experiment.known(exp.id).status().jobs["j"]
    assert job.peak_memory_bytes > 600_000_000
    assert 0 < job.cpu_s < 60
    assert job.submitted_at <= job.started_at <= job.ended_at
