"""An experiment as a picture that is redrawn in place, for terminals."""

from __future__ import annotations

import atexit
import sys
import threading
import time
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nrun.events import ControlError, Underway
from nrun.model import State
from nrun.record.table import duration, ending
from nrun.text import printable
from nrun_observer_rich.lastline import last_line, values_to_hide
from nrun_observer_rich.progress import how_far

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console, RenderableType

    from nrun.events import Event
    from nrun.record import JobStatus
    from nrun_observer_rich.progress import Progress

REDRAWS_PER_SECOND = 5
MOST_RUNNING_ROWS = 8
MOST_FAILED_ROWS = 5
BAR_WIDTH_CELLS = 40
UNDERWAY_S = 2.5

_STYLES = {
    State.RUNNING: "cyan",
    State.SUCCEEDED: "green",
    State.FAILED: "red",
    State.CANCELLED: "yellow",
    State.SKIPPED: "yellow",
    State.UNKNOWN: "magenta",
}


class LiveView:
    """Redraws at its own pace from a thread of rich; an event only changes what the next redraw shows.

    The cursor is never hidden: a launcher may be killed at any moment, and then nobody could show it again.
    """

    def __init__(self, progress: Progress, console: Console, folder: Path, *, on_close: Callable[[], None]) -> None:
        self._progress = progress
        self._jobs = folder / "jobs"
        self._on_close = on_close
        self._lock = threading.Lock()
        self._trouble = ""
        self._underway: dict[str, Underway] = {}
        self._hidden: tuple[str, ...] | None = None
        threading.Thread(target=self._look_up, args=(folder,), daemon=True).start()
        self._live = Live(
            console=console,
            get_renderable=self._render,
            refresh_per_second=REDRAWS_PER_SECOND,
            # What is printed meanwhile must appear above the picture; output that goes elsewhere is left alone.
            redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
        )
        self._live.start()
        console.show_cursor(show=True)
        atexit.register(self._live.stop)

    def take(self, event: Event) -> None:
        """Take in what happened; drawing it is not done here."""
        with self._lock:
            self._progress.take(event)
            if isinstance(event, ControlError):
                self._trouble = f"could not {event.action}: {event.message}"
            if isinstance(event, Underway):
                self._underway[event.action] = event

    def close(self) -> None:
        """Draw the final picture and leave it on the screen."""
        self._live.stop()
        atexit.unregister(self._live.stop)
        self._on_close()

    def _render(self) -> Group:
        with self._lock:
            # Until it is known what is to be hidden, no line of a job is shown.
            lines = {} if self._hidden is None else last_lines(self._progress, self._jobs, self._hidden)
            return picture(self._progress, self._trouble, time.time(), lines, tuple(self._underway.values()))

    def _look_up(self, folder: Path) -> None:
        """Have the secrets looked up; that may take a while, and nothing is to wait for it."""
        self._hidden = values_to_hide(folder)


def last_lines(progress: Progress, jobs: Path, hidden: Sequence[str] = ()) -> dict[str, str]:
    """The last lines of the jobs that are shown as running; `jobs` is the folder of the jobs in the record."""
    running = progress.running(MOST_RUNNING_ROWS)
    return {job.name: last_line(jobs / job.name / f"attempt-{job.attempt}", hidden) for job in running}


def picture(
    progress: Progress, trouble: str, now: float, lines: Mapping[str, str], underway: Sequence[Underway] = ()
) -> Group:
    """What the screen shows at the moment `now`. No name can be more than text in it.

    `lines` has the last line of running jobs, by name, `underway` what takes long; what was not heard of again is over.
    """
    parts: list[RenderableType] = [_heading(progress, now), _bar(progress), _counts(progress)]
    parts += [Text(how_far(one), style="dim") for one in underway if now - one.at < UNDERWAY_S]
    running, failed = progress.running(MOST_RUNNING_ROWS), progress.failed(MOST_FAILED_ROWS)
    if running or failed:
        parts.append(_rows(running, failed, now, lines))
    counts = progress.counts
    for shown, state in ((running, State.RUNNING), (failed, State.FAILED)):
        more = counts.get(state, 0) - len(shown)
        if more > 0:
            parts.append(Text(f"and {more} more {state.value.lower()}", style="dim"))
    if trouble:
        parts.append(Text(printable(trouble), style="yellow", overflow="ellipsis", no_wrap=True))
    return Group(*parts)


def _heading(progress: Progress, now: float) -> Text:
    return Text("  ", overflow="ellipsis", no_wrap=True).join(
        [
            Text(printable(progress.title), style="bold"),
            Text(progress.experiment, style="dim"),
            _state(progress.state),
            Text(duration(progress.age_s(now))),
        ]
    )


def _bar(progress: Progress) -> Table:
    style = "red" if State.FAILED in progress.counts else "green"
    bar = ProgressBar(
        total=progress.total,
        completed=progress.ended,
        width=BAR_WIDTH_CELLS,
        complete_style=style,
        finished_style=style,
    )
    line = Table.grid(padding=(0, 2))
    line.add_row(bar, Text(f"{progress.ended}/{progress.total}"))
    return line


def _counts(progress: Progress) -> Text:
    words = [Text(f"{n} {state.value.lower()}", style=_STYLES.get(state, "")) for state, n in progress.counts.items()]
    return Text(", ").join(words)


def _rows(running: list[JobStatus], failed: list[JobStatus], now: float, lines: Mapping[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    for job in (*running, *failed):
        since = job.started_at or job.observed_at or now  # a backend may not say when a job started
        table.add_row(
            _cell(job.name),
            _state(job.state),
            Text(f"attempt {job.attempt}" if job.attempt > 1 else ""),
            Text(duration((job.ended_at or now) - since)),
            _cell(ending(job)) if job.state.ended else _cell(lines.get(job.name, ""), "dim"),
        )
    return table


def _state(state: State) -> Text:
    return Text(state.value, style=_STYLES.get(state, ""))


def _cell(text: str, style: str = "") -> Text:
    """Text of any origin, on one line, shortened where there is no room."""
    return Text(printable(text), style, overflow="ellipsis", no_wrap=True)
