"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import NameSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from nrun.events import Event


@hookimpl
def nrun_event(event: Event, experiment: str, folder: Path, watching: bool) -> None:  # noqa: ARG001, FBT001 - also there
    """Show it on stderr, also where another process is in charge."""
    from nrun_observer_rich.views import show

    show(event, experiment, folder)


@hookimpl
def nrun_names() -> Iterable[NameSpec]:
    """What a command language shows its help with."""
    yield NameSpec(name="cli.show_help", summary="Help as a tree in the terminal", load=_show_help)


def _show_help() -> object:
    from nrun_observer_rich.help import show_help

    return show_help
