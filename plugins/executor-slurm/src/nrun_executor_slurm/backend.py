"""Runs jobs on a Slurm cluster: few remote commands for many jobs, and the truth in layers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import attrs

from nrun import BackendError, NrunError, State, Tunnel
from nrun.model import Capabilities, Handle, LogChunk, Observation, Refused
from nrun_executor_slurm import answers, arrays, handing, truth
from nrun_executor_slurm.cluster import MOST_ELEMENTS, QUEUE_S, TIMEOUT_S, Cluster
from nrun_executor_slurm.names import folder_of
from nrun_executor_slurm.outputs import fetch_outputs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from nrun.model import Attempt, Bundle, Launch, Place, Submission, Tag
    from nrun_executor_slurm.answers import Listed, Marked, Seen

SLOWEST_S = 10.0
"""How long the queue may go unasked while nothing changes."""
MARKERS_S = 1.0
"""How often the markers of jobs are looked at."""
GONE_S = 30.0
"""How long a job must be known to nobody, and have left no marker, before it counts as lost."""
AT_ONCE = 8
_CAPABILITIES = Capabilities(batch=MOST_ELEMENTS, throttles=True)


class SlurmBackend:
    """The jobs of a cluster. See `nrun.protocols.Backend` for what its methods promise."""

    def __init__(self, place: Place) -> None:
        from nrun.config.codec import loads

        self.place = place
        tunnel = loads(dict(place.options)["tunnel"])
        if not isinstance(tunnel, Tunnel):
            msg = f"the place of these jobs is damaged: {tunnel!r:.80} is no tunnel"
            raise BackendError(msg)
        self.tunnel = tunnel
        self._stack = contextlib.AsyncExitStack()
        self._cluster: Cluster | None = None
        self._watched: dict[Tag, tuple[Handle, Observation | None]] = {}
        self._ends: dict[Tag, Observation] = {}
        self._details: dict[str, tuple[float, Listed | None, bool]] = {}
        self._missing: dict[Tag, float] = {}
        self._news = asyncio.Event()
        self._quiet_s = QUEUE_S

    @property
    def capabilities(self) -> Capabilities:
        """Jobs queue, elsewhere."""
        return _CAPABILITIES

    def plan(self, launches: Sequence[Launch]) -> Sequence[Submission]:
        """One batch script for each job, or for those that are alike."""
        return arrays.submissions(launches)

    async def __aenter__(self) -> Self:
        self._cluster = Cluster(self.tunnel, await self._stack.enter_async_context(self.tunnel.connect()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cluster = None
        self._watched.clear()
        await self._stack.aclose()

    @property
    def cluster(self) -> Cluster:
        """What reaches the cluster. Raises BackendError before it is opened."""
        if self._cluster is None:
            msg = "the backend is not open"
            raise BackendError(msg)
        return self._cluster

    async def stage(self, bundles: Collection[Bundle], progress: Callable[[int, int], None]) -> None:
        """Have the code in the store of the cluster, sending what it lacks."""
        await self.cluster.stage(bundles, progress)

    # ---- submitting

    async def submit(
        self, submissions: Sequence[Submission], attempts: Mapping[str, Attempt]
    ) -> Mapping[Tag, Handle | Refused]:
        """All files in one transfer for each experiment, then all jobs in one command."""
        given = await handing.submit(self.cluster, submissions, attempts)
        for handle in given.values():
            if isinstance(handle, Handle):
                self._watch(handle)
        refused = [one for one in attempts.values() if one.secrets and isinstance(given.get(one.tag), Refused)]
        await self.cluster.clear(refused)
        return given

    async def find(self, attempts: Collection[Attempt]) -> Mapping[Tag, Handle]:
        """By what lies in their folders; where that leaves a doubt, by the comments of the jobs in the queue."""
        found = await handing.find(self.cluster, attempts)
        for handle in found.values():
            self._watch(handle)
        return found

    # ---- watching

    def _watch(self, handle: Handle, seen: Observation | None = None) -> None:
        if handle.tag not in self._watched:
            self._quiet_s = QUEUE_S
            self._news.set()
        self._watched[handle.tag] = (handle, seen)

    async def changes(self) -> Collection[Handle]:
        """Looks at the markers every second, and at the queue every few; says what is other than before."""
        while True:
            if not self._watched:
                self._news.clear()
                await self._news.wait()
            await asyncio.sleep(MARKERS_S)
            watched = dict(self._watched)
            seen = await self._seen([handle for handle, _ in watched.values()], self._quiet_s)
            changed = []
            for handle, now in seen.items():
                before = watched[handle.tag][1]
                if before is None or (before.state, before.reason) != (now.state, now.reason):
                    changed.append(handle)
            if changed:
                self._quiet_s = QUEUE_S
                for handle in changed:
                    self._note(handle, seen[handle])
                return changed
            self._quiet_s = min(SLOWEST_S, self._quiet_s * 1.2)

    async def observe(self, handles: Collection[Handle]) -> Mapping[Handle, Observation]:
        """One command for all; who has not ended is watched from now on."""
        seen = await self._seen(handles, QUEUE_S)
        for handle, one in seen.items():
            if one.source != "handle":
                self._note(handle, one)
        return seen

    def _note(self, handle: Handle, seen: Observation) -> None:
        if seen.state.ended:
            self._watched.pop(handle.tag, None)
            self._ends[handle.tag] = seen
        else:
            self._watch(handle, seen)

    async def _seen(self, handles: Collection[Handle], fresh_s: float) -> dict[Handle, Observation]:
        known: dict[Handle, Observation] = {}
        asked: list[Handle] = []
        for handle in handles:
            if handle.tag in self._ends:
                known[handle] = self._ends[handle.tag]
            elif _job(handle) is None:
                known[handle] = _damaged(handle)
            else:
                asked.append(handle)
        if not asked:
            return known
        seen = await self.cluster.look([folder_of(handle.tag) for handle in asked], fresh_s)
        lacking = [_current(handle, seen) for handle in asked if self._wants_details(handle, seen)]
        details = await self._ask(lacking)
        judged = {handle: self._judge(handle, seen, details) for handle in asked}
        if any(one.state is State.FAILED for one in judged.values()):
            from nrun_executor_slurm.ends import explained

            judged = await explained(self.cluster, judged)
        return known | judged

    def _wants_details(self, handle: Handle, seen: Seen) -> bool:
        """Whether the queue leaves open how it ended: it does not list it, or not who cancelled it."""
        listed = (seen.queue or {}).get(_current(handle, seen))
        marked = seen.folders.get(folder_of(handle.tag))
        if seen.queue is None or seen.down:
            return False
        if listed is None:
            return (marked is None or marked.exit_code is None) and not _is_news(handle, seen)
        return listed.state == "CANCELLED"

    async def _ask(self, jobs: Sequence[str]) -> dict[str, tuple[Listed | None, bool]]:
        """What accounting and the controller say of jobs, and whether the controller has none of them."""
        now = time.monotonic()
        due = [job for job in jobs if job not in self._details or now - self._details[job][0] > QUEUE_S]
        if due:
            known, none = await self.cluster.ask(due)
            self._details |= {job: (now, known.get(job), job in none) for job in due}
        return {job: self._details[job][1:] for job in jobs}

    def _judge(self, handle: Handle, seen: Seen, details: Mapping[str, tuple[Listed | None, bool]]) -> Observation:
        job, folder = _current(handle, seen), folder_of(handle.tag)
        marked = seen.folders.get(folder)
        at = seen.queue_at if seen.queue is not None else seen.now or time.time()
        listed = (seen.queue or {}).get(job)
        more, none = details.get(job, (None, False))
        if seen.queue is None or seen.down:
            since = time.strftime("%H:%M:%S", time.localtime(seen.queue_at)) if seen.queue_at else "the start"
            down = f"Slurm does not answer since {since}: {seen.down or 'another asks it at this moment'}"
            return truth.observed(marked, None, at=at, source="squeue", down=down)
        if more is not None and (listed is None or listed.state == "CANCELLED"):
            return truth.observed(marked, more, at=seen.now or at, source="sacct")
        if listed is not None:
            return truth.observed(marked, listed, at=at, source="squeue")
        if _is_news(handle, seen):
            return truth.begun(marked, at)
        if answers.array_of(job) in seen.arrays and (left := truth.left_out(marked, at)) is not None:
            return left
        return self._absent(handle, marked, seen.now or at, gone=none)

    def _absent(self, handle: Handle, marked: Marked | None, at: float, *, gone: bool) -> Observation:
        """Nobody lists the job. That it is lost is believed when the controller has said so for a while."""
        absent = "Slurm does not know it any more, and it has left no exit marker yet"
        seen = truth.observed(marked, None, at=at, source="scontrol", absent=absent)
        if seen.state is not State.UNKNOWN or not gone:
            self._missing.pop(handle.tag, None)
            return seen
        since = self._missing.setdefault(handle.tag, time.monotonic())
        if time.monotonic() - since < GONE_S:
            return seen
        from nrun import Cause

        why = "Slurm knows nothing of it any more, and it left no word how it ended"
        return attrs.evolve(seen, state=State.FAILED, cause=Cause.INFRASTRUCTURE, reason=why)

    # ---- logs, results, stopping

    async def logs(self, handle: Handle, *, stream: str, offset: int, follow: bool) -> AsyncGenerator[LogChunk, None]:
        """The file that the job writes, from a byte on."""
        kind, _, task = stream.partition(".")
        if kind not in {"out", "err"} or (task and not task.isdigit()):
            msg = f"there is no log {stream!r}; logs are 'out' and 'err', in groups also 'out.0', 'err.0' …"
            raise NrunError(msg)
        folder = self.cluster.path(folder_of(handle.tag))
        names = (
            [f"task-{task}/{kind}.log"] if task else [f"{kind}.log", *await self.cluster.logs_of_tasks(folder, kind)]
        )
        for name in names:  # of a group: what its tasks wrote, one after another
            reading = self._file(handle, f"{folder}/{name}", max(offset, 0), follow=follow and name == names[-1])
            async with contextlib.aclosing(reading) as pieces:
                async for at, piece in pieces:
                    yield LogChunk(stream, at, piece)
            offset = 0

    async def _file(
        self, handle: Handle, path: str, offset: int, *, follow: bool
    ) -> AsyncGenerator[tuple[int, bytes], None]:
        """What is in a file from a byte on, with where it stands."""
        if follow:
            async with contextlib.aclosing(self._until_its_end(handle, path, offset)) as pieces:
                async for piece in pieces:
                    yield offset, piece
                    offset += len(piece)
        reading = self.cluster.host.follow(path, offset=offset, wait=False, timeout_s=TIMEOUT_S)
        async with contextlib.aclosing(reading) as pieces:
            async for piece in pieces:
                yield offset, piece
                offset += len(piece)

    async def _until_its_end(self, handle: Handle, path: str, offset: int) -> AsyncGenerator[bytes, None]:
        """What is added to a file while the job has not ended."""
        end = asyncio.create_task(self._end(handle))
        reading = self.cluster.host.follow(path, offset=offset, wait=True, timeout_s=TIMEOUT_S)
        piece: asyncio.Task[bytes] | None = None
        try:
            while True:
                piece = asyncio.ensure_future(anext(reading))
                await asyncio.wait({piece, end}, return_when=asyncio.FIRST_COMPLETED)
                if not piece.done():
                    end.result()
                    return
                yield piece.result()
        finally:
            for task in (piece, end):
                if task is not None:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
            await reading.aclose()

    async def _end(self, handle: Handle) -> None:
        while not (await self._seen([handle], QUEUE_S))[handle].state.ended:  # noqa: ASYNC110 - it sends no events
            await asyncio.sleep(MARKERS_S)

    async def fetch(self, folders: Mapping[Handle, Path]) -> None:
        """All that the folders of the attempts have, but for code and secrets; the latter are removed there."""
        room = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for handle, dest in folders.items():
                group.create_task(self._fetch(handle, dest, room))

    async def _fetch(self, handle: Handle, dest: Path, room: asyncio.Semaphore) -> None:
        async with room:
            await self.cluster.fetch(folder_of(handle.tag), dest)

    fetch_outputs = fetch_outputs

    async def cancel(self, handles: Collection[Handle], *, grace_s: float) -> Mapping[Handle, str]:
        """`scancel`; after the grace KILL; then a look at what Slurm still has of them."""
        from nrun_executor_slurm.stopping import cancel

        return await cancel(self, handles, grace_s)

    async def preempt(self, handles: Collection[Handle]) -> Mapping[Handle, str]:
        """Have jobs that run end and be queued again, as preemption does. Gives why not, where that cannot be done."""
        from nrun_executor_slurm.stopping import preempt

        return await preempt(self, handles)

    async def avoided_nodes(self, forget: Collection[str] | None) -> Sequence[tuple[float, str, str]]:
        """The nodes that jobs keep away from: until when, which, why. Those in `forget` no more; if empty, none."""
        from nrun_executor_slurm.ends import noted

        words = ("list",) if forget is None else ("forget", *forget)
        return noted(await self.cluster.program("nodes.sh", *words, lines=()))

    async def alive(self, handles: Collection[Handle], fresh_s: float) -> dict[Handle, tuple[str, str]]:
        """Those that are not over: their jobs, and what Slurm says of them. Raises BackendError without an answer."""
        asked = [handle for handle in handles if _job(handle) and handle.tag not in self._ends]
        if not asked:
            return {}
        seen = await self.cluster.look([folder_of(handle.tag) for handle in asked], fresh_s)
        if seen.queue is None or seen.down:
            msg = f"Slurm does not answer: {seen.down or 'the queue was never seen'}"
            raise BackendError(msg)
        jobs = {handle: _current(handle, seen) for handle in asked}
        found = {handle: (job, seen.queue[job].state) for handle, job in jobs.items() if job in seen.queue}
        return {handle: one for handle, one in found.items() if one[1] not in truth.ENDED}


def _job(handle: Handle) -> str | None:
    job = handle.data.get("job")
    found = answers.JOB.fullmatch(job) if isinstance(job, str) else None
    return found[1] if found else None


def _current(handle: Handle, seen: Seen) -> str:
    """Its job, or the one that has followed it."""
    marked = seen.folders.get(folder_of(handle.tag))
    return (marked.next_job if marked else None) or _job(handle) or ""


def _damaged(handle: Handle) -> Observation:
    reason = f"the handle is damaged: it names no job of Slurm, but {dict(handle.data)!r:.80}"
    return Observation(state=State.UNKNOWN, source="handle", observed_at=time.time(), reason=reason)


def _is_news(handle: Handle, seen: Seen) -> bool:
    """Whether it was submitted after the queue was asked: then that it is not listed says nothing."""
    at = handle.data.get("at")
    behind = (seen.now - time.time()) if seen.now is not None else 0.0  # of the clock there
    return isinstance(at, float | int) and seen.queue_at < at + behind + 1.0
