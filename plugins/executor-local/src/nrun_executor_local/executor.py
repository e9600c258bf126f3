"""`LocalExecutor`: what users write to run tasks on this machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import attrs

from nrun import Executor

if TYPE_CHECKING:
    from nrun.model import Place


@attrs.frozen(kw_only=True)
class LocalExecutor(Executor):
    """Runs tasks as processes of this machine, each in a process group and with log files of its own.

    Jobs inherit the environment of the launching process, then `env_vars`. At most `max_parallel` run at
    once; the default is one more than the processors this process may use, so that none of them idles while a
    job ends or starts.
    """

    python: str = sys.executable
    """Interpreter of function tasks, and of scripts whose entrypoint is `python`."""

    def place(self) -> Place:
        """This machine."""
        from nrun.model import Place  # not for help, which only names what is installed

        return Place("local")

    def interpreter(self) -> str:
        """The interpreter that launches, unless told otherwise."""
        return self.python


@attrs.frozen(kw_only=True)
class DirectExecutor(Executor):
    """Runs tasks in the launching process itself: breakpoints work, and nothing is imported twice.

    Scripts run as processes, one at a time. `exp.run(direct=True)` uses it for every job.
    """

    def place(self) -> Place:
        """This process."""
        from nrun.model import Place  # as above

        return Place("direct")

    def interpreter(self) -> str:
        """The interpreter that launches."""
        return sys.executable
