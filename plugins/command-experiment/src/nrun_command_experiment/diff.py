"""`nrun diff`."""

from __future__ import annotations

import json

import click

from nrun import Experiment
from nrun.cli.words import complete_experiment
from nrun.text import printable
from nrun_command_experiment.facts import SECTIONS


@click.command()
@click.argument("a", shell_complete=complete_experiment)
@click.argument("b", shell_complete=complete_experiment)
@click.option("--only", type=click.Choice(SECTIONS), multiple=True, help="Only this section. May be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def diff(a: str, b: str, only: tuple[str, ...], as_json: bool) -> int:
    """Show how two experiments differ: configuration, code, environment, results.

    Exits with 0 if nothing differs, 1 if something does.

    \b
    Examples:
      nrun diff latest 20260102-1530
      nrun diff train baseline --only configuration --only results
    """
    everything = Experiment.from_id(a).diff(Experiment.from_id(b))
    found = {section: everything[section] for section in only or SECTIONS}
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return int(any(found.values()))
    for section, differences in found.items():
        if differences:
            click.echo(section)
        for place, (before, after) in differences.items():
            click.echo(f"  {printable(place)}")
            click.echo(f"    - {_text(before)}\n    + {_text(after)}")
    return int(any(found.values()))


def _text(value: object) -> str:
    return "(not there)" if value is None else printable(value if isinstance(value, str) else json.dumps(value))
