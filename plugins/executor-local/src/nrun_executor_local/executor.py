"""`LocalExecutor`: what users write to run tasks on this machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import attrs
from attrs.validators import and_, ge, instance_of

from nrun import Executor
from nrun.protocols import check_container

if TYPE_CHECKING:
    from nrun import Container
    from nrun.model import Place


@attrs.frozen(kw_only=True, eq=False, repr=False)
class LocalExecutor(Executor):
    """Runs tasks as processes of this machine, each in a process group and with log files of its own.

    Jobs inherit the environment of the launching process, then `env_vars`. At most `max_parallel` run at
    once; the default is one more than the processors this process may use, so that none of them idles while a
    job ends or starts.
    """

    python: str = sys.executable
    """Interpreter of function tasks, and of scripts whose entrypoint is `python`."""
    ntasks_per_node: int = attrs.field(default=1, validator=and_(instance_of(int), ge(1)))
    """How many processes a launcher starts, such as `Torchrun()`. Without one a job is one process."""
    container: Container | None = attrs.field(default=None, validator=check_container)
    """The image that jobs run in; None: they run on this machine as it is."""

    def place(self) -> Place:
        """This machine."""
        from nrun.model import Place  # not for help, which only names what is installed

        return Place("local")

    def nproc_per_node(self) -> int:
        """As many as were asked for."""
        return self.ntasks_per_node

    def interpreter(self) -> str:
        """The interpreter that launches, unless told otherwise; in a container that of its image."""
        return self.container.python if self.container else self.python
