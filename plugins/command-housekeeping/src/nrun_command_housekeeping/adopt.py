"""`nrun experiment adopt`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from nrun import Experiment


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print what is known of the experiment as JSON.")
def adopt(path: Path, as_json: bool) -> None:
    """Take in the experiment whose folder is PATH, wherever that came from: a copy, a mounted disk.

    A link to it is made in the record, unless it lies there already. Where its description or its journal is gone, it
    is made again from the folders of its jobs, and jobs that still run are found. Prints the id.

    \b
    Examples:
      nrun experiment adopt /mnt/cluster/experiments/train/20260102-153045-123456-a1b2
      nrun resume train                 carries it on, if it has not ended
    """
    exp = Experiment.adopt(path)
    click.echo(json.dumps(exp.status().to_json(), indent=2) if as_json else exp.id)
