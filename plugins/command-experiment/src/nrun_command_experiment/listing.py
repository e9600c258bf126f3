"""`nrun list`."""

from __future__ import annotations

import collections
import json
import time
from typing import TYPE_CHECKING

import click

from nrun import Experiment
from nrun.text import columns, printable

if TYPE_CHECKING:
    from nrun import ExperimentStatus


@click.command("list")
@click.option("--title", help="Only experiments of this title.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the newest so many.")
@click.option("--json", "as_json", is_flag=True, help="Print them as a JSON array, newest first.")
def list_(title: str | None, limit: int | None, as_json: bool) -> None:
    """List experiments, newest first, as the record knows them; no backend is asked.

    \b
    Examples:
      nrun list
      nrun list --title train --limit 5
      nrun list --json | jq -r '.[] | select(.state == "FAILED") | .id'
    """
    found = Experiment.catalog(title, limit=limit)
    if as_json:
        click.echo(json.dumps([_as_json(status) for status in found], indent=2))
        return
    if not found:
        click.echo("no experiments yet", err=True)
        return
    click.echo(columns([("id", "title", "state", "created", "jobs"), *map(_row, found)]))
    for status in found:
        for note in status.notes:
            click.echo(f"note: {status.id}: {printable(note)}", err=True)


def _as_json(status: ExperimentStatus) -> dict[str, object]:
    jobs = [{"name": job.name, "state": job.state.value} for job in status.jobs.values()]
    return status.to_json() | {"jobs": jobs}


def _row(status: ExperimentStatus) -> tuple[str, ...]:
    created = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(status.created)) if status.created else ""
    counts = collections.Counter(job.state.value.lower() for job in status.jobs.values())
    jobs = ", ".join(f"{count} {state}" for state, count in counts.items())
    return status.id or "", printable(status.title), status.state.value, created, jobs
