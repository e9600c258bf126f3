"""Carries out a plan: package, submit, watch, retry, stop. Writes every step down before and after.

One lane per place works on its own; what they share is the schedule, the statuses and the journal.
Nothing here knows a backend by name, and no trouble in watching ends a job.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from nrun.engine.code import Code
from nrun.engine.handover import LOOK_TIMEOUT_S, PAUSES_S, hand_over, told
from nrun.engine.lane import Lane, concurrency_limit
from nrun.engine.schedule import Schedule
from nrun.errors import NrunError
from nrun.events import (
    CancelRequested,
    ControlError,
    ExperimentEnded,
    ExperimentStarted,
    JobObserved,
    JobRefused,
    JobSkipped,
    JobSubmitted,
    JobSubmitting,
    TimeLimitReached,
)
from nrun.model import Attempt, Handle, State, Tag
from nrun.planning import launch_of
from nrun.record import JobStatus, fold_all, overall

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from nrun.events import Event
    from nrun.model import Bundle, Observation, Place
    from nrun.planning import Job, Plan
    from nrun.plugins import Hooks
    from nrun.protocols import Backend
    from nrun.record import ExperimentFolder, Journal

FETCH_TIMEOUT_S = 600.0
"""Deadline for bringing back what many jobs left."""
STOP_AGAIN_S = 5.0
"""Pause after a late job could not be stopped, before it is tried again."""
INTERRUPT_GRACE_S = 5.0
"""How long jobs may take to stop after an interrupt: somebody is waiting at the keyboard."""


class Run:
    """One process in charge of one experiment, from the first submission until every job has ended."""

    def __init__(
        self, plan: Plan, folder: ExperimentFolder, journal: Journal, hooks: Hooks, backends: Mapping[Place, Backend]
    ) -> None:
        self.plan = plan
        self.folder = folder
        self.statuses = {job.name: JobStatus(name=job.name) for job in plan.jobs}
        self._journal = journal
        self._hooks = hooks
        self._jobs = {job.name: job for job in plan.jobs}
        self._schedule = Schedule(plan.jobs)
        self._lanes = {place: self._lane(place, backend) for place, backend in backends.items()}
        self._lane_of = {job.name: self._lanes[job.executor.place()] for job in plan.jobs}
        self._code = Code(Path(plan.surroundings.cwd), folder.home)
        self._news: asyncio.Queue[list[Event]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def _lane(self, place: Place, backend: Backend) -> Lane:
        return Lane(backend, concurrency_limit(backend, [j for j in self.plan.jobs if j.executor.place() == place]))

    async def execute(self) -> None:
        """Run every job to its end. When it is interrupted, what runs on this machine is stopped first."""
        telling = asyncio.create_task(self._tell_observers())
        self._task = asyncio.current_task()
        try:
            async with self._hooks.around(self.plan):
                started = ExperimentStarted(
                    at=time.time(),
                    title=self.folder.title,
                    jobs=len(self._jobs),
                    pid=os.getpid(),
                    host=socket.gethostname(),
                )
                self._note([started], durable=True)
                self._release(self._schedule.ready())
                try:
                    async with asyncio.TaskGroup() as group:
                        for lane in self._lanes.values():
                            group.create_task(self._serve(lane))
                except BaseExceptionGroup as errors:
                    raise errors.exceptions[0] from None
                finally:
                    state = overall(status.state for status in self.statuses.values())
                    self._note([ExperimentEnded(at=time.time(), state=state)])
        finally:
            self._news.put_nowait([])
            await telling

    # ---- writing down and telling

    def _note(self, events: Sequence[Event], *, durable: bool = False) -> None:
        """Write events down, take them into the statuses, and have the observers told."""
        if not events:
            return
        self._journal.append(events, durable=durable)
        fold_all(self.statuses, events, self.folder.id)
        self._news.put_nowait(list(events))

    async def _tell_observers(self) -> None:
        observers = self._hooks.observers()
        while events := await self._news.get():
            await observers.tell(events, self.folder.id)

    def _control_error(self, action: str, error: Exception, jobs: Collection[str]) -> None:
        self._note([ControlError(at=time.time(), action=action, message=told(error), jobs=tuple(jobs))])

    def _heed_others(self) -> None:
        """Take in what other processes asked for: jobs to be cancelled."""
        asked = [event for event in self._journal.foreign() if isinstance(event, CancelRequested)]
        fold_all(self.statuses, asked, self.folder.id)
        if asked:
            self._news.put_nowait(list(asked))
        for lane in self._lanes.values() if asked else ():
            for job in [job for job in lane.waiting if self.statuses[job.name].cancel_requested_by]:
                lane.waiting.remove(job)
                self._give_up(job.name)

    # ---- a lane

    async def _serve(self, lane: Lane) -> None:
        backend = lane.backend
        try:
            await backend.__aenter__()
        except (NrunError, OSError, TimeoutError) as error:
            await self._refuse_everything(lane, error)
            return
        try:
            await self._work(lane)
        except asyncio.CancelledError:
            if self._interrupted():
                await self._stop_what_runs_here(lane)
            raise
        finally:
            for other in self._lanes.values():  # they may be waiting for what happened here
                other.wake()
            await lane.close()
            await backend.__aexit__(None, None, None)

    async def _work(self, lane: Lane) -> None:
        failures = 0
        changed: Collection[Handle] = ()
        while self._schedule.unended:
            self._heed_others()
            if batch := lane.take():
                await self._submit(lane, batch)
                continue
            if late := lane.overdue():
                lane.run_errand(self._stop_late(lane, late))
            if not self._schedule.unended:
                return
            try:
                changed = changed or await lane.next_change()  # told once, so kept until it is observed
                async with asyncio.timeout(LOOK_TIMEOUT_S):
                    seen = await lane.backend.observe(changed) if changed else {}
            except Exception as error:  # noqa: BLE001 - whatever a backend raises, its jobs are not to blame
                if failures == 0:
                    self._control_error("observe", error, [job.name for job in lane.active.values()])
                await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1
                continue
            failures, changed = 0, ()
            ended = self._observed(lane, seen)
            await self._fetch(lane, ended)
            for handle in ended:
                self._ended(lane.ended(handle))

    def _release(self, names: Collection[str]) -> None:
        """Queue jobs that may run now, each in the lane of its place."""
        by_lane: dict[Lane, list[Job]] = {}
        for name in names:
            status = self.statuses[name]
            if status.cancel_requested_by is not None:
                self._give_up(name)
            elif not status.state.ended:
                by_lane.setdefault(self._lane_of[name], []).append(self._jobs[name])
        for lane, jobs in by_lane.items():
            lane.add(jobs)

    def _observed(self, lane: Lane, seen: Mapping[Handle, Observation]) -> list[Handle]:
        """Write down what is new, and give the attempts that have ended."""
        self._heed_others()  # whoever stopped a job said so before
        events: list[Event] = []
        ended: list[Handle] = []
        now = time.time()
        for handle, observation in seen.items():
            job = lane.active.get(handle)
            if job is None:
                continue
            status = self.statuses[job.name]
            if observation.state is not status.state or observation.reason != status.reason:
                events.append(JobObserved(at=now, job=job.name, attempt=handle.tag.attempt, observation=observation))
            if observation.state.ended:
                ended.append(handle)
            elif observation.state is State.RUNNING and status.state is not State.RUNNING:
                lane.runs(handle, observation.started_at or now)
        self._note(events)
        return ended

    async def _fetch(self, lane: Lane, ended: Sequence[Handle]) -> None:
        """Bring what ended jobs left into the record, before anybody relies on it."""
        folders = {handle: self.folder.attempt(handle.tag.job, handle.tag.attempt) for handle in ended}
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S):
                await lane.backend.fetch(folders)
        except Exception as error:  # noqa: BLE001 - the jobs have ended as they have, whatever else is missing
            self._control_error("fetch", error, [handle.tag.job for handle in ended])

    def _ended(self, job: Job) -> None:
        status = self.statuses[job.name]
        if status.state is State.SUCCEEDED:
            self._release(self._schedule.succeeded(job.name))
        elif status.state is State.FAILED and status.attempt <= job.executor.retries:
            self._lane_of[job.name].add([job])
        else:
            self._skip_dependents(job.name)

    def _skip_dependents(self, name: str) -> None:
        """Everything that needed `name` is skipped, each with the dependency it waited for."""
        state = self.statuses[name].state.value.lower()
        skipped: list[Event] = []
        for lost, cause in self._schedule.failed(name):
            reason = f"dependency {cause!r} {state if cause == name else 'did not run'}"
            skipped.append(JobSkipped(at=time.time(), job=lost, reason=reason))
        if skipped:
            self._note(skipped)

    def _give_up(self, name: str) -> None:
        """A job that was to be cancelled before it was submitted."""
        reason = f"cancelled by {self.statuses[name].cancel_requested_by}"
        self._note([JobSkipped(at=time.time(), job=name, reason=reason)])
        self._skip_dependents(name)

    # ---- submitting

    async def _submit(self, lane: Lane, batch: Sequence[Job]) -> None:
        attempts = await self._attempts(batch)
        jobs = [job for job in batch if job.name in attempts]
        if not jobs:
            return
        durable = not lane.backend.capabilities.here
        now = time.time()
        intents = [JobSubmitting(at=now, job=j.name, attempt=attempts[j.name].tag.attempt) for j in jobs]
        self._note(intents, durable=durable)
        launches = {job.name: launch_of(job, self.plan) for job in jobs}
        answers = await hand_over(lane.backend, launches, attempts, self._control_error)
        events: list[Event] = []
        refused: list[str] = []
        state = State.RUNNING if lane.backend.capabilities.starts_at_once else State.SUBMITTED
        now = time.time()
        for job in jobs:
            tag = attempts[job.name].tag
            answer = answers[tag]
            if isinstance(answer, Handle):
                events.append(JobSubmitted(at=now, job=job.name, attempt=tag.attempt, handle=answer.data, state=state))
                lane.active[answer] = job
                if state is State.RUNNING:
                    lane.runs(answer, now)
            else:
                events.append(JobRefused(at=now, job=job.name, attempt=tag.attempt, reason=answer.reason))
                refused.append(job.name)
        self._note(events)
        for name in refused:
            self._skip_dependents(name)

    async def _attempts(self, batch: Sequence[Job]) -> dict[str, Attempt]:
        """The next attempt of each job, with its code; a job whose code cannot be packed fails here."""
        attempts = {}
        for job in batch:
            number = self.statuses[job.name].attempt + 1
            bundle = None
            if job.executor.packager.ships:
                try:
                    bundle = await self._code.bundle(job.executor.packager)
                except Exception as error:  # noqa: BLE001 - packagers are plugins; their jobs fail, others go on
                    self._refuse(job, f"packaging failed: {told(error)}")
                    continue
            attempts[job.name] = self._attempt(job.name, number, bundle)
        return attempts

    def _refuse(self, job: Job, reason: str) -> None:
        """An attempt that was not even offered to the backend."""
        number, now = self.statuses[job.name].attempt + 1, time.time()
        intent = JobSubmitting(at=now, job=job.name, attempt=number)
        self._note([intent, JobRefused(at=now, job=job.name, attempt=number, reason=reason)])
        self._skip_dependents(job.name)

    def _attempt(self, name: str, number: int, bundle: Bundle | None = None) -> Attempt:
        tag, folder = Tag(self.folder.id, name, number), self.folder.attempt(name, number)
        return Attempt(tag=tag, folder=folder, bundle=bundle)

    async def _refuse_everything(self, lane: Lane, error: BaseException) -> None:
        """The place cannot be reached: its jobs fail without having been submitted."""
        while self._schedule.unended:
            for job in list(lane.waiting):
                self._refuse(job, told(error))
            lane.waiting.clear()
            for other in self._lanes.values():
                other.wake()
            if self._schedule.unended:
                await lane.next_change()
        await lane.close()

    # ---- stopping

    def _interrupted(self) -> bool:
        """Whether the run itself was cancelled, not just a lane because another one broke."""
        return self._task is not None and self._task.cancelling() > 0

    async def _stop_late(self, lane: Lane, late: Sequence[Handle]) -> None:
        events = []
        jobs = [self._jobs[handle.tag.job] for handle in late]
        for handle, job in zip(late, jobs, strict=True):
            limit = job.executor.timeout_s or 0.0
            if self.statuses[job.name].time_limit_s is None:
                events.append(TimeLimitReached(at=time.time(), job=job.name, attempt=handle.tag.attempt, limit_s=limit))
        self._note(events)
        try:
            await lane.backend.cancel(late, grace_s=max(job.executor.grace_s for job in jobs))
        except Exception as error:  # noqa: BLE001 - as for observing
            self._control_error("cancel", error, [handle.tag.job for handle in late])
            again = time.monotonic() + STOP_AGAIN_S
            lane.deadlines.update((handle, again) for handle in late if handle in lane.active)
            lane.wake()  # it may be waiting without a deadline

    async def _stop_what_runs_here(self, lane: Lane) -> None:
        """An interrupt ends what runs on this machine; jobs elsewhere are left alone and stay in the record."""
        mine = [n for n, status in self.statuses.items() if not status.state.ended and self._lane_of[n] is lane]
        if not lane.backend.capabilities.here or not mine:
            return
        self._note([CancelRequested(at=time.time(), job=name, by="interrupt") for name in mine])
        doubtful = [self._attempt(name, self.statuses[name].attempt) for name in mine if self.statuses[name].in_doubt]
        try:
            for handle in (await lane.backend.find(doubtful)).values() if doubtful else ():
                lane.active[handle] = self._jobs[handle.tag.job]
            grace_s = max((job.executor.grace_s for job in lane.active.values()), default=0.0)
            await lane.backend.cancel(list(lane.active), grace_s=min(grace_s, INTERRUPT_GRACE_S))
            for handle in self._observed(lane, await lane.backend.observe(list(lane.active))):
                self._ended(lane.ended(handle))
        except Exception as error:  # noqa: BLE001 - the record must be finished whatever happened
            self._control_error("cancel", error, [job.name for job in lane.active.values()])
        never = [name for name in mine if not self.statuses[name].state.ended and self.statuses[name].handle is None]
        self._note([JobSkipped(at=time.time(), job=name, reason="cancelled by interrupt") for name in never])
