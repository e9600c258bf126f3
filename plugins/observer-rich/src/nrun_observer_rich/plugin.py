"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from nrun.events import Event


@hookimpl
def nrun_event(event: Event, experiment: str, folder: Path) -> None:
    """Show it on stderr."""
    from nrun_observer_rich.views import show

    show(event, experiment, folder)
