"""Carries the jobs of one lane: hands them over, watches them, stops what is late.

It tells the run of every attempt that has ended, and leaves it to that what follows. Nothing here knows a
backend by name, and no trouble in watching ends a job.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from nrun.engine.handover import LOOK_TIMEOUT_S, PAUSES_S, hand_over, search, told
from nrun.errors import NrunError
from nrun.events import CancelRequested, JobObserved, JobRefused, JobSkipped, JobSubmitted, JobSubmitting, LimitReached
from nrun.model import Attempt, Handle, State, Tag
from nrun.planning import launch_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from nrun.engine.code import Code
    from nrun.engine.lane import Lane
    from nrun.engine.ledger import Ledger
    from nrun.events import Event
    from nrun.model import Bundle, Launch, Observation
    from nrun.planning import Job, Plan
    from nrun.secret import SecretValue

    Values = Mapping[str, Mapping[str, SecretValue]]

FETCH_TIMEOUT_S = 600.0
"""Deadline for bringing back what many jobs left."""
STOP_AGAIN_S = 5.0
"""Pause after a job could not be stopped, before it is tried again."""
INTERRUPT_GRACE_S = 5.0
"""How long jobs may take to stop after an interrupt: somebody is waiting at the keyboard."""


class Orders(Protocol):
    """What a carrier asks of the run that it works for."""

    def goes_on(self) -> bool:
        """Whether there are jobs that have not ended, in any lane."""

    def heed(self) -> None:
        """Take jobs that others want cancelled out of the lanes."""

    def settle(self, name: str) -> None:
        """Draw the consequences of the end of an attempt of a job."""

    def to_stop(self, carrier: Carrier) -> list[str]:
        """The jobs of a carrier that are to be stopped, now that the run is interrupted."""


class Carrier:
    """One process's hold on the jobs that go to one place."""

    def __init__(self, lane: Lane, plan: Plan, ledger: Ledger, code: Code, run: Orders) -> None:
        self.lane = lane
        self.plan = plan
        self.ledger = ledger
        self.code = code
        self.run = run
        self.adopted: list[Job] = []
        """Jobs that another process handed over, or was about to."""
        self.handed_over = asyncio.Event()
        """Set when everything that could be submitted at first has been."""

    async def serve(self) -> None:
        """Work until every job of the run has ended."""
        try:
            if await self._open():
                try:
                    await self._work()
                except asyncio.CancelledError:
                    await self._stop_what_runs_here(self.run.to_stop(self))
                    raise
                finally:
                    await self.lane.close()
                    await self.lane.backend.__aexit__(None, None, None)
        finally:
            self.handed_over.set()
            await self.lane.close()

    async def _open(self) -> bool:
        """Open the backend. While that fails, new jobs are refused; jobs that are there already are waited for."""
        failures = 0
        while self.run.goes_on():
            try:
                await self.lane.backend.__aenter__()
            except (NrunError, OSError, TimeoutError) as error:
                waiting = [self.lane.waiting.popleft() for _ in range(len(self.lane.waiting))]
                for job in waiting:
                    self._refuse(job, told(error))
                if self.adopted:
                    if failures == 0:
                        self.ledger.trouble("open", error, [job.name for job in self.adopted])
                    await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                    failures += 1
                self.handed_over.set()
                while self.run.goes_on() and not (self.adopted or self.lane.waiting):
                    await self.lane.next_change()
            else:
                return True
        return False

    async def _work(self) -> None:
        lane, failures = self.lane, 0
        changed: Collection[Handle] = await self._adopt() if self.adopted else ()
        while self.run.goes_on():
            self.run.heed()
            if batch := lane.take():
                await self._submit(batch)
                continue
            self.handed_over.set()
            if late := lane.overdue():
                lane.run_errand(self._stop_late(late))
            if not self.run.goes_on():
                return
            silent: list[Handle] = []
            try:
                changed = changed or await lane.next_change()  # told once, so kept until it is observed
                silent = [handle for handle in lane.silent() if handle not in changed]
                async with asyncio.timeout(LOOK_TIMEOUT_S):
                    seen = await lane.backend.observe([*changed, *silent]) if changed or silent else {}
            except Exception as error:  # noqa: BLE001 - whatever a backend raises, its jobs are not to blame
                if failures == 0:
                    self.ledger.trouble("observe", error, [job.name for job in lane.active.values()])
                lane.silences.update(dict.fromkeys(silent, 0.0))
                await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1
                continue
            failures, changed = 0, ()
            ended = self._observed(seen)
            self._listen({handle: seen[handle] for handle in silent if handle in lane.active and handle not in ended})
            await self._fetch(ended)
            for handle in ended:
                if (job := lane.ended(handle)).outputs:
                    lane.run_errand(self._keep_and_settle(job))
                else:
                    self.run.settle(job.name)

    async def _keep_and_settle(self, job: Job) -> None:
        from nrun.engine.outputs import keep_outputs

        await keep_outputs(job, self)
        self.run.settle(job.name)

    def _observed(self, seen: Mapping[Handle, Observation]) -> list[Handle]:
        """Write down what is new, and give the attempts that have ended."""
        self.ledger.heed()  # whoever stopped a job said so before
        events: list[Event] = []
        ended: list[Handle] = []
        now = time.time()
        for handle, observation in seen.items():
            if (job := self.lane.active.get(handle)) is None:
                continue
            status = self.ledger.statuses[job.name]
            if observation.state is not status.state or observation.reason != status.reason:
                events.append(JobObserved(at=now, job=job.name, attempt=handle.tag.attempt, observation=observation))
            if observation.state.ended:
                ended.append(handle)
            elif observation.state is State.RUNNING and handle not in self.lane.begun:
                self.lane.runs(handle, observation.started_at or status.started_at or now)
        self.ledger.note(events)
        return ended

    async def _fetch(self, ended: Sequence[Handle]) -> None:
        """Bring what ended jobs left into the record, before anybody relies on it."""
        if not ended:
            return
        folders = {handle: self.ledger.folder.attempt(handle.tag.job, handle.tag.attempt) for handle in ended}
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S):
                await self.lane.backend.fetch(folders)
        except Exception as error:  # noqa: BLE001 - the jobs have ended as they have, whatever else is missing
            self.ledger.trouble("fetch", error, [handle.tag.job for handle in ended])

    # ---- submitting

    async def _adopt(self) -> list[Handle]:
        """Take over what another process handed over; what it certainly did not get to is handed over now."""
        statuses, now = self.ledger.statuses, time.time()
        doubtful = {}
        for job in self.adopted:
            status = statuses[job.name]
            if status.handle is not None:
                self.lane.active[self.ledger.folder.placed(status.handle)] = job
            else:
                doubtful[job.name] = self._attempt(job.name, status.attempt)
        by_name = {job.name: job for job in self.adopted}
        found = await search(self.lane.backend, list(doubtful.values()), self.ledger.trouble) if doubtful else {}
        for tag, handle in found.items():
            self.lane.active[handle] = by_name[tag.job]
            self.ledger.note([JobSubmitted(at=now, job=tag.job, attempt=tag.attempt, handle=handle.data)])
        absent = [by_name[name] for name, attempt in doubtful.items() if attempt.tag not in found]
        self.lane.add([job for job in absent if statuses[job.name].cancel_requested_by is None])
        self.adopted = []
        for job in absent:
            if (by := statuses[job.name].cancel_requested_by) is not None:
                self.ledger.note([JobSkipped(at=now, job=job.name, reason=f"cancelled by {by}")])
                self.run.settle(job.name)
        self._stop_unwanted(self.lane.active)
        return list(self.lane.active)

    async def _submit(self, batch: Sequence[Job]) -> None:
        launches = {job.name: launch_of(job, self.plan) for job in batch}
        attempts = await self._attempts(batch, launches)
        ended = {job.name for job in batch if self.ledger.statuses[job.name].state.ended}  # given up meanwhile
        jobs = [job for job in batch if job.name in attempts and job.name not in ended]
        if not jobs:
            return
        backend, now = self.lane.backend, time.time()
        intents = [
            JobSubmitting(at=now, job=job.name, attempt=attempts[job.name].tag.attempt, executor=self._placed(job))
            for job in jobs
        ]
        self.ledger.note(intents, durable=not backend.capabilities.here)
        offered = {job.name: launches[job.name] for job in jobs}
        answers = await hand_over(backend, offered, attempts, self.ledger)
        events: list[Event] = []
        refused: list[str] = []
        state = State.RUNNING if backend.capabilities.starts_at_once else State.SUBMITTED
        now = time.time()
        for job in jobs:
            tag = attempts[job.name].tag
            answer = answers[tag]
            if isinstance(answer, Handle):
                events.append(JobSubmitted(at=now, job=job.name, attempt=tag.attempt, handle=answer.data, state=state))
                self.lane.active[answer] = job
                if state is State.RUNNING:
                    self.lane.runs(answer, now)
            else:
                events.append(JobRefused(at=now, job=job.name, attempt=tag.attempt, reason=answer.reason))
                refused.append(job.name)
        self.ledger.note(events)
        for name in refused:
            self.run.settle(name)
        self.ledger.heed()  # whoever wanted one of them stopped may not have found it yet
        self._stop_unwanted([answer for answer in answers.values() if isinstance(answer, Handle)])

    def _placed(self, job: Job) -> int:
        """Which of the executors of the job it is placed on here: a job that falls back loses its first."""
        return len(self.plan.job(job.name).executors) - len(job.executors)

    async def _attempts(self, batch: Sequence[Job], launches: Mapping[str, Launch]) -> dict[str, Attempt]:
        """The next attempt of each job, with its code and secrets; a job that cannot have these fails here."""
        attempts = {}
        for job in batch:
            bundle = None
            if job.executor.packager.ships:
                try:
                    bundle = await self.code.bundle(job.executor.packager)
                except Exception as error:  # noqa: BLE001 - packagers are plugins; their jobs fail, others go on
                    self._refuse(job, f"packaging failed: {told(error)}")
                    continue
            try:
                secrets = await self.ledger.secrets.of(launches[job.name])
            except NrunError as error:
                self._refuse(job, error.message)
                continue
            attempts[job.name] = self._attempt(job.name, self._number(job.name), bundle, secrets)
        return attempts

    def _refuse(self, job: Job, reason: str) -> None:
        """An attempt that was not even offered to the backend."""
        number, now = self._number(job.name), time.time()
        intent = JobSubmitting(at=now, job=job.name, attempt=number, executor=self._placed(job))
        self.ledger.note([intent, JobRefused(at=now, job=job.name, attempt=number, reason=reason)])
        self.run.settle(job.name)

    def _number(self, name: str) -> int:
        """The number of the next attempt; one of which no answer came and which does not exist is made again."""
        status = self.ledger.statuses[name]
        return status.attempt if status.in_doubt else status.attempt + 1

    def _attempt(self, name: str, number: int, bundle: Bundle | None = None, secrets: Values | None = None) -> Attempt:
        folder = self.ledger.folder
        tag = Tag(folder.id, name, number)
        return Attempt(tag=tag, folder=folder.attempt(name, number), bundle=bundle, secrets=secrets or {})

    # ---- stopping

    def _stop_unwanted(self, handles: Collection[Handle]) -> None:
        if unwanted := [h for h in handles if self.ledger.statuses[h.tag.job].cancel_requested_by is not None]:
            self.lane.run_errand(self.stop(unwanted))

    def _listen(self, seen: Mapping[Handle, Observation]) -> None:
        """Stop those that have written nothing for too long; the others are looked at again in time."""
        if silent := [handle for handle, one in seen.items() if self.lane.is_silent(handle, one.last_output_at)]:
            self.lane.run_errand(self._stop_late(silent, silent=True))

    async def _stop_late(self, late: Sequence[Handle], *, silent: bool = False) -> None:
        events = []
        for handle in late:
            executor, tag = self.lane.active[handle].executor, handle.tag
            limit = f"no output for {executor.silence_timeout_s:g} s" if silent else ""
            reason = limit or f"time limit of {executor.timeout_s:g} s reached"
            status = self.ledger.statuses[tag.job]
            if status.limit is None and status.cancel_requested_by is None:
                events.append(LimitReached(at=time.time(), job=tag.job, attempt=tag.attempt, reason=reason))
        self.ledger.note(events)
        await self.stop(late)

    async def stop(self, handles: Sequence[Handle]) -> None:
        """Stop attempts, and try again later if that fails."""
        grace_s = max((self.lane.active[handle].executor.grace_s for handle in handles), default=0.0)
        try:
            await self.lane.backend.cancel(handles, grace_s=grace_s)
        except Exception as error:  # noqa: BLE001 - as for observing
            self.ledger.trouble("cancel", error, [handle.tag.job for handle in handles])
            again = time.monotonic() + STOP_AGAIN_S
            self.lane.deadlines.update((handle, again) for handle in handles if handle in self.lane.active)
            self.lane.wake()  # it may be waiting without a deadline

    async def _stop_what_runs_here(self, names: Sequence[str]) -> None:
        """An interrupt ends what runs on this machine; jobs elsewhere are left alone and stay in the record."""
        statuses, lane = self.ledger.statuses, self.lane
        if not lane.backend.capabilities.here or not names:
            return
        self.ledger.note([CancelRequested(at=time.time(), job=name, by="interrupt") for name in names])
        doubtful = [self._attempt(name, statuses[name].attempt) for name in names if statuses[name].in_doubt]
        try:
            for handle in (await lane.backend.find(doubtful)).values() if doubtful else ():
                lane.active[handle] = self.plan.job(handle.tag.job)
            grace_s = max((job.executor.grace_s for job in lane.active.values()), default=0.0)
            await lane.backend.cancel(list(lane.active), grace_s=min(grace_s, INTERRUPT_GRACE_S))
            for handle in self._observed(await lane.backend.observe(list(lane.active))):
                self.run.settle(lane.ended(handle).name)
        except Exception as error:  # noqa: BLE001 - the record must be finished whatever happened
            self.ledger.trouble("cancel", error, [job.name for job in lane.active.values()])
        never = [name for name in names if not statuses[name].state.ended and statuses[name].handle is None]
        self.ledger.note([JobSkipped(at=time.time(), job=name, reason="cancelled by interrupt") for name in never])
