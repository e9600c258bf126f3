"""`nrun results`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from nrun import Experiment, ResultError
from nrun.cli.words import complete_experiment
from nrun.text import printable

if TYPE_CHECKING:
    from nrun.model import Json


@click.command()
@click.argument("experiment", shell_complete=complete_experiment, default="latest", metavar="[EXPERIMENT]")
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@click.option("--json", "as_json", is_flag=True, help='Print {"JOB": {"value": …} or {"error": …}} as JSON.')
def results(experiment: str, jobs: tuple[str, ...], as_json: bool) -> int:
    """Print what the functions of jobs returned, or the errors that they raised, with their tracebacks.

    Arrays of numbers are named by their files. Of a group, what each of its tasks returned. Without JOB, all jobs are
    asked, and those that never return anything, such as scripts, are left out.

    Exits with 1 if a job that was named has no result.

    \b
    Examples:
      nrun results
      nrun results train evaluate --json
    """
    exp = Experiment.from_id(experiment)
    found: dict[str, dict[str, Json]] = {}
    for name in [exp.job(one).name for one in jobs] or exp.jobs:
        try:
            found[name] = {"value": exp.job(name).result_form()}
        except ResultError as error:
            if jobs or " raised " in error.message.partition("\n")[0]:
                found[name] = {"error": error.message}
    if as_json:
        click.echo(json.dumps(found, indent=2))
    for name, told in () if as_json else found.items():
        click.echo(f"{printable(name)}: {json.dumps(told['value']) if 'value' in told else told['error']}")
    return int(any("error" in told for told in found.values()))
