"""How a command ends that leaves an experiment in some state: what it prints, and its exit code."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import click

from nrun import State
from nrun_command_experiment.edges import edges_of
from nrun_command_experiment.tree import tree

if TYPE_CHECKING:
    from nrun import Experiment, ExperimentStatus

NOT_FINISHED = 3
"""Exit code while jobs have not ended, or nobody knows whether they have."""


def exit_code(status: ExperimentStatus) -> int:
    """0 if every job succeeded, 1 if some did not, 3 while some have not ended."""
    if status.state is State.SUCCEEDED:
        return 0
    return 1 if status.state.ended else NOT_FINISHED


def show(exp: Experiment, status: ExperimentStatus, *, as_json: bool) -> int:
    """Print all that is known. Gives the exit code."""
    edges = edges_of(exp.description())
    if as_json:
        told = status.to_json()
        told["jobs"] = [
            job.to_json() | {"dependencies": [edge._asdict() for edge in edges[name]]}
            for name, job in status.jobs.items()
        ]
        click.echo(json.dumps(told, indent=2))
    else:
        click.echo(tree(status, edges, time.time()))
    return exit_code(status)


def show_detached(exp: Experiment, status: ExperimentStatus, *, as_json: bool) -> int:
    """As `show`, for an experiment that was to be left to itself: it need not have ended."""
    code = show(exp, status, as_json=as_json)
    if code != NOT_FINISHED:
        return code
    click.echo(f"detached; `nrun attach {status.id}` returns to it", err=True)
    return 0
