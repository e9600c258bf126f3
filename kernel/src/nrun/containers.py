"""Containers: the image in which the processes of a job run, within whatever its executor gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from nrun.arguments import Extensible
from nrun.declare import Spec
from nrun.errors import ConfigError
from nrun.model import Worker
from nrun.text import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nrun.model import Command, Word
    from nrun.protocols import Executor


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ContainerSpec(Spec):
    """What runs images. `run.<class_name>` gives the class."""

    class_name: str
    container: Callable[[], type[Container]]


def _mounts(given: Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, str) or not all(one.startswith("/") for one in given):
        raise ConfigError(f"mounts must be a list of '/PATH', '/PATH:/INSIDE' or '/PATH:/INSIDE:OPTIONS': {given!r}")
    return tuple(one if ":" in one else f"{one}:{one}" for one in given)


def _env(given: Mapping[str, str]) -> dict[str, str]:
    return environment(given, "Container.env")


@attrs.frozen(kw_only=True)
class Container(Extensible):
    """The image that a job runs in, and what it sees of the host. Plugins subclass it, one for each runtime.

    An executor that can run jobs in one has a field `container`, with `check_container` as its validator, and gives its
    `python` as interpreter. Most runtimes are commands, which `wrap` makes. Some are asked for by options of the
    command with which a scheduler starts processes: `step_options` are these, what that starts runs inside, in a shell
    that sets `env` again, and an executor that does so has an attribute `takes_step_options`, which is true.
    """

    image: str
    mounts: Sequence[str] = attrs.field(default=(), converter=_mounts)
    """Of the host: `/data`, `/data:/inside` or `/data:/inside:ro`. What the job cannot do without is there anyway."""
    workdir: str | None = None
    """Where it starts; None: where it would without a container."""
    env: Mapping[str, str] = attrs.field(factory=dict, converter=_env)
    """Variables inside, which go before those of the image. Those of the job are there too."""
    python: str = "python3"
    """Inside, for function tasks and for scripts whose entrypoint is `python`."""

    def wrap(self, command: Command, executor: Executor) -> Command:
        """The command that starts `command` inside. Pure. Raises PlanError where the executor cannot do it."""
        raise TypeError(f"{type(self).__name__} does not start {command!r} for {executor!r}; override wrap()")

    def step_options(self, command: Command) -> Sequence[Word]:
        """What the scheduler's command is told, if `wrap` does not do it all. Pure."""
        del command
        return ()

    def needed(self, command: Command) -> list[Word]:
        """Folders of the host that must be at the same place inside: the experiment's, and where the job starts."""
        inside = [mount.split(":")[1].rstrip("/") + "/" for mount in self.mounts]
        known = not isinstance(command.cwd, str) or any(f"{command.cwd}/".startswith(one) for one in inside)
        return [Worker(folder=True), *([] if known else [command.cwd])]
