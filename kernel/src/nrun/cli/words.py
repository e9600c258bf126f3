"""What is typed to name an experiment, with completion from the record; for the commands of plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun.record import home_folder
from nrun.record.catalogue import names

if TYPE_CHECKING:
    import click

COMPLETED = 50  # experiments at most; who wants others types more of the word


def complete_experiment(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """`latest`, titles and ids that begin with what is typed, newest first."""
    del ctx, param
    found = names(home_folder())
    words = ["latest", *dict.fromkeys(title for _, title in found), *(id_ for id_, _ in found)]
    return [word for word in words if word.startswith(incomplete)][:COMPLETED]
