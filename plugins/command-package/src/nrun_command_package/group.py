"""`nrun package`: the commands about code that travels, together."""

from __future__ import annotations

import click

from nrun.cli.root import PluginGroup
from nrun_command_package.listing import list_
from nrun_command_package.restore import restore
from nrun_command_package.show import show


@click.group(cls=PluginGroup)
def package() -> None:
    """Show what code would travel with jobs, and restore what did.

    \b
    Examples:
      nrun package show --sizes
      nrun package restore latest ./as-it-was
    """


for _command in (list_, restore, show):
    package.add_command(_command)
