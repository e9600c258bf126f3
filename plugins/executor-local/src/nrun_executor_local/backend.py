"""Runs jobs as processes of this machine and learns of their end by an event, never by polling."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from nrun import BackendError, Cause, NrunError, State
from nrun.model import Capabilities, Handle, LogChunk, Observation, Refused, Submission
from nrun.planning import launch_files, secret_files
from nrun_executor_local import processes
from nrun_executor_local.files import lay_out, remove_secrets, write_file
from nrun_executor_local.processes import Process, ended_of, folder_of, why_out_of_reach

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from nrun.model import Attempt, Bundle, Json, Launch, Place, Tag

LOG_PIECE_BYTES = 1 << 18
LOG_PAUSE_S = 0.2
"""How often a followed log is looked at while its job runs."""
ADOPTED_PAUSE_S = 0.5
"""How often jobs started by another process are looked at where their end is no event for us."""
CANCEL_PAUSE_S = 0.05
NO_ROOM = 74
"""How `launch.sh` ends when it cannot write its markers, before anything of the user's."""
RSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024
"""What the system counts memory in when it tells what a process used."""


class LocalBackend:
    """The processes of this machine. See `nrun.protocols.Backend` for what its methods promise."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._watched: dict[Tag, tuple[Handle, int]] = {}
        self._own: dict[Tag, int] = {}
        self._reaped: dict[Tag, tuple[int, float, int | None]] = {}
        self._changed: set[Handle] = set()
        self._news = asyncio.Event()
        self._capabilities = Capabilities(concurrency=_processors() + 1, here=True, starts_at_once=True)
        self._boot = processes.boot_id()
        self._environment = dict(os.environ)
        self._host = os.uname().nodename
        self._kills = 0
        self._gpus: str | None = None
        self._sampling: asyncio.Task[None] | None = None

    @property
    def capabilities(self) -> Capabilities:
        """Jobs run here, at once; one more than there are processors, so that none idles while one ends or starts."""
        return self._capabilities

    def plan(self, launches: Sequence[Launch]) -> Sequence[Submission]:
        """One submission per job; `launch.sh` is all there is to hand over."""
        return [Submission(jobs=(launch.job,), files={launch.job: launch_files(launch)}) for launch in launches]

    async def __aenter__(self) -> Self:
        self._gpus, self._kills = processes.on_path("nvidia-smi"), processes.out_of_memory_kills()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        for _, descriptor in self._watched.values():
            if descriptor >= 0:
                loop.remove_reader(descriptor)
                os.close(descriptor)
        self._watched.clear()
        if self._sampling is not None:
            self._sampling.cancel()
            await asyncio.wait([self._sampling])

    async def stage(self, bundles: Collection[Bundle], progress: Callable[[int, int], None]) -> None:
        """The store is on this machine: code is there already, and there is no progress to tell."""

    async def submit(
        self, submissions: Sequence[Submission], attempts: Mapping[str, Attempt]
    ) -> Mapping[Tag, Handle | Refused]:
        """Write the files of each job and start its script."""
        answers: dict[Tag, Handle | Refused] = {}
        for submission in submissions:
            for job, files in submission.files.items():
                attempt = attempts[job]
                try:
                    if attempt.bundle is not None:
                        await asyncio.to_thread(lay_out, attempt.bundle, attempt.folder)
                    answers[attempt.tag] = self._start(attempt, files)
                except (OSError, ValueError) as error:
                    answers[attempt.tag] = Refused(f"it could not be started: {error}")
        return answers

    def _start(self, attempt: Attempt, files: Mapping[str, str]) -> Handle:
        """Start the job; its files are written first."""
        folder = self._write(attempt, files)
        try:
            for name, text in secret_files(attempt.secrets).items():
                write_file(f"{folder}/{name}", text)
            pid = processes.start(f"{folder}/launch.sh", folder, self._environment | environment_of(attempt.tag))
        except OSError:
            remove_secrets(folder)
            raise
        handle = self._handle(attempt, Process(pid, self._boot, self._host, ""))
        self._own[attempt.tag] = pid
        self._watch(handle, pid)
        return handle

    def _handle(self, attempt: Attempt, process: Process) -> Handle:
        data: dict[str, Json] = {
            "folder": str(attempt.folder),
            "pid": process.pid,
            "boot": process.boot,
            "host": process.host,
        }
        if attempt.secrets:
            data["secrets"] = True
        return Handle(attempt.tag, data, attempt.folder)

    def _write(self, attempt: Attempt, files: Mapping[str, str]) -> str:
        """Make the folder of an attempt. Raises OSError."""
        folder = str(attempt.folder)
        os.makedirs(folder, 0o700, exist_ok=True)  # noqa: PTH103 - this path decides how fast jobs start
        for name, text in files.items():
            path = f"{folder}/{name}"
            if "/" in name:
                os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)  # noqa: PTH103, PTH120 - as above
            write_file(path, text)
        return folder

    async def find(self, attempts: Collection[Attempt]) -> Mapping[Tag, Handle]:
        """Those that left a start marker, and those whose process carries the tag and is about to write one."""
        found = {}
        for attempt in attempts:
            folder, tag = str(attempt.folder), str(attempt.tag)
            pids = processes.tagged(tag)  # first: one that ends meanwhile has left its marker
            known = processes.started(folder, tag)
            if known is not None:
                process = known[0]
            elif pids:
                process = Process(min(pids), self._boot, self._host, tag)
            else:
                continue
            found[attempt.tag] = self._handle(attempt, process)
        return found

    # ---- watching

    def _watch(self, handle: Handle, pid: int) -> None:
        """Have the end of a process noticed, by an event where the system has one."""
        try:
            descriptor = os.pidfd_open(pid)
        except (AttributeError, OSError):
            self._watched[handle.tag] = (handle, -1)
            if handle.tag in self._own:
                self._wait_in_thread(handle, pid)
            return
        self._watched[handle.tag] = (handle, descriptor)
        asyncio.get_running_loop().add_reader(descriptor, self._on_end, handle)

    def _wait_in_thread(self, handle: Handle, pid: int) -> None:
        loop = asyncio.get_running_loop()

        def wait() -> None:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            loop.call_soon_threadsafe(self._on_end, handle)

        loop.run_in_executor(None, wait)

    def _on_end(self, handle: Handle) -> None:
        watched = self._watched.pop(handle.tag, None)
        if watched is not None and watched[1] >= 0:
            asyncio.get_running_loop().remove_reader(watched[1])
            os.close(watched[1])
        self._changed.add(handle)
        self._news.set()

    async def changes(self) -> Collection[Handle]:
        """The jobs that ended since the last call."""
        if self._gpus is not None and self._sampling is None:
            from nrun_executor_local.gpus import sample  # few machines have any

            self._sampling = asyncio.create_task(sample(self._gpus, self._running))
        while not self._changed:
            unseen = (handle for handle, descriptor in self._watched.values() if descriptor < 0)
            blind = [handle for handle in unseen if handle.tag not in self._own]
            try:
                async with asyncio.timeout(ADOPTED_PAUSE_S if blind else None):
                    await self._news.wait()
            except TimeoutError:
                return blind
        self._news.clear()
        changed, self._changed = self._changed, set()
        return changed

    async def observe(self, handles: Collection[Handle]) -> Mapping[Handle, Observation]:
        """The exit marker is the first truth, then the process table."""
        return {handle: self._observe(handle) for handle in handles}

    def _observe(self, handle: Handle) -> Observation:
        seen = self._look(handle)
        if seen.signal == "SIGKILL" and processes.out_of_memory_kills() > self._kills:
            self._kills += 1  # one for each job that was killed
            seen = attrs.evolve(seen, cause=Cause.OUT_OF_MEMORY, reason="the system ran out of memory")
        if self._gpus is not None and seen.source != "handle":
            from nrun_executor_local.gpus import figures

            seen = attrs.evolve(seen, **figures(folder_of(handle)))
        return seen

    def _running(self) -> Mapping[str, str]:
        """The folders of the jobs that run, by their tags."""
        return {str(tag): folder_of(handle) for tag, (handle, _) in self._watched.items()}

    def _look(self, handle: Handle) -> Observation:
        self._reap(handle.tag)
        status, cpu_s, peak = self._reaped.get(handle.tag, (None, None, None))
        now = time.time()
        try:
            folder = folder_of(handle)
            if (marked := ended_of(handle, folder, cpu_s, peak)) is not None:
                return marked
            process = Process.from_json(handle.data, str(handle.tag))
        except (BackendError, KeyError, TypeError) as error:
            return Observation(
                state=State.UNKNOWN, source="handle", observed_at=now, reason=f"the handle is damaged: {error!r}"
            )
        start = processes.started(folder, process.tag)
        began = start[1] if start else None
        if process.alive() or processes.members(process):  # its shell may have been killed alone
            if handle.tag not in self._watched:
                self._watch(handle, process.pid)
            return Observation(
                state=State.RUNNING,
                source="process table",
                observed_at=now,
                started_at=process.began() or began,
                last_output_at=processes.last_output(folder),
            )
        late = ended_of(handle, folder)  # the marker may have been written since we looked
        if late is not None:
            return late
        if process.elsewhere():
            why = f"it runs on {process.host}; look from there"
            self._watched.setdefault(handle.tag, (handle, -1))  # its marker may come through a shared file system
            return Observation(
                state=State.UNKNOWN, source="process table", observed_at=now, reason=why, started_at=began
            )
        name = signal.Signals(os.WTERMSIG(status)).name if status is not None and os.WIFSIGNALED(status) else None
        code = os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None
        told = code is not None  # its marker could not be written, but we are its parent
        begun = start is not None or code != NO_ROOM
        return Observation(
            state=State.SUCCEEDED if code == 0 else State.FAILED,
            source="exit status" if told else "process table",
            observed_at=now,
            exit_code=code,
            signal=name,
            reason=_why(told=told, begun=begun),
            cause=None if told and begun else Cause.INFRASTRUCTURE,
            started_at=began,
            ended_at=now,
            cpu_s=cpu_s,
            peak_memory_bytes=peak,
        )

    def _reap(self, tag: Tag) -> None:
        """Note wait status, processor time and peak memory of an ended process of ours, whose number is free then.

        They are kept: others of its session may have to end before the job has.
        """
        if (pid := self._own.get(tag)) is None:
            return
        try:
            ended, status, used = os.wait4(pid, os.WNOHANG)
        except ChildProcessError:
            del self._own[tag]
            return
        if ended:
            del self._own[tag]
            # A process that was started from here begins with our peak in its books, so less than that tells nothing.
            more = used.ru_maxrss > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            peak = used.ru_maxrss * RSS_UNIT_BYTES if more else None
            self._reaped[tag] = status, used.ru_utime + used.ru_stime, peak

    # ---- logs, stopping

    async def logs(self, handle: Handle, *, stream: str, offset: int, follow: bool) -> AsyncGenerator[LogChunk, None]:
        """The file the job itself writes; each read gives only what is new."""
        kind, _, task = stream.partition(".")
        if kind not in {"out", "err"} or (task and not task.isdigit()):
            msg = f"there is no log {stream!r}; logs are 'out' and 'err', in groups also 'out.0', 'err.0' …"
            raise NrunError(msg)
        folder = Path(folder_of(handle))
        paths = [folder / f"task-{task}" / f"{kind}.log"] if task else [folder / f"{kind}.log"]
        if not task:  # of a group: what its tasks wrote, one after another
            paths += sorted(
                folder.glob(f"task-*/{kind}.log"), key=lambda path: int(path.parent.name.rpartition("-")[2])
            )
        for index, path in enumerate(paths):
            last = index == len(paths) - 1
            async for chunk in self._file(handle, path, stream, max(offset, 0), follow=follow and last):
                yield chunk
                offset = chunk.offset + len(chunk.data)
            offset = 0

    async def _file(
        self, handle: Handle, path: Path, stream: str, offset: int, *, follow: bool
    ) -> AsyncGenerator[LogChunk, None]:
        while True:
            over = not follow or self._observe(handle).state.ended  # asked before reading, so that nothing is missed
            try:
                with path.open("rb") as file:
                    file.seek(offset)
                    while data := file.read(LOG_PIECE_BYTES):
                        yield LogChunk(stream, offset, data)
                        offset += len(data)
            except FileNotFoundError:
                pass
            if over:
                return
            await asyncio.sleep(LOG_PAUSE_S)

    async def fetch(self, folders: Mapping[Handle, Path]) -> None:
        """Jobs write into the record themselves; what they should have removed and did not is removed here."""
        for handle in folders:
            if handle.data.get("secrets"):
                remove_secrets(folder_of(handle))

    async def cancel(self, handles: Collection[Handle], *, grace_s: float) -> Mapping[Handle, str]:
        """TERM to every process of the job, KILL after the grace, then a look at what is left."""
        away = {handle: why for handle in handles if (why := why_out_of_reach(handle))}
        pending = [handle for handle in handles if self._members(handle)]
        try:
            pending = await self._stop(pending, grace_s)
        except asyncio.CancelledError:  # somebody is in a hurry: no more grace
            for handle in pending:
                processes.send(self._members(handle), signal.SIGKILL)
            raise
        return away | {handle: f"processes {self._members(handle)} are still alive" for handle in pending}

    async def _stop(self, pending: list[Handle], grace_s: float) -> list[Handle]:
        """TERM, then KILL; gives what is still alive."""
        for number, patience in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
            for handle in pending:
                processes.send(self._members(handle), number)
            until = time.monotonic() + patience
            while pending := [handle for handle in pending if self._members(handle)]:
                if time.monotonic() >= until:
                    break
                await asyncio.sleep(CANCEL_PAUSE_S)
        return pending

    def _members(self, handle: Handle) -> list[int]:
        try:
            process = Process.from_json(handle.data, str(handle.tag))
        except (KeyError, TypeError):
            return []
        return processes.members(process)


def environment_of(tag: Tag) -> dict[str, str]:
    """What a job is told of itself."""
    return {"NRUN_TAG": str(tag), "NRUN_EXPERIMENT_ID": tag.experiment, "NRUN_ATTEMPT": str(tag.attempt)}


def _why(*, told: bool, begun: bool) -> str | None:
    """What to say of a job that left no exit marker."""
    if not told:
        return "it ended without a word: killed, or the machine went down"
    return None if begun else "it could not write into its folder: is the disk full?"


def _processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
