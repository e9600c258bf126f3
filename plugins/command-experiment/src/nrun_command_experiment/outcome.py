"""How a command ends that leaves an experiment in some state: what it prints, and its exit code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from nrun import State

if TYPE_CHECKING:
    from nrun import ExperimentStatus

NOT_FINISHED = 3
"""Exit code while jobs have not ended, or nobody knows whether they have."""


def exit_code(status: ExperimentStatus) -> int:
    """0 if every job succeeded, 1 if some did not, 3 while some have not ended."""
    if status.state is State.SUCCEEDED:
        return 0
    return 1 if status.state.ended else NOT_FINISHED


def tell(status: ExperimentStatus, *, as_json: bool, detached: bool) -> int:
    """Print the status. Gives the exit code; an experiment that was to be left to itself need not have ended."""
    click.echo(json.dumps(status.to_json(), indent=2) if as_json else str(status))
    code = exit_code(status)
    if not (detached and code == NOT_FINISHED):
        return code
    click.echo(f"detached; `nrun attach {status.id}` returns to it", err=True)
    return 0
