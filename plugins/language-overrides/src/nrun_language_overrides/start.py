"""The task of an entrypoint before anything that was typed is taken into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nrun.cli.entrypoint import DEFAULT, registered
from nrun.config.edit import to_partial
from nrun.config.node import Config, Partial
from nrun.config.order import lacking
from nrun.config.target import display_name
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from nrun import Entrypoint

CONTEXT = "ctx"
"""The argument by which an entrypoint that makes experiments is told about the run; typing `ctx.` is typing `run.`."""


def default_task(entry: Entrypoint) -> Partial[Any]:
    """The task that the entrypoint's own factory gives, or one with nothing set. Raises as `task_of` does."""
    own = [one.function for one in registered if (one.name, one.parent) == (DEFAULT, entry.function)]
    make = entry.default_factory or (own[-1] if own else None)
    return task_of(entry, make() if make else Partial(entry.function))


def task_of(entry: Entrypoint, made: object) -> Partial[Any]:
    """What a factory made, as the task of an entrypoint. Raises ConfigError if it describes something else."""
    if not isinstance(made, Config | Partial) or made.__nrun_target__ is not entry.function:
        name = display_name(entry.function)
        raise ConfigError(f"the factory of {name} gives {made!r:.100}, not a Config or Partial of {name}")
    task = to_partial(made)
    for argument in lacking(task) if entry.type == "task" else ():
        task[
            argument
        ]  # a default that describes something is copied by being read, so that help can show what is in it
    return task
