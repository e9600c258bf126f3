"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import CommandSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click


@hookimpl
def nrun_commands() -> Iterable[CommandSpec]:
    """`nrun run` and `nrun launch`."""
    yield CommandSpec(name="run", summary="Run a script that builds experiments, or a function", command=_run)
    yield CommandSpec(
        name="launch", summary="As run, but what was launched before is not launched again", command=_launch
    )


def _run() -> click.Command:
    from nrun_command_run.command import run

    return run


def _launch() -> click.Command:
    from nrun_command_run.command import launch

    return launch
