"""Which view an experiment gets: live on a terminal, plain lines everywhere else.

A terminal has room for one live view. An experiment that starts while another has it is shown in plain
lines, which appear above the live view.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from typing import TYPE_CHECKING, Protocol

from nrun.errors import RecordError
from nrun.events import ExperimentEnded, ExperimentStarted
from nrun.record import read_journal
from nrun.record.folder import JOURNAL
from nrun_observer_rich.plain import PlainView
from nrun_observer_rich.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import TextIO

    from nrun.events import Event


class View(Protocol):
    """Shows one experiment from its start to its end."""

    def take(self, event: Event) -> None:
        """Take in what happened. Called for every event, so it must be quick."""
        ...

    def close(self) -> None:
        """Leave the final picture on the screen and give the terminal back."""
        ...


_views: dict[str, View] = {}
_terminal = threading.Lock()


def show(event: Event, experiment: str, folder: Path) -> None:
    """Show an event of `experiment` on stderr; from when a process took charge of it on.

    A watched experiment may be taken over by another process; it stays one view.
    """
    if isinstance(event, ExperimentStarted) and experiment not in _views and sys.stderr is not None:
        _views[experiment] = _open(Progress.of(event, experiment, _before(event, folder)), sys.stderr, folder)
    view = _views.get(experiment)
    if view is None:
        return
    view.take(event)
    if isinstance(event, ExperimentEnded):
        del _views[experiment]
        view.close()


def can_show_live(stream: TextIO, env: Mapping[str, str]) -> bool:
    """Whether `stream` is a terminal whose cursor can be moved."""
    return stream.isatty() and env.get("TERM", "dumb").lower() not in {"", "dumb", "unknown"}


def _before(started: ExperimentStarted, folder: Path) -> list[Event]:
    """What happened before a process took charge; nothing if it launched the experiment."""
    try:
        events = read_journal(folder / JOURNAL).events
    except RecordError:
        return []
    return list(itertools.takewhile(lambda event: event != started, events))


def _open(progress: Progress, stream: TextIO, folder: Path) -> View:
    if not can_show_live(stream, os.environ) or not _terminal.acquire(blocking=False):
        return PlainView(progress, stream)
    from rich.console import Console  # only for a terminal: it takes as long to import as nrun itself

    from nrun_observer_rich.live import LiveView

    return LiveView(progress, Console(file=stream), folder, on_close=_terminal.release)
