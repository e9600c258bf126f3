"""`nrun host`: can it be used for jobs?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nrun import LocalTunnel
from nrun.cli.findings import say
from nrun.cli.root import hooks_of
from nrun.sync import run_sync
from nrun_command_host.checks import check as checked

if TYPE_CHECKING:
    from nrun import Tunnel
    from nrun.plugins import Hooks

THIS_MACHINE = "localhost"


@click.group()
def host() -> None:
    """Say what works on a host.

    \b
    Examples:
      nrun host check cluster
    """


@host.command()
@click.argument("name")
@click.option("--job-dir", default="~/nrun", show_default=True, help="Folder there in which jobs are to lie.")
@click.option("--transport", default="ssh", show_default=True, help="How to reach it.")
@click.option("--config", help="Configuration of the transport, in place of the user's own.")
@click.option("--via", help="What the transport connects by; `openssh` shares the connection of your own ssh.")
@click.option("--timeout", type=float, default=20.0, show_default=True, help="Most seconds for the host's answers.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def check(
    context: click.Context,
    name: str,
    job_dir: str,
    transport: str,
    config: str | None,
    via: str | None,
    timeout: float,
    as_json: bool,
) -> int:
    """Check that the host NAME, as your configuration calls it, can be used: what works, and what to do about the rest.

    Exits with 0 if all is well, 1 otherwise.

    \b
    Examples:
      nrun host check cluster
      nrun host check me@login.example.org --job-dir /scratch/me/nrun --json
      nrun host check localhost
    """
    options = {key: value for key, value in (("config", config), ("via", via)) if value is not None}
    findings = run_sync(checked(_tunnel(hooks_of(context), transport, name, job_dir, options), timeout))
    return say(findings, as_json=as_json)


def _tunnel(hooks: Hooks, transport: str, name: str, job_dir: str, options: dict[str, str]) -> Tunnel:
    if name == THIS_MACHINE and not options:
        return LocalTunnel(job_dir=job_dir)
    user, _, address = name.rpartition("@")
    given = options | ({"user": user} if user else {})
    return hooks.transports.get(transport).tunnel()(host=address, job_dir=job_dir, **given)
