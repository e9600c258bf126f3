"""A backend without processes or files: jobs do what their executor says, calls fail when they are told to.

It behaves like a distant system that starts jobs at once: it outlives the backends that talk to it, and
is reached again, by anyone in this process, through an equal `Place`.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import attrs

from nrun import BackendError, Cause, State
from nrun.model import Capabilities, Handle, LogChunk, Observation, Refused, Submission
from nrun_testing.executor import Fault, MemoryExecutor

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Any, Self

    from nrun.model import Attempt, Bundle, Launch, Place, Tag
    from nrun.secret import SecretValue

PAUSE_S = 0.01
"""How often the system is asked whether a job has ended, while none has."""
LOG_PIECE_BYTES = 4096
CANCELLED = "SIGTERM"


@attrs.define(eq=False)
class MemoryJob:
    """An attempt as the system knows it."""

    tag: Tag
    exit_code: int
    output: bytes
    started_at: float
    ends_at: float
    cause: Cause | None = None
    cancelled: bool = False
    secrets: Mapping[str, Mapping[str, SecretValue]] = attrs.field(factory=dict)
    """What it was given that nobody else is to see."""


@attrs.define(eq=False)
class MemorySystem:
    """What outlives every backend: the jobs by number, and the faults still to come."""

    faults: list[Fault]
    jobs: list[MemoryJob] = attrs.field(factory=list)
    number_of: dict[Tag, int] = attrs.field(factory=dict)
    staged: set[str] = attrs.field(factory=set)
    """Digests of the bundles that were made present."""

    def job(self, handle: Handle) -> MemoryJob | None:
        """The job a handle is for; None if the handle is none of this system's."""
        number = handle.data.get("number")
        if not isinstance(number, int) or not 0 <= number < len(self.jobs) or self.jobs[number].tag != handle.tag:
            return None
        return self.jobs[number]

    def start(self, job: MemoryJob) -> Handle:
        """Take a job; it runs from now on."""
        self.number_of[job.tag] = len(self.jobs)
        self.jobs.append(job)
        return self.handle(job.tag)

    def handle(self, tag: Tag) -> Handle:
        """The handle of a job that was taken."""
        return Handle(tag, {"number": self.number_of[tag]})


_systems: dict[Place, MemorySystem] = {}


def system_at(place: Place) -> MemorySystem:
    """The system at a place, the same one for everybody in this process."""
    if place not in _systems:
        _systems[place] = MemorySystem([Fault(word) for word in dict(place.options).get("faults", "").split()])
    return _systems[place]


_REFUSES = {
    "groups": "nothing runs in memory, so there is nothing to run side by side",
    "output": "all output is there from the start",
}


class MemoryBackend:
    """Talks to a `MemorySystem`. See `nrun.protocols.Backend` for what its methods promise."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.system = system_at(place)
        self._watched: dict[Handle, MemoryJob] = {}

    @property
    def capabilities(self) -> Capabilities:
        """Jobs start at once and run elsewhere; there are no processes."""
        return Capabilities(starts_at_once=True, refuses=_REFUSES)

    def plan(self, launches: Sequence[Launch]) -> Sequence[Submission]:
        """One submission for all: what each job is going to do."""
        if not launches:
            return []
        request = {launch.job: _script(launch) for launch in launches}
        names = tuple(request)
        text = json.dumps(request, ensure_ascii=False, separators=(",", ":"))
        return [Submission(jobs=names, files={name: {} for name in names}, request=text)]

    async def __aenter__(self) -> Self:
        self._fail_if(Fault.OPEN)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watched.clear()

    async def stage(self, bundles: Collection[Bundle], progress: Callable[[int, int], None]) -> None:
        """Note which code is there."""
        progress(len(bundles), len(bundles))
        self.system.staged |= {bundle.id for bundle in bundles}

    async def submit(
        self, submissions: Sequence[Submission], attempts: Mapping[str, Attempt]
    ) -> Mapping[Tag, Handle | Refused]:
        """Start the jobs that the requests describe."""
        self._fail_if(Fault.REQUEST_LOST)
        answers: dict[Tag, Handle | Refused] = {}
        now = time.time()
        for submission in submissions:
            for name, script in json.loads(submission.request).items():
                tag = attempts[name].tag
                refused = script["refused"]
                answers[tag] = Refused(refused) if refused else self._start(attempts[name], script, now)
        self._fail_if(Fault.ANSWER_LOST)
        return answers

    def _start(self, attempt: Attempt, script: Mapping[str, Any], now: float) -> Handle:
        tag, codes, causes = attempt.tag, script["exit_codes"], script["causes"]
        job = MemoryJob(
            tag=tag,
            secrets=attempt.secrets,
            exit_code=codes[min(tag.attempt, len(codes)) - 1],
            cause=Cause(causes[min(tag.attempt, len(causes)) - 1]) if causes else None,
            output=script["output"].encode(),
            started_at=now,
            ends_at=now + script["runs_for_s"],
        )
        handle = self.system.start(job)
        self._watched[handle] = job
        return handle

    async def find(self, attempts: Collection[Attempt]) -> Mapping[Tag, Handle]:
        """The system remembers every tag it has taken."""
        self._fail_if(Fault.FIND)
        tags = [attempt.tag for attempt in attempts if attempt.tag in self.system.number_of]
        found = {tag: self.system.handle(tag) for tag in tags}
        self._watched |= {handle: self.system.jobs[self.system.number_of[tag]] for tag, handle in found.items()}
        return found

    async def changes(self) -> Collection[Handle]:
        """The jobs that have ended, each said once."""
        while True:
            now = time.time()
            due = [handle for handle, job in self._watched.items() if job.ends_at <= now]
            if due:
                for handle in due:
                    del self._watched[handle]
                return due
            await asyncio.sleep(PAUSE_S)

    async def observe(self, handles: Collection[Handle]) -> Mapping[Handle, Observation]:
        """What the jobs are doing by the clock."""
        self._fail_if(Fault.OBSERVE)
        now = time.time()
        return {handle: self._observe(handle, now) for handle in handles}

    def _observe(self, handle: Handle, now: float) -> Observation:
        job = self.system.job(handle)
        if job is None:
            reason = "the handle is not of this system"
            return Observation(state=State.UNKNOWN, source="memory", observed_at=now, reason=reason)
        if job.ends_at > now:
            self._watched[handle] = job
            return Observation(state=State.RUNNING, source="memory", observed_at=now, started_at=job.started_at)
        self._watched.pop(handle, None)
        return Observation(
            state=State.FAILED if job.cancelled or job.exit_code else State.SUCCEEDED,
            source="memory",
            observed_at=now,
            exit_code=None if job.cancelled else job.exit_code,
            signal=CANCELLED if job.cancelled else None,
            cause=job.cause if job.exit_code and not job.cancelled else None,
            started_at=job.started_at,
            ended_at=job.ends_at,
        )

    async def logs(self, handle: Handle, *, stream: str, offset: int, follow: bool) -> AsyncGenerator[LogChunk, None]:
        """The output of the job, all of it there from its start."""
        job = self.system.job(handle)
        if job is None:
            return
        output = job.output if stream == "out" else b""
        for start in range(offset, len(output), LOG_PIECE_BYTES):
            yield LogChunk(stream, start, output[start : start + LOG_PIECE_BYTES])
        while follow and job.ends_at > time.time():  # noqa: ASYNC110 - the system sends no events, it is asked
            await asyncio.sleep(PAUSE_S)

    async def fetch(self, folders: Mapping[Handle, Path]) -> None:
        """Jobs that are numbers in a list leave nothing behind."""

    async def cancel(self, handles: Collection[Handle], *, grace_s: float) -> Mapping[Handle, str]:
        """Jobs here stop when asked, so no grace is needed."""
        del grace_s
        self._fail_if(Fault.CANCEL)
        now = time.time()
        for handle in handles:
            job = self.system.job(handle)
            if job is not None and job.ends_at > now:
                job.ends_at, job.cancelled = now, True
        return {}

    def _fail_if(self, fault: Fault) -> None:
        if fault in self.system.faults:
            self.system.faults.remove(fault)
            msg = f"the memory system was told to fail: {fault.value}"
            raise BackendError(msg)


def _script(launch: Launch) -> dict[str, object]:
    """What a job is going to do, as its executor says."""
    executor = launch.executor
    if not isinstance(executor, MemoryExecutor):
        msg = f"job {launch.job!r} has a {type(executor).__name__}, which does not say what its job does"
        raise BackendError(msg, hint="use a MemoryExecutor or a subclass of it")
    return {
        "exit_codes": executor.exit_codes,
        "causes": executor.causes,
        "runs_for_s": executor.runs_for_s,
        "output": executor.output,
        "refused": executor.refused,
    }
