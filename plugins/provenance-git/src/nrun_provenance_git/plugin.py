"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import hookimpl

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from nrun.events import Event


@hookimpl
def nrun_event(event: Event, folder: Path) -> Awaitable[None] | None:
    """Have it noted when a process takes charge, unless that has been done, and see that it is there at the end."""
    if event.kind == "started":
        from nrun_provenance_git.note import note

        note(folder)
    elif event.kind == "ended":
        from nrun_provenance_git.note import noted

        return noted(folder)
    return None
