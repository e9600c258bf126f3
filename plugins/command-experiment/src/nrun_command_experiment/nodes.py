"""`nrun experiment nodes`."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click

from nrun import Experiment
from nrun.abilities import AvoidsNodes
from nrun.cli.words import complete_experiment
from nrun.engine.look import open_backend
from nrun.sync import run_sync
from nrun.text import printable

if TYPE_CHECKING:
    from collections.abc import Collection


@click.command()
@click.argument("experiment", shell_complete=complete_experiment, default="latest", metavar="[EXPERIMENT]")
@click.option("--forget", multiple=True, metavar="NODE", help="Use this node again; may be repeated.")
@click.option("--forget-all", is_flag=True, help="Use all nodes again.")
@click.option("--json", "as_json", is_flag=True, help="Print the nodes as JSON.")
def nodes(experiment: str, forget: tuple[str, ...], forget_all: bool, as_json: bool) -> None:
    """Show the nodes that jobs keep away from, where those of an experiment go, because they are to blame for failures.

    \b
    Examples:
      nrun experiment nodes
      nrun experiment nodes train --forget gpu07
    """
    found = run_sync(_nodes(Experiment.from_id(experiment), None if not forget_all and not forget else forget))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for one in found:
        until = time.strftime("%Y-%m-%d %H:%M", time.localtime(one["until"]))
        click.echo(f"{printable(one['node'])}  until {until}  {printable(one['reason'])}")
    if not found:
        click.echo("jobs keep away from no node", err=True)


async def _nodes(exp: Experiment, forget: Collection[str] | None) -> list[dict[str, Any]]:
    view, hooks = exp.recorded()
    found: list[dict[str, Any]] = []
    for place in dict.fromkeys(place for places in view.places.values() for place in places):
        async with open_backend(place, hooks) as backend:
            told = await backend.avoided_nodes(forget) if isinstance(backend, AvoidsNodes) else ()
        found += [{"node": node, "until": until, "reason": reason} for until, node, reason in told]
    return found
