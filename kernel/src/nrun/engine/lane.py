"""One lane per place: the jobs that wait for it, the jobs that are with its backend, and its limits."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine, Sequence
    from typing import Any

    from nrun.model import Handle
    from nrun.planning import Job
    from nrun.protocols import Backend, Executor


def concurrency_limit(backend: Backend, executors: Sequence[Executor]) -> float:
    """How many jobs may be with a backend at once: the least that an executor asks for, or the backend's advice."""
    asked = [executor.max_parallel for executor in executors if executor.max_parallel is not None]
    advised = backend.capabilities.concurrency
    return min(asked) if asked else advised if advised is not None else float("inf")


class Lane:
    """The jobs of a run that go to one place. The first executor of each is the one that places it here."""

    def __init__(self, backend: Backend, limit: float) -> None:
        self.backend = backend
        self.limit = limit
        self.waiting: collections.deque[Job] = collections.deque()
        self.active: dict[Handle, Job] = {}
        self.deadlines: dict[Handle, float] = {}
        """When attempts with a time limit run into it, in seconds of the monotonic clock."""
        self.begun: dict[Handle, float] = {}
        """When attempts whose limits count began, on the same clock."""
        self.silences: dict[Handle, float] = {}
        """When attempts that must write something are to be looked at again, on the same clock."""
        self.heard: dict[Handle, tuple[float | None, float, float]] = {}
        """When those last wrote something by the clock of the day; when that was, and was seen, on the other one."""
        self.errands: set[asyncio.Task[None]] = set()
        """What is done for its jobs while the lane goes on."""
        self._woken = asyncio.Event()
        self._change: asyncio.Task[Collection[Handle]] | None = None

    def add(self, jobs: Sequence[Job]) -> None:
        """Put jobs that may run in the queue, and wake the lane."""
        self.waiting.extend(jobs)
        self._woken.set()

    def drop(self, name: str) -> None:
        """Take a job out of the queue, if it is there."""
        self.waiting = collections.deque(job for job in self.waiting if job.name != name)

    def wake(self) -> None:
        """Make the lane look around."""
        self._woken.set()

    def take(self) -> list[Job]:
        """The next jobs to submit: as many as there are free slots and as the backend takes at once.

        Whoever takes them looks around, so that what woke the lane until now need not wake it again.
        """
        self._woken.clear()
        known = self.backend.capabilities
        free = float("inf") if known.throttles and self._are_alike() else self.limit - len(self.active)
        count = min(free, known.batch, len(self.waiting))
        return [self.waiting.popleft() for _ in range(int(max(count, 0)))]

    def _are_alike(self) -> bool:
        """Whether the waiting jobs are alike in all that limits them, and there are no others."""
        kinds = [job.executor for job in self.waiting]
        return not self.active and all(one in kinds[:1] and one.max_parallel == self.limit for one in kinds)

    def runs(self, handle: Handle, started_at: float) -> None:
        """Note that an attempt runs since `started_at` (seconds since the epoch): its limits count from then."""
        executor = self.active[handle].executor
        self.begun[handle] = began = time.monotonic() - max(0.0, time.time() - started_at)
        if executor.timeout_s is not None:
            self.deadlines[handle] = began + executor.timeout_s
        if executor.silence_timeout_s is not None:
            self.silences[handle] = began + executor.silence_timeout_s

    def is_silent(self, handle: Handle, wrote_at: float | None) -> bool:
        """Whether an attempt has been silent for too long; if not, it is looked at again in time.

        `wrote_at` is when it last wrote something, in seconds since the epoch. That clock may be set at any time, so
        it is believed only if it agrees with what was seen before; an attempt that did write is silent from then, or
        from now.
        """
        silence_s, now = self.active[handle].executor.silence_timeout_s, time.monotonic()
        known, since, looked = self.heard.get(handle, (None, self.begun[handle], self.begun[handle]))
        if wrote_at != known:
            ago = time.time() - wrote_at if wrote_at is not None else -1.0
            since = now - ago if 0.0 <= ago <= now - looked else now
        self.heard[handle] = wrote_at, since, now
        due = since + (silence_s or 0.0)
        if due > now:
            self.silences[handle] = due
        return due <= now

    def ended(self, handle: Handle) -> Job:
        """Note that an attempt has ended."""
        self.deadlines.pop(handle, None)
        self.silences.pop(handle, None)
        self.begun.pop(handle, None)
        self.heard.pop(handle, None)
        return self.active.pop(handle)

    def overdue(self) -> list[Handle]:
        """Attempts past their time limit, each told once."""
        return _past(self.deadlines)

    def silent(self) -> list[Handle]:
        """Attempts to look at because they may have been silent for too long, each told once."""
        return _past(self.silences)

    async def next_change(self) -> Collection[Handle]:
        """Wait for the backend, for new jobs, or for a limit; gives the handles worth observing."""
        if self.active and self._change is None:
            self._change = asyncio.ensure_future(self.backend.changes())
            self._change.add_done_callback(lambda _: self._woken.set())
        if self._change is None or not self._change.done():
            due = min((*self.deadlines.values(), *self.silences.values()), default=None)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due - time.monotonic()) if due is not None else None):
                    await self._woken.wait()
            self._woken.clear()
        if self._change is not None and self._change.done():
            change, self._change = self._change, None
            return change.result()
        return ()

    def run_errand(self, work: Coroutine[Any, Any, None]) -> None:
        """Have `work` done while the lane goes on, at most until the lane is closed."""
        task = asyncio.create_task(work)
        self.errands.add(task)
        task.add_done_callback(self.errands.discard)

    async def close(self) -> None:
        """Stop waiting, and what is still being done."""
        for task in (self._change, *self.errands):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._change = None


def _past(due: dict[Handle, float]) -> list[Handle]:
    """The handles whose moment has come, taken out."""
    now = time.monotonic()
    late = [handle for handle, deadline in due.items() if deadline <= now]
    for handle in late:
        del due[handle]
    return late
