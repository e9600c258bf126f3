"""`nrun note` and `nrun tag`."""

from __future__ import annotations

import json
import time

import click

from nrun import Experiment
from nrun.cli.words import complete_experiment
from nrun.text import printable


@click.command()
@click.argument("experiment", shell_complete=complete_experiment)
@click.argument("text", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the notes as a JSON array.")
def note(experiment: str, text: str | None, as_json: bool) -> None:
    """Write something down about an experiment; without TEXT, show what was written.

    Notes stay with the record. `nrun list --text` finds them.

    \b
    Examples:
      nrun note latest "diverges after epoch 3: too high a learning rate"
      nrun note train
    """
    exp = Experiment.from_id(experiment)
    if text is not None:
        exp.note(text)
    if as_json:
        click.echo(json.dumps([{"at": one.at, "by": one.by, "text": one.text} for one in exp.notes], indent=2))
    elif text is None:
        for one in exp.notes:
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.at))
            click.echo(f"{when}  {printable(one.by)}: {printable(one.text)}")


@click.command()
@click.argument("experiment", shell_complete=complete_experiment)
@click.argument("tags", nargs=-1, metavar="[TAG]...")
@click.option("-r", "--remove", multiple=True, metavar="TAG", help="Take this tag off; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the tags as a JSON array.")
def tag(experiment: str, tags: tuple[str, ...], remove: tuple[str, ...], as_json: bool) -> None:
    """Put tags on an experiment, or take them off; prints those that it has then.

    What is tagged `keep` is never removed by `nrun experiment gc`.

    \b
    Examples:
      nrun tag latest paper baseline
      nrun tag train keep --remove draft
    """
    exp = Experiment.from_id(experiment)
    if remove:
        exp.untag(*remove)
    if tags:
        exp.tag(*tags)
    click.echo(json.dumps(list(exp.tags)) if as_json else "\n".join(exp.tags), nl=as_json or bool(exp.tags))
