"""`nrun status`."""

from __future__ import annotations

import asyncio
import json

import click

from nrun import Experiment
from nrun.cli.words import complete_experiment
from nrun_command_experiment.outcome import exit_code, show


@click.command()
@click.argument("experiment", shell_complete=complete_experiment, default="latest", metavar="[EXPERIMENT]")
@click.option("-w", "--watch", is_flag=True, help="Go on until every job has ended.")
@click.option("--json", "as_json", is_flag=True, help="Print the state of every job as JSON.")
def status(experiment: str, watch: bool, as_json: bool) -> int:
    """Show every job under what it waits for, asking the backends about those that have not ended.

    Of each job: its state, attempt, running time, why it is where it is, what it used, and how old that knowledge
    is. Trouble in watching is told apart from what the jobs do.

    EXPERIMENT is an id, a unique beginning of one, a title (its newest run) or `latest`, the default.

    With --watch, a live view shows how it goes, with --json a line for every change. If nobody looks after the
    experiment, a supervisor is started; the watching process itself is never in charge, so that Ctrl-C ends the
    watching and nothing else.

    Exits with 0 if every job succeeded, 1 if some did not, 3 while some have not ended.

    \b
    Examples:
      nrun status
      nrun status --watch
      nrun status train --json
      nrun status 20260102-1530
    """
    exp = Experiment.from_id(experiment)
    if watch and as_json:
        asyncio.run(_tell_changes(exp))
        return exit_code(exp.status())
    return show(exp, exp.watch() if watch else exp.status(), as_json=as_json)


async def _tell_changes(exp: Experiment) -> None:
    """Print a line of JSON for every change, and see that somebody looks after the experiment."""
    async for now in exp.changes():
        click.echo(json.dumps(now.to_json()))
        await asyncio.to_thread(exp.entrust)
