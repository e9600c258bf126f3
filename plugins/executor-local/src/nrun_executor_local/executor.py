"""`LocalExecutor`: what users write to run tasks on this machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import attrs

from nrun import Executor

if TYPE_CHECKING:
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

    def place(self) -> Place:
        """This machine."""
        from nrun.model import Place  # not for help, which only names what is installed

        return Place("local")

    def interpreter(self) -> str:
        """The interpreter that launches, unless told otherwise."""
        return self.python
