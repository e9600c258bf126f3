"""The executor of the system in memory: what its jobs will do, and what will go wrong."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import attrs

from nrun import Executor

if TYPE_CHECKING:
    from nrun.model import Place


class Fault(enum.StrEnum):
    """One call that fails, and how."""

    OPEN = "open"
    """The place cannot be reached."""
    REQUEST_LOST = "request-lost"
    """A submission never arrives: nothing of it exists."""
    ANSWER_LOST = "answer-lost"
    """A submission arrives and its jobs run, but nobody hears of it."""
    FIND = "find"
    OBSERVE = "observe"
    CANCEL = "cancel"


@attrs.frozen(kw_only=True)
class MemoryExecutor(Executor):
    """Says what its jobs will do, and what will go wrong in dealing with them."""

    system: str = "memory"
    """Name of the imaginary system. Executors with the same name and faults share it."""
    exit_codes: tuple[int, ...] = (0,)
    """How the first attempt ends, the second, and so on; the last is for all that follow."""
    runs_for_s: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))
    causes: tuple[str, ...] = ()
    """What makes the first attempt fail, the second, and so on, if they do; without it, nobody can tell."""
    output: str = ""
    """What a job writes to its log when it starts."""
    refused: str = ""
    """Why the system takes none of these jobs; empty: it takes them."""
    faults: tuple[Fault, ...] = ()
    """Each fails one call of its kind, in this order."""

    def place(self) -> Place:
        """The imaginary system."""
        from nrun.model import Place

        return Place("memory", (("system", self.system), ("faults", " ".join(fault.value for fault in self.faults))))
