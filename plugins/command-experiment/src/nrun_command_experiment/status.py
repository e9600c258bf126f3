"""`nrun status`."""

from __future__ import annotations

import json

import click

from nrun import Experiment, State
from nrun_command_experiment.words import complete_experiment

NOT_FINISHED = 3
"""Exit code while jobs have not ended, or nobody knows whether they have."""


@click.command()
@click.argument("experiment", shell_complete=complete_experiment, default="latest", metavar="[EXPERIMENT]")
@click.option("--json", "as_json", is_flag=True, help="Print the state of every job as JSON.")
def status(experiment: str, as_json: bool) -> int:
    """Show the state of every job, asking the backends about those that have not ended.

    EXPERIMENT is an id, a unique beginning of one, a title (its newest run) or `latest`, the default.

    Exits with 0 if every job succeeded, 1 if some did not, 3 while some have not ended.

    \b
    Examples:
      nrun status
      nrun status train --json
      nrun status 20260102-1530
    """
    found = Experiment.from_id(experiment).status()
    click.echo(json.dumps(found.to_json(), indent=2) if as_json else str(found))
    if found.state is State.SUCCEEDED:
        return 0
    return 1 if found.state.ended else NOT_FINISHED
