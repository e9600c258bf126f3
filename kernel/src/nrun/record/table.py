"""Statuses as plain text for people; names are shown on one line, whatever they contain."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nrun.text import columns, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nrun.model import State
    from nrun.record.status import JobStatus


def duration(seconds: float) -> str:
    """A time span for people, such as `4.2 s` or `1:02:03`."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{max(seconds, 0.0):.1f} s"
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def ending(job: JobStatus) -> str:
    """How a job ended, or why it is where it is: `exit code 3`, `SIGKILL`, a reason."""
    parts = []
    if job.signal:
        parts.append(job.signal)
    elif job.exit_code:
        parts.append(f"exit code {job.exit_code}")
    if job.reason and job.reason not in parts:
        parts.append(job.reason)
    return ", ".join(parts)


def elapsed(job: JobStatus, now: float) -> str:
    """How long the job has run, or ran."""
    return duration((job.ended_at or now) - job.started_at) if job.started_at else ""


def status_table(title: str, id_: str | None, state: State, jobs: Iterable[JobStatus], remarks: Iterable[str]) -> str:
    """An experiment and its jobs."""
    now = time.time()
    lines = [f"{printable(title)}  {id_ or '(not run)'}  {state.value}"]
    rows = [("job", "state", "attempt", "time", "")]
    rows += [
        (printable(job.name), job.state.value, str(job.attempt or ""), elapsed(job, now), printable(ending(job)))
        for job in jobs
    ]
    lines.append(columns(rows))
    lines += map(printable, remarks)
    lines += [
        f"warning: {printable(job.name)}: {printable(error)}" for job in jobs for error in job.control_errors[-1:]
    ]
    return "\n".join(lines)
