"""`nrun diff`."""

from __future__ import annotations

import itertools
import json

import click

from nrun import Experiment
from nrun.cli.words import complete_experiment
from nrun.text import printable
from nrun_command_experiment.facts import SECTIONS, changed_between, store_of
from nrun_command_experiment.files import differences

MOST_PLACES = 200
"""So many differences of a section are shown."""


@click.command()
@click.argument("a", shell_complete=complete_experiment)
@click.argument("b", shell_complete=complete_experiment)
@click.option("--only", type=click.Choice(SECTIONS), multiple=True, help="Only this section. May be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def diff(a: str, b: str, only: tuple[str, ...], as_json: bool) -> int:
    """Show how two experiments differ: configuration, code, files, environment, results.

    Files are those of the code that was shipped. Of text the lines that differ are shown; with --json they are in
    "diffs".

    Exits with 0 if nothing differs, 1 if something does.

    \b
    Examples:
      nrun diff latest 20260102-1530
      nrun diff train baseline --only configuration --only results
    """
    ours, theirs = Experiment.from_id(a), Experiment.from_id(b)
    everything = ours.diff(theirs)
    found = {section: everything[section] for section in only or SECTIONS}
    texts = differences(changed_between(ours, theirs), store_of(ours)) if found.get("files") else {}
    if as_json:
        click.echo(json.dumps(found | {"diffs": texts}, indent=2))
        return int(any(found.values()))
    for section, places in found.items():
        if places:
            click.echo(section)
        for place, (before, after) in itertools.islice(places.items(), MOST_PLACES):
            click.echo(f"  {printable(place)}")
            if section == "files" and place in texts:
                click.echo("".join(f"    {printable(line)}\n" for line in texts[place].splitlines()[2:]), nl=False)
            else:
                click.echo(f"    - {_text(before)}\n    + {_text(after)}")
        if len(places) > MOST_PLACES:
            click.echo(f"  and {len(places) - MOST_PLACES:,} more (--json has them)")
    return int(any(found.values()))


def _text(value: object) -> str:
    return "(not there)" if value is None else printable(value if isinstance(value, str) else json.dumps(value))
