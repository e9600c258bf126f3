"""`nrun experiment`: the commands that look after experiments, together."""

from __future__ import annotations

import click

from nrun.cli.root import PluginGroup
from nrun_command_experiment.artifacts import artifacts
from nrun_command_experiment.cancel import cancel
from nrun_command_experiment.carry import attach, rerun, resume
from nrun_command_experiment.diff import diff
from nrun_command_experiment.listing import list_
from nrun_command_experiment.logs import logs
from nrun_command_experiment.nodes import nodes
from nrun_command_experiment.preempt import preempt
from nrun_command_experiment.results import results
from nrun_command_experiment.show import show
from nrun_command_experiment.status import status


@click.group(cls=PluginGroup)
def experiment() -> None:
    """List experiments and look after them; most commands also work without `experiment`.

    \b
    Examples:
      nrun experiment list
      nrun experiment status latest
    """


for _command in (artifacts, attach, cancel, diff, list_, logs, nodes, preempt, rerun, results, resume, show, status):
    experiment.add_command(_command)
