"""`nrun cancel`."""

from __future__ import annotations

import json

import click

from nrun import Experiment
from nrun.cli.words import complete_experiment
from nrun.text import printable


@click.command()
@click.argument("experiment", shell_complete=complete_experiment)
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def cancel(experiment: str, jobs: tuple[str, ...], as_json: bool) -> int:
    """Stop jobs, all of them or those named, and make sure that nothing of them is left.

    Jobs that have ended are left as they are. Exits with 0 if nothing is left running, 1 otherwise.

    \b
    Examples:
      nrun cancel latest
      nrun cancel train evaluate
    """
    exp = Experiment.from_id(experiment)
    names = [exp.job(name).name for name in jobs] or list(exp.jobs)
    ended = [name for name, status in exp.status().jobs.items() if name in names and status.state.ended]
    open_jobs = [name for name in names if name not in ended]
    left = exp.cancel(*open_jobs) if open_jobs else {}
    done = [name for name in open_jobs if name not in left]
    if as_json:
        click.echo(json.dumps({"id": exp.id, "cancelled": done, "ended_before": ended, "left": left}, indent=2))
        return 1 if left else 0
    for name in done:
        click.echo(f"cancelled {printable(name)}")
    for name, why in left.items():
        click.echo(f"not stopped: {printable(name)}: {printable(why)}", err=True)
    if ended:
        click.echo(f"{len(ended)} had ended before and stay as they are", err=True)
    return 1 if left else 0
