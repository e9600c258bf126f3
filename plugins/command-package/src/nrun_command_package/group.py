"""The group `nrun package`."""

from __future__ import annotations

import click

from nrun_command_package.restore import list_, restore
from nrun_command_package.show import show


@click.group(short_help="See what code would travel, and have back what did")
def package() -> None:
    """See what code would travel with a job, and have back what travelled with one.

    \b
    Examples:
      nrun package show --sizes
      nrun package restore latest ./as-it-was
    """


for command in (show, list_, restore):
    package.add_command(command)
