"""Which view an experiment gets: live on a terminal, plain lines everywhere else.

A terminal has room for one live view. An experiment that starts while another has it is shown in plain
lines, which appear above the live view.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Protocol

from nrun.events import ExperimentEnded, ExperimentStarted
from nrun_observer_rich.plain import PlainView
from nrun_observer_rich.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping
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


def show(event: Event, experiment: str) -> None:
    """Show an event of `experiment` on stderr; from its start on, for what came before is not known here."""
    if isinstance(event, ExperimentStarted) and sys.stderr is not None:
        _views[experiment] = _open(Progress.of(event, experiment), sys.stderr)
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


def _open(progress: Progress, stream: TextIO) -> View:
    if not can_show_live(stream, os.environ) or not _terminal.acquire(blocking=False):
        return PlainView(progress, stream)
    from rich.console import Console  # only for a terminal: it takes as long to import as nrun itself

    from nrun_observer_rich.live import LiveView

    return LiveView(progress, Console(file=stream), on_close=_terminal.release)
