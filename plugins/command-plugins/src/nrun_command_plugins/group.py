"""`nrun plugins`: what is installed, what it provides, and whether it is well."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from nrun import UnknownName
from nrun.cli.findings import say
from nrun.cli.root import hooks_of
from nrun.errors import did_you_mean
from nrun.plugins import PluginState
from nrun.text import columns, printable
from nrun_command_plugins.doctor import diagnose, examine
from nrun_command_plugins.provides import declarations, provided_by

if TYPE_CHECKING:
    from nrun.plugins import Hooks, PluginRecord

SHORT_CAUSE = 100
"""How much of a failure's cause a list shows."""


@click.group()
def plugins() -> None:
    """Show what is installed, what it provides, and whether it is well.

    \b
    Examples:
      nrun plugins list
      nrun plugins info executor-local
      nrun plugins doctor
    """


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as a JSON array.")
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List plugins with their distribution, state and what they provide.

    \b
    Examples:
      nrun plugins list
      nrun plugins list --json | jq -r '.[] | select(.state != "LOADED") | .name'
    """
    hooks = hooks_of(context)
    found = provided_by(hooks)  # collecting may find a plugin failing, so it comes before the states are shown
    if as_json:
        click.echo(
            json.dumps([_as_json(record, found.get(record.name, {})) for record in hooks.host.records], indent=2)
        )
        return
    rows = [("plugin", "distribution", "version", "state", "provides")]
    for record in hooks.host.records:
        what = "; ".join(f"{kind} {', '.join(names)}" for kind, names in found.get(record.name, {}).items())
        cause = printable(record.cause.partition("\n")[0])[:SHORT_CAUSE]
        rows.append((record.name, record.ref.distribution, record.ref.version, record.state.value, cause or what))
    click.echo(columns(rows))


@plugins.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def info(context: click.Context, name: str, as_json: bool) -> None:
    """Show everything a plugin declares; for what users write, such as executors, also the fields.

    \b
    Examples:
      nrun plugins info executor-local
    """
    hooks = hooks_of(context)
    found = provided_by(hooks)
    record = _record(hooks, name)
    declared = declarations(hooks, record)
    if as_json:
        form = _as_json(record, found.get(record.name, {})) | {"declarations": [one.to_json() for one in declared]}
        click.echo(json.dumps(form, indent=2))
        return
    click.echo(f"{record.name}  {record.ref.distribution} {record.ref.version}  {record.state.value}")
    click.echo(f"module {record.ref.module}, written for {record.ref.group}")
    if record.cause:
        click.echo(f"cause: {printable(record.cause)}")
    for one in declared:
        click.echo(f"\n{one.kind} {one.name}: {one.summary}")
        if one.fields:
            click.echo(columns([(f"  {f.name}", f.type, f.default) for f in one.fields]))


@plugins.command()
@click.option("--on", "profile", metavar="PROFILE", help="Check the place of a site profile instead.")
@click.option("--probe", is_flag=True, help="Run a job of one second there too.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def doctor(context: click.Context, profile: str | None, probe: bool, as_json: bool) -> int:
    """Explain every plugin that is not well, and run the checks that plugins bring for this machine.

    With --on, say what works where the executor of a site profile sends jobs, and what to do about the rest.

    Exits with 0 if all is well, 1 otherwise.

    \b
    Examples:
      nrun plugins doctor
      nrun plugins doctor --on cluster --probe
    """
    hooks = hooks_of(context)
    return say(examine(profile, probe=probe) if profile else diagnose(hooks), as_json=as_json)


def _record(hooks: Hooks, name: str) -> PluginRecord:
    for record in hooks.host.records:
        if name in (record.name, record.ref.distribution):
            return record
    known = [record.name for record in hooks.host.records]
    msg = f"there is no plugin {name!r}.{did_you_mean(name, known)}"
    raise UnknownName(msg, hint="`nrun plugins list` shows what is installed")


def _as_json(record: PluginRecord, provides: dict[str, list[str]]) -> dict[str, object]:
    return {
        "name": record.name,
        "distribution": record.ref.distribution,
        "version": record.ref.version,
        "module": record.ref.module,
        "group": record.ref.group,
        "state": record.state.value,
        "cause": record.cause,
        "provides": provides if record.state is PluginState.LOADED else {},
    }
