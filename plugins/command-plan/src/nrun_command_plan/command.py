"""`nrun plan FILE[:NAME]`."""

from __future__ import annotations

import contextlib
import json
import sys

import click

from nrun.cli.load import load_experiments
from nrun.launching import session
from nrun.outcome import plan_json, plan_text


@click.command(
    short_help="Print exactly what would be submitted",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("--json", "as_json", is_flag=True, help="Print the plans as JSON.")
@click.argument("target", metavar="FILE[:NAME]", type=click.Path())
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def plan(target: str, args: tuple[str, ...], as_json: bool) -> None:
    """Print the exact scripts that `nrun run FILE[:NAME]` would hand over. Nothing is written or submitted.

    The same input gives the same text, so two plans can be compared with `diff`. FILE itself is run, up to where
    it wants a result.

    \b
    Examples:
      nrun plan train.py
      nrun plan --json train.py | jq '.[0].jobs[].name'
      diff <(nrun plan old.py) <(nrun plan new.py)
    """
    with session(plan_only=True) as collected, contextlib.redirect_stdout(sys.stderr):
        load_experiments(target, args, collected)
        plans = [(exp, id(exp) in collected.sequential) for exp in collected.experiments]
        if as_json:
            text = json.dumps([plan_json(exp, sequential=sequential) for exp, sequential in plans], indent=2)
        else:
            text = "\n".join(plan_text(exp, sequential=sequential) for exp, sequential in plans)
    click.echo(text)
