"""A conformance suite is worth what it catches: each broken backend here fails the one check meant for it."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
import time
from pathlib import Path

import attrs
import pytest

from nrun import BackendError, State
from nrun.model import Capabilities, Handle
from nrun.record import claim_folder, publish
from nrun_testing.memory import MemoryBackend, MemoryExecutor
from nrun_testing.rig import Rig, Work
from nrun_testing.suite import BackendSuite


class RefusesWithoutReason(MemoryBackend):
    capabilities = Capabilities(refuses={"groups": " "})


class PlansDifferentlyEachTime(MemoryBackend):
    plans = itertools.count()

    def plan(self, launches):
        return [attrs.evolve(one, request=one.request + " " * next(self.plans)) for one in super().plan(launches)]


class ReadsFilesToPlan(MemoryBackend):
    def plan(self, launches):
        Path(__file__).read_text()
        return super().plan(launches)


class GivesRunningJobsAnExitCode(MemoryBackend):
    def _observe(self, handle, now):
        seen = super()._observe(handle, now)
        return seen if seen.state.ended else attrs.evolve(seen, exit_code=0)


class LosesExitCodes(MemoryBackend):
    def _observe(self, handle, now):
        seen = super()._observe(handle, now)
        return attrs.evolve(seen, exit_code=1) if seen.exit_code not in {None, 0, 3} else seen


class ForgetsAttempts(MemoryBackend):
    """It takes a second attempt, and then tells of it when asked for the first."""

    def _observe(self, handle, now):
        tags = [job.tag for job in self.system.jobs if job.tag.job == handle.tag.job]
        return super()._observe(self.system.handle(tags[-1]) if tags and handle.data else handle, now)


class MixesUpABatch(MemoryBackend):
    async def submit(self, submissions, attempts):
        answers = dict(await super().submit(submissions, attempts))
        data = [answer.data for answer in answers.values()]
        for (tag, _), other in zip(list(answers.items()), reversed(data), strict=True):
            answers[tag] = Handle(tag, other)
            self.system.jobs[other["number"]].tag = tag
            self.system.number_of[tag] = other["number"]
        return answers


class PutsSecretsIntoHandles(MemoryBackend):
    def _start(self, attempt, script, now):
        handle = super()._start(attempt, script, now)
        told = {name: value.reveal() for values in attempt.secrets.values() for name, value in values.items()}
        return attrs.evolve(handle, data={**handle.data, **told})


class HandlesServeOneProcess(MemoryBackend):
    """What makes a handle useful stays in the object that submitted."""

    def __init__(self, place):
        super().__init__(place)
        self.known = set()

    async def submit(self, submissions, attempts):
        answers = await super().submit(submissions, attempts)
        self.known |= set(answers)
        return answers

    async def find(self, attempts):
        found = await super().find(attempts)
        self.known |= set(found)
        return found

    async def logs(self, handle, *, stream, offset, follow):
        if handle.tag in self.known:
            async for chunk in super().logs(handle, stream=stream, offset=offset, follow=follow):
                yield chunk


class FindsWhatNeverWas(MemoryBackend):
    async def find(self, attempts):
        return {attempt.tag: Handle(attempt.tag, {"number": 0}) for attempt in attempts} | await super().find(attempts)


class LeavesOutUnknownJobs(MemoryBackend):
    async def observe(self, handles):
        return await super().observe([handle for handle in handles if handle.tag in self.system.number_of])


class EndsWhatItCannotRead(MemoryBackend):
    def _observe(self, handle, now):
        seen = super()._observe(handle, now)
        lost = seen.state is State.UNKNOWN and "number" in handle.data
        return attrs.evolve(seen, state=State.FAILED) if lost else seen


class TellsOnlyOfItsOwn(MemoryBackend):
    def _observe(self, handle, now):
        watched = dict(self._watched)
        seen = super()._observe(handle, now)
        self._watched = {one: job for one, job in self._watched.items() if one in watched}
        return seen


class SpinsWhileWaiting(MemoryBackend):
    async def changes(self):
        now = time.time()
        return [handle for handle, job in self._watched.items() if job.ends_at <= now]


class LosesChangesWhenGivenUp(MemoryBackend):
    async def changes(self):
        try:
            return await super().changes()
        except asyncio.CancelledError:
            if self.system.jobs[-1].tag.job == "job":
                self._watched.clear()
            raise


class ReadsLogsFromTheirPieces(MemoryBackend):
    """It starts at the piece that the offset is in, not at the offset."""

    async def logs(self, handle, *, stream, offset, follow):
        async for chunk in super().logs(handle, stream=stream, offset=offset - offset % 8, follow=follow):
            yield chunk


class CannotReadWhatIsNotThere(MemoryBackend):
    async def logs(self, handle, *, stream, offset, follow):
        if not self.system.job(handle).output:
            raise BackendError("there is no such file")
        async for chunk in super().logs(handle, stream=stream, offset=offset, follow=follow):
            yield chunk


class StopsFollowingTooSoon(MemoryBackend):
    async def logs(self, handle, *, stream, offset, follow):
        async for chunk in super().logs(handle, stream=stream, offset=offset, follow=False):
            yield chunk


class CancelsEverything(MemoryBackend):
    async def cancel(self, handles, *, grace_s):
        everything = [self.system.handle(job.tag) for job in self.system.jobs if handles]
        return await super().cancel(everything, grace_s=grace_s)


class CancelsTheEnded(MemoryBackend):
    async def cancel(self, handles, *, grace_s):
        for handle in handles:
            job = self.system.job(handle)
            job.cancelled = True
        return await super().cancel(handles, grace_s=grace_s)


class TakesItsJobsAlong(MemoryBackend):
    async def __aexit__(self, *_):
        await self.cancel([handle for handle in self._watched if handle.tag.job == "job"], grace_s=0)


class LeavesATaskBehind(MemoryBackend):
    async def __aenter__(self):
        self._poller = asyncio.create_task(asyncio.sleep(600))
        return await super().__aenter__()


class LeavesAThreadBehind(MemoryBackend):
    async def __aenter__(self):
        threading.Thread(target=time.sleep, args=(2,), daemon=True).start()
        return await super().__aenter__()


class LeavesAFileOpen(MemoryBackend):
    async def __aenter__(self):
        self.left_open = os.dup(1)
        return await super().__aenter__()


MUTANTS = {
    RefusesWithoutReason: "test_capabilities_are_known_before_opening_and_refusals_have_reasons",
    PlansDifferentlyEachTime: "test_the_same_jobs_give_the_same_plan",
    ReadsFilesToPlan: "test_planning_touches_nothing",
    GivesRunningJobsAnExitCode: "test_a_job_is_seen_running_then_succeeded",
    LosesExitCodes: "test_a_nonzero_exit_code_is_a_failure_with_that_code",
    ForgetsAttempts: "test_a_second_attempt_is_a_job_of_its_own",
    MixesUpABatch: "test_every_attempt_of_a_batch_is_answered",
    PutsSecretsIntoHandles: "test_secrets_are_in_no_handle_and_no_observation",
    HandlesServeOneProcess: "test_a_handle_is_json_and_serves_another_process",
    FindsWhatNeverWas: "test_what_was_submitted_is_found_and_nothing_else",
    LeavesOutUnknownJobs: "test_observing_answers_for_every_handle",
    EndsWhatItCannotRead: "test_a_damaged_handle_never_ends_a_running_job",
    TellsOnlyOfItsOwn: "test_ends_are_told",
    SpinsWhileWaiting: "test_waiting_for_changes_really_waits",
    LosesChangesWhenGivenUp: "test_a_wait_that_is_given_up_loses_nothing",
    ReadsLogsFromTheirPieces: "test_a_log_resumes_at_every_offset",
    CannotReadWhatIsNotThere: "test_a_log_that_is_not_there_is_empty",
    StopsFollowingTooSoon: "test_a_followed_log_ends_with_its_job",
    CancelsEverything: "test_cancelling_stops_that_job_and_no_other",
    CancelsTheEnded: "test_cancelling_an_ended_job_changes_nothing",
    TakesItsJobsAlong: "test_closing_leaves_jobs_alone",
    LeavesATaskBehind: "test_closing_leaks_nothing",
    LeavesAThreadBehind: "test_closing_leaks_nothing",
    LeavesAFileOpen: "test_closing_leaks_nothing",
}


def failed_checks(backend, folder):
    """The checks that `backend` fails, each with what it said."""
    suite = BackendSuite()
    suite.runs_no_processes = "its jobs are numbers in a list"
    failed = {}
    for name in suite.checks():
        rig = Rig(
            make_executor=lambda work, name=name: MemoryExecutor(
                system=f"{folder} {name}", exit_codes=(work.exit_code,), runs_for_s=work.runs_for_s, output=work.output
            ),
            make_backend=backend,
            folder=publish(claim_folder(folder, "mutants")),
            cwd=folder,
            deadline_s=1.0,
            brief=Work(runs_for_s=0.2),
        )
        try:
            getattr(suite, name)(rig)
        except pytest.skip.Exception:
            continue
        except Exception as error:  # noqa: BLE001 - a broken backend may fail in any way
            failed[name] = error
    return failed


def test_a_backend_that_keeps_its_promises_passes_every_check(tmp_path):
    assert failed_checks(MemoryBackend, tmp_path) == {}


@pytest.mark.parametrize(("mutant", "check"), MUTANTS.items(), ids=[mutant.__name__ for mutant in MUTANTS])
def test_a_broken_backend_fails_the_check_that_is_meant_for_it(mutant, check, tmp_path):
    assert set(failed_checks(mutant, tmp_path)) == {check}


def test_every_check_of_a_backend_without_processes_catches_somebody():
    needs_a_process_or_a_group = {
        "test_a_group_shares_one_fate",
        "test_a_job_that_will_not_stop_is_killed",
        "test_arguments_and_environment_arrive_byte_for_byte",
        "test_each_task_of_a_group_has_its_own_secrets",
        "test_secrets_arrive_byte_for_byte_and_are_left_nowhere",
        "test_jobs_may_have_any_name_a_folder_can_have",
        "test_shipped_code_is_where_the_job_starts",
        "test_what_a_job_left_is_brought_into_the_record",
    }
    assert set(BackendSuite.checks()) - needs_a_process_or_a_group == set(MUTANTS.values())
