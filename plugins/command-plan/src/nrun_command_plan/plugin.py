"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import CommandSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click


@hookimpl
def nrun_commands() -> Iterable[CommandSpec]:
    """`nrun plan`."""
    yield CommandSpec(name="plan", summary="Print exactly what would be submitted", command=_plan)


def _plan() -> click.Command:
    from nrun_command_plan.command import plan

    return plan
