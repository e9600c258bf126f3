"""An experiment as a tree for people: each job under what it waits for, with all that is known of it.

What the workload did, how old that knowledge is, and what went wrong in watching are told apart.
"""

from __future__ import annotations

import collections
import time
from typing import TYPE_CHECKING

from nrun import State
from nrun.record.table import duration, elapsed, ending
from nrun.text import columns, printable
from nrun_command_experiment.edges import waited_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nrun import ExperimentStatus
    from nrun.record import JobStatus
    from nrun_command_experiment.edges import Edge

DEEPEST = 12
"""From here on a chain is not drawn further to the right."""
LEAST_QUEUE_S = 1.0
LEAST_CPU_S = 0.1
"""Less is not worth a word."""


def tree(status: ExperimentStatus, edges: Mapping[str, Sequence[Edge]], now: float) -> str:
    """The experiment and its jobs at the moment `now`."""
    ended = sum(job.state.ended for job in status.jobs.values())
    created = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(status.created)) if status.created else ""
    head = (
        printable(status.title),
        status.id or "(not run)",
        status.state.value,
        f"{ended}/{len(status.jobs)}",
        created,
    )
    rows = [("job", "state", "attempt", "time", "")]
    for lines, name in drawn(list(status.jobs), edges):
        job = status.jobs[name]
        tries = str(job.attempt or "")
        said = printable("; ".join(remarks(job, edges[name], status.jobs, now)))
        rows.append((lines + printable(name), state_of(job), tries, elapsed(job, now), said))
    tags = [f"tags: {', '.join(map(printable, status.tags))}"] if status.tags else []
    parts = ["  ".join(filter(None, head)), *tags, columns(rows)]
    parts += [f"note: {printable(note.text)} ({printable(note.by)})" for note in status.notes]
    parts += [f"warning: {printable(warning)}" for warning in status.warnings]
    troubles = list(control_errors(status.jobs.values()))
    if troubles:
        parts += ["trouble in watching or steering, which says nothing about what the jobs do:", *troubles]
    return "\n".join(parts)


def drawn(names: Sequence[str], edges: Mapping[str, Sequence[Edge]]) -> Iterator[tuple[str, str]]:
    """The jobs in the order of the tree, each with the lines before its name.

    A job that waits for several stands under the last of them, which comes after the others in the tree or beside.
    """
    under: dict[str | None, list[str]] = collections.defaultdict(list)
    known = set(names)
    for name in names:
        parents = [edge.job for edge in edges[name] if edge.experiment is None and edge.job in known]
        under[parents[-1] if parents else None].append(name)
    stack = [("", "", name) for name in reversed(under[None])]
    while stack:
        lines, below, name = stack.pop()
        yield lines, name
        children = under[name]
        for number, child in enumerate(reversed(children)):
            if len(below) >= 3 * DEEPEST:
                stack.append((lines, below, child))
            else:
                mark, rest = ("└─ ", "   ") if number == 0 else ("├─ ", "│  ")
                stack.append((below + mark, below + rest, child))


def state_of(job: JobStatus) -> str:
    """The state; of what is not known, since when."""
    if job.state is State.UNKNOWN and job.since is not None:
        return f"UNKNOWN since {moment(job.since)}"
    return job.state.value


def moment(at: float) -> str:
    """A time of today by the clock, any other with its date."""
    then, today = time.localtime(at), time.localtime()
    same = (then.tm_year, then.tm_yday) == (today.tm_year, today.tm_yday)
    return time.strftime("%H:%M:%S" if same else "%Y-%m-%d %H:%M:%S", then)


def remarks(job: JobStatus, edges: Sequence[Edge], jobs: Mapping[str, JobStatus], now: float) -> Iterator[str]:
    """What else there is to say of a job."""
    if conditions := [edge for edge in edges if not edge.plain]:
        yield "if " + ", ".join(map(str, conditions))
    if job.state is State.PENDING and (waits := waited_for(edges, jobs)):
        yield f"waits for {', '.join(waits)}"
    if said := ending(job):
        yield said
    if job.state.ended:
        yield from used(job)
        return
    if job.in_doubt:
        yield "submitted, but the answer is not known"
    if job.not_before is not None and job.not_before > now:
        yield f"next attempt in {duration(job.not_before - now)}"
    if job.cancel_requested_by is not None:
        yield f"to be cancelled, says {job.cancel_requested_by}"
    if job.state is State.SUBMITTED and job.submitted_at is not None:
        yield f"queued for {duration(now - job.submitted_at)}"
    yield from used(job)
    if job.attempt and job.observed_at is not None:
        yield f"seen {duration(now - job.observed_at)} ago"


def used(job: JobStatus) -> Iterator[str]:
    """What an attempt took: time in the queue, processors and memory, of GPUs too, where that is known."""
    queued = (job.started_at or 0.0) - (job.submitted_at or job.started_at or 0.0)
    if queued >= LEAST_QUEUE_S:
        yield f"queued {duration(queued)}"
    if job.cpu_s is not None and job.cpu_s >= LEAST_CPU_S:
        yield f"cpu {duration(job.cpu_s)}"
    if job.peak_memory_bytes is not None:
        yield f"peak {size(job.peak_memory_bytes)}"
    if job.gpu_utilization is not None:
        yield f"gpu {job.gpu_utilization:.0f} %"
    if job.peak_gpu_memory_bytes:
        yield f"gpu peak {size(job.peak_gpu_memory_bytes)}"


def size(count: float) -> str:
    """A number of bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:  # noqa: PLR2004 - units of the SI
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def control_errors(jobs: Iterable[JobStatus]) -> Iterator[str]:
    """The last trouble with each job, and how often there was any; one line for jobs that share it."""
    by_error: dict[tuple[str, int], list[str]] = {}
    for job in jobs:
        if job.control_errors:
            by_error.setdefault((job.control_errors[-1], len(job.control_errors)), []).append(job.name)
    for (error, count), names in by_error.items():
        often = f" ({count} times)" if count > 1 else ""
        whose = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")  # noqa: PLR2004
        yield f"  {printable(whose)}: {printable(error)}{often}"
