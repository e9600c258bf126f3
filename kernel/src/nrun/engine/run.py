"""One process in charge of one experiment: what may run, runs; what failed is tried again; what cannot run is skipped.

Each place has a carrier that works on its own; what they share is the schedule and the ledger. A run can be taken up
by another process where it was left: all it knows is in the record.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from nrun.engine.carrier import Carrier
from nrun.engine.code import Code
from nrun.engine.lane import Lane, concurrency_limit
from nrun.engine.ledger import Ledger
from nrun.engine.schedule import Schedule
from nrun.engine.secrets import Secrets
from nrun.events import CancelRequested, ExperimentEnded, ExperimentStarted, JobRetrying, JobSkipped, JobSubmitting
from nrun.model import Cause, State
from nrun.record import JobStatus, overall
from nrun.record.table import ending

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Mapping
    from typing import Any

    from nrun.engine.schedule import Consequences
    from nrun.model import Bundle, Place
    from nrun.planning import Dependency, Job, Plan
    from nrun.plugins import Hooks
    from nrun.protocols import Backend
    from nrun.record import ExperimentFolder, Journal

WISHES_PAUSE_S = 0.5
"""How often is looked whether another process asked for something, beside whenever something happens."""
_ELSEWHERE = frozenset({Cause.SUBMIT_ERROR, Cause.INFRASTRUCTURE, Cause.NODE_FAILURE, Cause.PREEMPTED})
"""Failures for which the next executor of a job may do better."""


class Run:
    """From wherever the record says the experiment is, until every job has ended."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it works with, and where it starts
        self,
        plan: Plan,
        folder: ExperimentFolder,
        journal: Journal,
        hooks: Hooks,
        backends: Mapping[Place, Backend],
        statuses: dict[str, JobStatus] | None = None,
        packed: Mapping[int, Bundle] | None = None,
    ) -> None:
        """`statuses` and `packed` (code by the number of an executor) are what the record knows of an earlier run."""
        self.plan = plan
        self.statuses = statuses if statuses is not None else {job.name: JobStatus(name=job.name) for job in plan.jobs}
        self._ledger = Ledger(folder, journal, self.statuses, Secrets(hooks))
        self._hooks = hooks
        self._schedule = Schedule(plan.jobs)
        self._taken_up = statuses is not None
        executors = plan.executors()
        self._code = Code(hooks, Path(plan.surroundings.cwd), executors, self._ledger, packed or {})
        limits = {
            place: concurrency_limit(backend, [executor for executor in executors if executor.place() == place])
            for place, backend in backends.items()
        }
        self._carriers = {
            place: Carrier(Lane(backend, limits[place]), plan, self._ledger, self._code, self)
            for place, backend in backends.items()
        }
        self._errands: dict[asyncio.Task[None], str] = {}
        self._group: asyncio.TaskGroup
        self._task: asyncio.Task[None] | None = None
        self._stops = False
        self._broken = False
        self._ending = ""

    async def execute(
        self, *, stop_when_interrupted: bool = False, started: Callable[[Run], None] = lambda _: None
    ) -> None:
        """Run every job to its end. Jobs that run when this is cancelled go on, unless they are to be stopped.

        `started` is given the run when the record says that it has begun.
        """
        telling = asyncio.create_task(self._ledger.tell(self._hooks.observers()))
        self._task, self._stops = asyncio.current_task(), stop_when_interrupted
        try:
            async with self._hooks.around(self.plan):
                begun = ExperimentStarted(
                    at=time.time(),
                    title=self.plan.title,
                    jobs=len(self.plan.jobs),
                    pid=os.getpid(),
                    host=socket.gethostname(),
                )
                self._ledger.note([begun], durable=True)
                started(self)
                self._code.pack_all()
                try:
                    async with asyncio.TaskGroup() as self._group:
                        await self._serve_all(self._group)
                except BaseExceptionGroup as errors:
                    raise errors.exceptions[0] from None
                finally:
                    state = overall(status.state for status in self.statuses.values())
                    self._ledger.note([ExperimentEnded(at=time.time(), state=state)])
        except Exception as error:
            if (safe := self._ledger.secrets.safe(error)) is not error:
                raise safe from None
            raise
        finally:
            self._ledger.close()
            await telling

    async def _serve_all(self, group: asyncio.TaskGroup) -> None:
        await self._keep_what_was_left()
        self._take_up()
        serving = [group.create_task(self._unless_broken(self._serve(carrier))) for carrier in self._carriers.values()]
        self._errand(self._mind_wishes())
        for experiment, name in self._schedule.elsewhere():
            self._errand(self._await_elsewhere(str(experiment), name))
        for one in serving:
            await one
        for errand in self._errands:
            errand.cancel()

    def goes_on(self) -> bool:
        """Whether there are jobs that have not ended."""
        return self._schedule.unended > 0

    async def _unless_broken(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work`; should it fail, the whole run ends, which is no reason to stop any job."""
        try:
            await work
        except Exception:
            self._broken = True
            raise

    async def handed_over(self) -> None:
        """Wait until everything that can be submitted without waiting for other jobs has been."""
        for carrier in self._carriers.values():
            await carrier.handed_over.wait()

    async def _serve(self, carrier: Carrier) -> None:
        try:
            await carrier.serve()
        finally:
            self._wake_all()  # they may be waiting for what happened here

    def _wake_all(self) -> None:
        for carrier in self._carriers.values():
            carrier.lane.wake()

    async def _keep_what_was_left(self) -> None:
        """Keep the outputs of jobs that ended while nobody was in charge."""
        for job in self.plan.jobs:
            status = self.statuses[job.name]
            if job.outputs and status.state.ended and status.attempt:
                from nrun.engine.outputs import keep_outputs

                await keep_outputs(_from(job, status.executor), self._carrier_of(job, status.executor), opened=False)

    # ---- what follows from what

    def _take_up(self) -> None:
        """Start from what the record says."""
        if self._taken_up:
            self._doubt_what_left_traces()
        for job in self.plan.jobs:
            status = self.statuses[job.name]
            if status.state.ended:
                self._schedule.begin(job.name)
            elif status.handle is not None or status.in_doubt:
                self._schedule.begin(job.name)
                self._carrier_of(job, status.executor).adopted.append(_from(job, status.executor))
        ready = self._schedule.ready()
        for name, status in self.statuses.items():
            if status.state.ended:
                self.settle(name)
            elif status.cancel_requested_by is not None and status.handle is None and not status.in_doubt:
                self._give_up(name)
        self._release(ready)

    def _doubt_what_left_traces(self) -> None:
        """An attempt that has a folder may have been submitted, even if the line that says so was lost."""
        now, folder = time.time(), self._ledger.folder
        waiting = [one for one in self.statuses.values() if one.state is State.PENDING and not one.in_doubt]
        traces = [
            JobSubmitting(at=now, job=one.name, attempt=one.attempt + 1, executor=one.executor)
            for one in waiting
            if folder.attempt(one.name, one.attempt + 1).exists()
        ]
        self._ledger.note(traces)

    def settle(self, name: str) -> None:
        """Draw the consequences of the end of an attempt: another try, another place, or what depends on it."""
        status, job = self.statuses[name], self.plan.job(name)
        if status.state is State.FAILED and status.cause is not None:
            retries = job.executors[status.executor].budgets()
            why = ending(status) or status.cause.value
            if retries.allow(status.failures, status.cause):
                self._try_again(name, status.executor, retries.wait_s(status.failures), why)
                return
            if status.cause in _ELSEWHERE and status.executor + 1 < len(job.executors):
                self._try_again(name, status.executor + 1, 0.0, why)
                return
        if status.state is State.FAILED and self.plan.fail_fast and not self._ending:
            self._ending = f"fail-fast: {name!r} failed"
        self._draw(self._schedule.ended(name, status.state))
        if self._ending:
            self._end_early()

    def _draw(self, found: Consequences) -> None:
        now = time.time()
        lost = [(name, reason) for name, reason in found.lost if not self.statuses[name].state.ended]
        self._ledger.note([JobSkipped(at=now, job=name, reason=reason) for name, reason in lost])
        self._release(found.ready)
        for name, dependency in found.to_judge:
            self._errand(self._judge(name, dependency))
        if not self._schedule.unended:
            self._wake_all()

    def _release(self, names: Collection[str]) -> None:
        """Queue jobs that may run now, each in the lane of its place."""
        by_carrier: dict[Carrier, list[Job]] = {}
        for name in names:
            status = self.statuses[name]
            if status.state is not State.PENDING or status.in_doubt:
                continue
            job = self.plan.job(name)
            if status.cancel_requested_by is not None:
                self._give_up(name)
            elif (wait_s := self._pause_s(job, status)) > 0:
                self._errand(self._release_later(name, wait_s), name)
            else:
                by_carrier.setdefault(self._carrier_of(job, status.executor), []).append(_from(job, status.executor))
        for carrier, jobs in by_carrier.items():
            carrier.lane.add(jobs)

    def _pause_s(self, job: Job, status: JobStatus) -> float:
        """How long a job must still wait for its next attempt; never longer than was said, whatever the clock does."""
        if status.not_before is None:
            return 0.0
        longest_s = job.executors[status.executor].budgets().longest_pause_s
        return min(status.not_before - time.time(), longest_s)

    async def _release_later(self, name: str, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        self.statuses[name].not_before = None
        self._release([name])

    def _carrier_of(self, job: Job, number: int) -> Carrier:
        return self._carriers[job.executors[number].place()]

    def _try_again(self, name: str, executor: int, wait_s: float, why: str) -> None:
        now = time.time()
        reason = f"attempt {self.statuses[name].attempt} failed: {why}"
        self._ledger.note([JobRetrying(at=now, job=name, executor=executor, not_before=now + wait_s, reason=reason)])
        self._release([name])

    def _end_early(self) -> None:
        """Skip what waits, and stop what is with a backend, because one job failed."""
        waiting = [
            (name, self._ending)
            for name, status in self.statuses.items()
            if not status.state.ended and status.handle is None and not status.in_doubt
        ]
        for name, _ in waiting:
            self._forget(name)
        lost = self._schedule.lose(waiting).lost
        self._ledger.note([JobSkipped(at=time.time(), job=name, reason=reason) for name, reason in lost])
        unwanted = [
            name
            for name, status in self.statuses.items()
            if not status.state.ended and status.cancel_requested_by is None
        ]
        self._ledger.note([CancelRequested(at=time.time(), job=name, by=self._ending) for name in unwanted])
        for carrier in self._carriers.values():
            if active := [h for h in carrier.lane.active if h.tag.job in unwanted]:
                carrier.lane.run_errand(carrier.stop(active))
        self._wake_all()

    def _forget(self, name: str) -> None:
        """Take a job out of the queues and pauses it may be in."""
        for carrier in self._carriers.values():
            carrier.lane.drop(name)
        for task in [task for task, about in self._errands.items() if about == name]:
            task.cancel()

    def _give_up(self, name: str) -> None:
        """A job that was to be cancelled before it was submitted."""
        self._forget(name)
        self._draw(self._schedule.lose([(name, f"cancelled by {self.statuses[name].cancel_requested_by}")]))

    # ---- what is waited for beside the backends

    def _errand(self, work: Coroutine[Any, Any, None], about: str = "") -> None:
        """Have something done while the run goes on; it may be about one job."""
        if self._task is not None and self._task.cancelling():
            work.close()
            return
        task = self._group.create_task(self._unless_broken(work))
        self._errands[task] = about
        task.add_done_callback(lambda done: self._errands.pop(done, None))

    async def _mind_wishes(self) -> None:
        while True:
            await asyncio.sleep(WISHES_PAUSE_S)
            self.heed()

    def heed(self) -> None:
        """Give up jobs that another process wants cancelled and that nobody else can stop: they wait here."""
        for name in self._ledger.take_wishes():
            status = self.statuses.get(name)
            if status is not None and status.handle is None and not (status.in_doubt or status.state.ended):
                self._give_up(name)

    async def _await_elsewhere(self, experiment: str, name: str) -> None:
        from nrun.engine.elsewhere import end_of

        state = await end_of(self._ledger.folder.home, experiment, name, self._hooks, self._ledger.trouble)
        self._draw(self._schedule.ended(name, state, experiment))

    async def _judge(self, name: str, dependency: Dependency) -> None:
        from nrun.engine.judge import objection

        found = await objection(dependency, self._ledger.folder, self.plan.surroundings, self.statuses)
        self._draw(self._schedule.judged(name, found))

    def to_stop(self, carrier: Carrier) -> list[str]:
        """The jobs of a lane that an interrupt stops; none unless the run itself was cancelled and is to stop them."""
        if not self._stops or self._broken or self._task is None or not self._task.cancelling():
            return []
        placed = ((job, self.statuses[job.name]) for job in self.plan.jobs)
        return [j.name for j, s in placed if not s.state.ended and self._carrier_of(j, s.executor) is carrier]


def _from(job: Job, number: int) -> Job:
    """The job on its executor of that number; those before it are used up."""
    return job if number == 0 else attrs.evolve(job, executors=job.executors[number:])
