"""Looking after an experiment from any process: its state, its logs, stopping its jobs.

Everything starts from the record; backends are asked only about jobs whose end is not recorded. Looking
writes nothing and changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING

from nrun.engine.view import View
from nrun.errors import InCharge, NrunError
from nrun.events import CancelRequested, ExperimentEnded, ExperimentStarted, JobObserved, JobSkipped
from nrun.model import Attempt, Handle, State, Tag
from nrun.record import JobStatus, Journal, fold_all, read_journal
from nrun.record.description import check_version, read_description

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence

    from nrun.events import Event
    from nrun.model import LogChunk, Place
    from nrun.plugins import Hooks
    from nrun.protocols import Backend
    from nrun.record import ExperimentFolder
    from nrun.record.description import Description

LOOK_TIMEOUT_S = 60.0
"""How long one backend may take to answer for all its jobs."""


def read_view(folder: ExperimentFolder) -> View:
    """What the record says, without asking anybody. Raises RecordError."""
    description = read_description(folder)
    reading = read_journal(folder.journal)
    statuses = {job.name: JobStatus(name=job.name) for job in description.jobs}
    fold_all(statuses, reading.events, folder.id)
    open_jobs = any(not status.state.ended for status in statuses.values())
    return View(
        folder=folder,
        created=description.created,
        places={job.name: [description.executors[one].place for one in job.executors] for job in description.jobs},
        grace_s=max((executor.grace_s for executor in description.executors), default=0.0),
        statuses=statuses,
        version=description.nrun,
        damaged=reading.damaged,
        launcher_gone=_launcher_gone(reading.events, description, open_jobs=open_jobs),
    )


async def look(folder: ExperimentFolder, hooks: Hooks) -> View:
    """What the record says, brought up to date by asking the backends of unended jobs. Raises RecordError."""
    view = read_view(folder)
    unended = [status for status in view.statuses.values() if not status.state.ended]
    by_place: dict[Place, list[JobStatus]] = {}
    for status in unended:
        if status.handle is not None or status.in_doubt:
            by_place.setdefault(view.place(status.name), []).append(status)
    await asyncio.gather(*(_update(view, place, statuses, hooks) for place, statuses in by_place.items()))
    if view.launcher_gone:
        for status in unended:
            if status.state is State.PENDING and not status.in_doubt:
                status.reason = status.reason or "nobody looks after this experiment at present"
    return view


async def _update(view: View, place: Place, statuses: Sequence[JobStatus], hooks: Hooks) -> None:
    names = [status.name for status in statuses]
    try:
        async with asyncio.timeout(LOOK_TIMEOUT_S), open_backend(place, hooks) as backend:
            handles = await _handles(view, statuses, backend)
            seen = await backend.observe(handles)
    except (NrunError, OSError, TimeoutError) as error:
        for name in names:  # what was known stays known; that it could not be renewed is a fact of its own
            view.statuses[name].control_errors += (f"observe: {error}",)
        return
    now = time.time()
    events = [
        JobObserved(at=now, job=handle.tag.job, attempt=handle.tag.attempt, observation=observation)
        for handle, observation in seen.items()
    ]
    fold_all(view.statuses, events, view.folder.id)


async def _handles(view: View, statuses: Sequence[JobStatus], backend: Backend) -> list[Handle]:
    """The handles of jobs: as recorded, or as the backend finds them where the record is in doubt."""
    known = [view.folder.placed(status.handle) for status in statuses if status.handle is not None]
    doubtful = [_attempt(view.folder, status) for status in statuses if status.handle is None and status.in_doubt]
    return [*known, *(await backend.find(doubtful)).values()] if doubtful else known


async def cancel(view: View, names: Collection[str], hooks: Hooks, by: str) -> dict[str, str]:
    """Stop jobs: the wish is recorded first, then acted on, then verified. Gives what is left, by job.

    Raises RecordError when the wish cannot be recorded; then nothing was stopped.
    """
    check_version(view.version, view.folder)
    wanted = [view.statuses[name] for name in names if not view.statuses[name].state.ended]
    wish = [CancelRequested(at=time.time(), job=status.name, by=by) for status in wanted]
    with Journal(view.folder.journal) as journal:
        if wish:
            journal.append(wish, durable=True)
            if view.launcher_gone:
                await _give_up(view, [status.name for status in wanted], journal, by)
            # Whoever is in charge may have submitted some meanwhile. It looks for wishes after that, and so do we.
            view.statuses.update(read_view(view.folder).statuses)
        wanted = [status for status in map(view.statuses.__getitem__, names) if not status.state.ended]
        left: dict[str, str] = {}
        by_place: dict[Place, list[JobStatus]] = {}
        for status in wanted:
            if status.handle is not None or status.in_doubt:
                by_place.setdefault(view.place(status.name), []).append(status)
        for place, statuses in by_place.items():
            try:
                async with open_backend(place, hooks) as backend:
                    handles = await _handles(view, statuses, backend)
                    remains = await backend.cancel(handles, grace_s=view.grace_s)
                    left |= {handle.tag.job: why for handle, why in remains.items()}
                    seen = await backend.observe(handles)
            except (NrunError, OSError, TimeoutError) as error:
                left |= {status.name: str(error) for status in statuses}
                continue
            now = time.time()
            ends = [
                JobObserved(at=now, job=handle.tag.job, attempt=handle.tag.attempt, observation=observation)
                for handle, observation in seen.items()
                if observation.state.ended
            ]
            if ends:
                journal.append(ends)
            fold_all(view.statuses, ends, view.folder.id)
    return left


async def _give_up(view: View, names: Collection[str], journal: Journal, by: str) -> None:
    """Cancel jobs that were never submitted, unless somebody is in charge, who will do so."""
    from nrun.engine.charge import charge

    with contextlib.suppress(InCharge):
        async with charge(view.folder):
            statuses = read_view(view.folder).statuses
            never = [n for n in names if statuses[n].state is State.PENDING and not statuses[n].in_doubt]
            if never:
                journal.append([JobSkipped(at=time.time(), job=n, reason=f"cancelled by {by}") for n in never])


async def read_logs(  # noqa: PLR0913 - a log is named by this much
    view: View, job: str, hooks: Hooks, *, stream: str, offset: int = 0, follow: bool = False
) -> AsyncGenerator[LogChunk, None]:
    """A log of the latest attempt of a job, from byte `offset` on. Nothing for a job that was never submitted."""
    status = view.statuses[job]
    if status.handle is None and not status.in_doubt:
        return
    async with open_backend(view.place(job), hooks) as backend:
        for handle in await _handles(view, [status], backend):
            async with contextlib.aclosing(backend.logs(handle, stream=stream, offset=offset, follow=follow)) as chunks:
                async for chunk in chunks:
                    yield chunk


@contextlib.asynccontextmanager
async def open_backend(place: Place, hooks: Hooks) -> AsyncIterator[Backend]:
    """The backend of a place, opened. Raises UnknownName or PluginError if its executor is not installed."""
    async with hooks.executors.get(place.kind).backend()(place) as backend:
        yield backend


def _attempt(folder: ExperimentFolder, status: JobStatus) -> Attempt:
    tag = Tag(folder.id, status.name, status.attempt)
    return Attempt(tag=tag, folder=folder.attempt(status.name, status.attempt))


def _launcher_gone(events: Sequence[Event], description: Description, *, open_jobs: bool) -> bool:
    """Whether the last process in charge ended with jobs to do, or ran here and died: one may be owed a retry."""
    for event in reversed(events):
        if isinstance(event, ExperimentEnded):
            return open_jobs
        if isinstance(event, ExperimentStarted):
            return event.host == socket.gethostname() and not _exists(event.pid)
    by = description.by
    pid = by.get("pid")
    return by.get("host") == socket.gethostname() and isinstance(pid, int) and not _exists(pid)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
