"""What Ctrl-C does to the jobs of an experiment."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Literal, TypeAlias

from nrun.errors import PlanError

OnInterrupt: TypeAlias = Literal["detach", "cancel", "ask"]
"""What Ctrl-C does to the jobs: leave them to a supervisor, stop them, or ask (where somebody can answer)."""

SECOND_PRESS_S = 2.0
"""How long after detaching another Ctrl-C cancels the jobs."""


def policy(given: OnInterrupt | None) -> OnInterrupt:
    """What an interrupt does: as given, as `NRUN_ON_INTERRUPT` says, or detach. Raises PlanError."""
    wanted = given or os.environ.get("NRUN_ON_INTERRUPT") or "detach"
    for known in ("detach", "cancel", "ask"):
        if wanted == known:
            return known
    msg = f"on_interrupt is detach, cancel or ask, not {wanted!r}"
    raise PlanError(msg, hint="it comes from the call, or from NRUN_ON_INTERRUPT")


def wants_to_cancel() -> bool:
    """Ask, where somebody can answer."""
    if not sys.stdin.isatty():
        return False
    print("nrun: leave the jobs running, or cancel them? [L/c] ", end="", file=sys.stderr, flush=True)  # noqa: T201 - a question
    return sys.stdin.readline().strip().lower().startswith("c")


def say(text: str) -> None:
    """Answer an interrupt by words."""
    with contextlib.suppress(OSError):  # the terminal may be gone
        print(f"nrun: {text}", file=sys.stderr, flush=True)  # noqa: T201 - Ctrl-C is answered by words
