"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from nrun.events import Event


@hookimpl
def nrun_event(event: Event, folder: Path) -> None:
    """Have it noted when a process takes charge, unless that has been done."""
    if event.kind == "started":
        from nrun_provenance_python.note import note

        note(folder)
