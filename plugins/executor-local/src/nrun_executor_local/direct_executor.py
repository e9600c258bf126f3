"""`DirectExecutor`: what users write to run tasks inside the launching process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import attrs

from nrun import Executor

if TYPE_CHECKING:
    from nrun.model import Place


@attrs.frozen(kw_only=True)
class DirectExecutor(Executor):
    """Runs tasks in the launching process itself: breakpoints work, and nothing is imported twice.

    Scripts run as processes, one at a time. `exp.run(direct=True)` uses it for every job.
    """

    def place(self) -> Place:
        """This process."""
        from nrun.model import Place  # not for help, which only names what is installed

        return Place("direct")

    def interpreter(self) -> str:
        """The interpreter that launches."""
        return sys.executable
