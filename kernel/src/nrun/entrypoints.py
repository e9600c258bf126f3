"""Functions that can be run from the command line, as the kernel and command languages know them: data alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import attrs

from nrun.data import Data

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import click

    from nrun.config.node import Config
    from nrun.protocols import Executor, Plugin


def _several(given: object) -> Sequence[Any]:
    return tuple(given) if isinstance(given, list | tuple) else (given,)


class Link(NamedTuple):
    """One argument takes its value from another: what is at `dst` is what is at `src`, or what `via` makes of it."""

    dst: str
    src: str
    via: Callable[[Any], Any] | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Entrypoint(Data):
    """A function that can be run from the command line, and what it runs with unless something else is typed."""

    function: Callable[..., Any]
    name: str
    namespace: str
    """Dotted: the groups of commands that lead to it within the group of its distribution; empty for none."""
    help: str
    type: Literal["task", "experiment"] = "task"
    """A task is run as a job. An experiment makes jobs itself and is given a `ctx` to launch them by."""
    default_factory: Callable[..., Any] | None = None
    """Gives the configuration to start from."""
    default_executor: Executor | Config[Executor] | None = None
    default_plugins: Sequence[Plugin | Config[Plugin]] = attrs.field(default=(), converter=_several)
    skip_confirmation: bool = False
    enable_executor: bool = True
    """Without it the function is called in this process, as a plain command is: there is no job and no record."""
    cmd_defaults: Mapping[str, object] = {}
    """What the options of the command are unless they are typed, by their names: `{"tail_logs": True}`."""
    env_prefix: str = ""
    """With `APP`, the environment variable `APP__model__layers` sets `model.layers` unless that is typed."""
    links: Sequence[Link] = ()
    """What follows from other arguments, in this order, when all has been typed. Nobody can type it."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RegisteredFactory(Data):
    """A function that gives something under a name, for arguments of the type that it gives."""

    function: Callable[..., Any]
    name: str
    parent: Callable[..., Any] | None
    """The target for whose arguments it is; None for any."""
    argument: str | None
    """The argument of that target; None for any."""
    namespace: str | None = None
    """As text instead: `module.Class` of the type that is asked for, `module.target` or `module.target.argument`."""
    override: bool = False
    """Whether it takes the place of another one of that name."""


class Language(Protocol):
    """Turns what is typed after an entrypoint into a run of it."""

    def command(self, entry: Entrypoint) -> click.Command:
        """The command that runs `entry` with what is typed: reads it, checks it, plans or runs.

        Makes it without loading anything heavy, as it is made for help and completion too. Its callback gives the exit
        code: 0 if all succeeded, 1 if not. Raises UsageError for what cannot be read: then nothing was done.
        """
        ...
