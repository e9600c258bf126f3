"""An experiment as plain lines: for log files, pipes, notebooks and simple terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun.events import ControlError, ExperimentEnded, ExperimentStarted, Underway
from nrun.model import State
from nrun.record.table import duration, elapsed, ending
from nrun.text import printable
from nrun_observer_rich.progress import how_far, in_words

if TYPE_CHECKING:
    from typing import TextIO

    from nrun.events import Event
    from nrun.record import JobStatus
    from nrun_observer_rich.progress import Progress

MOST_JOBS_BY_NAME = 50
"""Experiments with more jobs are shown as counts."""
COUNTS_EVERY_S = 10.0
UNDERWAY_EVERY_S = 10.0


class PlainView:
    """Writes a line per job that ended or is tried again; of large experiments, now and then the counts."""

    def __init__(self, progress: Progress, stream: TextIO) -> None:
        self._progress = progress
        self._stream = stream
        self._by_name = progress.total <= MOST_JOBS_BY_NAME
        self._counted_at = progress.started_at
        self._underway_at: dict[str, float] = {}

    def take(self, event: Event) -> None:
        """Write what there is to say about the event."""
        line = self._line(event)
        if line:
            print(f"{printable(self._progress.title)}: {line}", file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing to leave behind: the last line is written."""

    def _line(self, event: Event) -> str:
        progress = self._progress
        changed = progress.take(event)
        if isinstance(event, ExperimentStarted):
            jobs = "1 job" if event.jobs == 1 else f"{event.jobs} jobs"
            return f"{jobs}, experiment {progress.experiment}"
        if isinstance(event, ExperimentEnded):
            return f"{event.state.value}  {duration(progress.age_s(event.at))}  {in_words(progress.counts)}"
        if isinstance(event, Underway):
            return self._underway_line(event)
        if isinstance(event, ControlError):
            return f"could not {printable(event.action)}: {printable(event.message)}"
        if changed is not None:
            return _job_line(changed, event.at) if self._by_name else self._counts_line(event.at)
        return ""

    def _underway_line(self, event: Underway) -> str:
        if event.at - self._underway_at.get(event.action, 0.0) < UNDERWAY_EVERY_S:
            return ""
        self._underway_at[event.action] = event.at
        return how_far(event)

    def _counts_line(self, now: float) -> str:
        if now - self._counted_at < COUNTS_EVERY_S:
            return ""
        self._counted_at = now
        return f"{self._progress.ended} of {self._progress.total} ended  {in_words(self._progress.counts)}"


def _job_line(job: JobStatus, now: float) -> str:
    if job.state.ended:
        parts = (printable(job.name), job.state.value, elapsed(job, now), printable(ending(job)))
        return "  ".join(part for part in parts if part)
    if job.state is State.PENDING:
        return f"{printable(job.name)}  attempt {job.attempt}"
    return ""
