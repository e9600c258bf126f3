"""What is typed to name an experiment or a job, with completion from the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nrun.record import home_folder
from nrun.record.catalogue import names

if TYPE_CHECKING:
    from nrun import Experiment

COMPLETED = 50
"""How many experiments completion offers at most."""


def complete_experiment(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """`latest`, titles and ids that begin with what is typed, newest first."""
    del ctx, param
    found = names(home_folder())
    words = ["latest", *dict.fromkeys(title for _, title in found), *(id_ for id_, _ in found)]
    return [word for word in words if word.startswith(incomplete)][:COMPLETED]


def only_job(exp: Experiment, job: str | None) -> str:
    """The job meant: the one named, or the only one there is. Raises click.UsageError."""
    names = list(exp.jobs)
    if job is not None:
        return job
    if len(names) == 1:
        return names[0]
    shown = ", ".join(map(repr, names[:20]))
    msg = f"{exp.id} has {len(names)} jobs; say which: {shown}"
    raise click.UsageError(msg)
