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

from nrun import events
from nrun.engine.view import View
from nrun.errors import InCharge, NrunError, RecordError
from nrun.model import Attempt, Handle, State, Tag
from nrun.record import JobStatus, Journal, fold_all, labels, read_journal
from nrun.record.description import check_version, read_description

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence

    from nrun.model import LogChunk, Place
    from nrun.plugins import Hooks
    from nrun.protocols import Backend
    from nrun.record import ExperimentFolder
    from nrun.record.description import Description
    from nrun.record.journal import Reading

LOOK_TIMEOUT_S = 60.0
"""How long one backend may take to answer for all its jobs."""
FOLLOW_PAUSE_S = 0.2
UNCHANGED_S = 2.0
"""Whoever waits for an attempt looks at the size of the journal, and now and then whether somebody is in charge."""


def read_view(folder: ExperimentFolder) -> View:
    """What the record says, without asking anybody. Raises RecordError."""
    return view_of(folder, read_description(folder), read_journal(folder.journal))


def view_of(folder: ExperimentFolder, description: Description, reading: Reading) -> View:
    """What a description and a journal say."""
    statuses = {job.name: JobStatus(name=job.name) for job in description.jobs}
    fold_all(statuses, reading.events, folder.id)
    tags, notes = labels(reading.events)
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
        tags=tags,
        notes=notes,
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
    told = [
        events.JobObserved(at=now, job=handle.tag.job, attempt=handle.tag.attempt, observation=observation)
        for handle, observation in seen.items()
    ]
    fold_all(view.statuses, told, view.folder.id)


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
    wish = [events.CancelRequested(at=time.time(), job=status.name, by=by) for status in wanted]
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
                events.JobObserved(at=now, job=handle.tag.job, attempt=handle.tag.attempt, observation=observation)
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
                journal.append([events.JobSkipped(at=time.time(), job=n, reason=f"cancelled by {by}") for n in never])


async def read_logs(  # noqa: PLR0913 - a log is named by this much
    view: View,
    job: str,
    hooks: Hooks,
    *,
    stream: str,
    offset: int = 0,
    follow: bool = False,
    attempt: int | None = None,
) -> AsyncGenerator[LogChunk, None]:
    """A log of an attempt of a job (default: the latest), from byte `offset` on.

    Nothing for a job that was never submitted. Raises RecordError for an attempt that there was not.
    """
    status = view.statuses[job] if attempt is None else _at(view, job, attempt)
    if status.handle is None and not status.in_doubt:
        return
    from nrun.engine.secrets import recorded_secrets

    secrets = await recorded_secrets(view.folder, hooks)
    async with open_backend(view.places[job][status.executor], hooks) as backend:
        for handle in await _handles(view, [status], backend):
            log = backend.logs(handle, stream=stream, offset=offset, follow=follow)
            async with (
                contextlib.aclosing(log),
                contextlib.aclosing(secrets.masked(log) if secrets.hidden else log) as chunks,
            ):
                async for chunk in chunks:
                    yield chunk


async def follow_logs(  # noqa: PLR0913 - as above
    folder: ExperimentFolder, job: str, hooks: Hooks, *, stream: str, offset: int = 0, attempt: int | None = None
) -> AsyncGenerator[LogChunk, None]:
    """A log from byte `offset` of the latest attempt on, as it grows; waits for the start, ends with the job.

    The logs of later attempts follow, each from its byte 0; `attempt` asks for one alone. Raises RecordError if that
    never comes.
    """
    number = attempt
    while (view := await _handed_over(folder, job, number or 1)) is not None:
        number = number or view.statuses[job].attempt
        log = read_logs(view, job, hooks, stream=stream, offset=offset, follow=True, attempt=number)
        async with contextlib.aclosing(log) as chunks:
            async for chunk in chunks:
                yield chunk
        if attempt is not None:
            return
        number, offset = number + 1, 0
    if attempt is not None:
        _at(read_view(folder), job, attempt)


async def _handed_over(folder: ExperimentFolder, job: str, number: int) -> View | None:
    """What the record says once it has that attempt of a job; None if it never will, or nobody is there to make it."""
    known, looked = -1, 0.0
    while True:
        size = folder.journal.stat().st_size if folder.journal.exists() else 0
        if size != known or time.monotonic() - looked > UNCHANGED_S:
            known, looked = size, time.monotonic()
            view = read_view(folder)
            status = view.statuses[job]
            if status.attempt > number or (status.attempt == number and status.handle is not None):
                return view
            if status.state.ended or view.launcher_gone:
                return view if status.attempt == number and status.in_doubt else None
        await asyncio.sleep(FOLLOW_PAUSE_S)


def _at(view: View, job: str, number: int) -> JobStatus:
    """What the record says of an attempt of a job. Raises RecordError if there was none of that number."""
    status = view.statuses[job]
    if number == status.attempt:
        return status
    if not 0 < number < status.attempt:
        raise RecordError(f"job {job!r} has no attempt {number}: there have been {status.attempt}")
    earlier = {job: JobStatus(name=job)}
    for event in read_journal(view.folder.journal).events:
        if getattr(event, "job", None) == job:
            if isinstance(event, events.JobRetrying | events.JobRerun) and earlier[job].attempt == number:
                break
            fold_all(earlier, [event], view.folder.id)
    return earlier[job]


@contextlib.asynccontextmanager
async def open_backend(place: Place, hooks: Hooks) -> AsyncIterator[Backend]:
    """The backend of a place, opened. Raises UnknownName or PluginError if its executor is not installed."""
    async with hooks.executors.get(place.kind).backend()(place) as backend:
        yield backend


def _attempt(folder: ExperimentFolder, status: JobStatus) -> Attempt:
    tag = Tag(folder.id, status.name, status.attempt)
    return Attempt(tag=tag, folder=folder.attempt(status.name, status.attempt))


def _launcher_gone(told: Sequence[events.Event], description: Description, *, open_jobs: bool) -> bool:
    """Whether the last process in charge ended with jobs to do, or ran here and died: one may be owed a retry."""
    for event in reversed(told):
        if isinstance(event, events.ExperimentEnded):
            return open_jobs
        if isinstance(event, events.ExperimentStarted):
            return event.host == socket.gethostname() and not _exists(event.pid)
    by, pid = description.by, description.by.get("pid")
    return by.get("host") == socket.gethostname() and isinstance(pid, int) and not _exists(pid)


def _exists(pid: int) -> bool:
    try:
        with contextlib.suppress(PermissionError):  # somebody else's
            os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    return True
