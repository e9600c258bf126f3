"""One lane per place: the jobs that wait for it, the jobs that are with its backend, and its limits."""

from __future__ import annotations

import asyncio
import collections
import time
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine, Sequence
    from typing import Any

    from nrun.model import Handle
    from nrun.planning import Job
    from nrun.protocols import Backend


def concurrency_limit(backend: Backend, jobs: Sequence[Job]) -> float:
    """How many jobs may be with a backend at once: the least that an executor asks for, or the backend's advice."""
    asked = [job.executor.max_parallel for job in jobs if job.executor.max_parallel is not None]
    advised = backend.capabilities.concurrency
    return min(asked) if asked else advised if advised is not None else float("inf")


@attrs.define(eq=False)
class Lane:
    """The jobs of a run that go to one place."""

    backend: Backend
    limit: float
    waiting: collections.deque[Job] = attrs.field(factory=collections.deque)
    active: dict[Handle, Job] = attrs.field(factory=dict)
    deadlines: dict[Handle, float] = attrs.field(factory=dict)
    """When attempts with a time limit run into it, in seconds of the monotonic clock."""
    errands: set[asyncio.Task[None]] = attrs.field(factory=set)
    """What is done for its jobs while the lane goes on."""
    _woken: asyncio.Event = attrs.field(factory=asyncio.Event)
    _change: asyncio.Task[Collection[Handle]] | None = None
    _wake: asyncio.Task[bool] | None = None

    def add(self, jobs: Sequence[Job]) -> None:
        """Put jobs that may run in the queue, and wake the lane."""
        self.waiting.extend(jobs)
        self._woken.set()

    def wake(self) -> None:
        """Make the lane look around."""
        self._woken.set()

    def take(self) -> list[Job]:
        """The next jobs to submit: as many as there are free slots and as the backend takes at once."""
        count = min(self.limit - len(self.active), self.backend.capabilities.batch, len(self.waiting))
        return [self.waiting.popleft() for _ in range(int(max(count, 0)))]

    def runs(self, handle: Handle, started_at: float) -> None:
        """Note that an attempt runs since `started_at` (seconds since the epoch): its time limit counts from then."""
        limit_s = self.active[handle].executor.timeout_s
        if limit_s is not None:
            self.deadlines[handle] = time.monotonic() + limit_s - max(0.0, time.time() - started_at)

    def ended(self, handle: Handle) -> Job:
        """Note that an attempt has ended."""
        self.deadlines.pop(handle, None)
        return self.active.pop(handle)

    def overdue(self) -> list[Handle]:
        """Attempts past their time limit, each told once."""
        if not self.deadlines:
            return []
        now = time.monotonic()
        late = [handle for handle, deadline in self.deadlines.items() if deadline <= now]
        for handle in late:
            del self.deadlines[handle]
        return late

    async def next_change(self) -> Collection[Handle]:
        """Wait for the backend, for new jobs, or for a time limit; gives the handles worth observing."""
        if self._wake is None:
            self._wake = asyncio.create_task(self._woken.wait())
        waited_for: set[asyncio.Task[Collection[Handle]] | asyncio.Task[bool]] = {self._wake}
        if self.active:
            if self._change is None:
                self._change = asyncio.create_task(self._changes())
            waited_for.add(self._change)
        timeout = max(0.0, min(self.deadlines.values()) - time.monotonic()) if self.deadlines else None
        await asyncio.wait(waited_for, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if self._wake.done():
            self._woken.clear()
            self._wake = None
        if self._change is not None and self._change.done():
            change, self._change = self._change, None
            return change.result()
        return ()

    async def _changes(self) -> Collection[Handle]:
        return await self.backend.changes()

    def run_errand(self, work: Coroutine[Any, Any, None]) -> None:
        """Have `work` done while the lane goes on, at most until the lane is closed."""
        task = asyncio.create_task(work)
        self.errands.add(task)
        task.add_done_callback(self.errands.discard)

    async def close(self) -> None:
        """Stop waiting, and what is still being done."""
        for task in (self._wake, self._change, *self.errands):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._wake = self._change = None
