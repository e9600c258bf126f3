"""What all checks share: their settings, and how an async check is run."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, ClassVar, TypeVar

import pytest

from nrun_testing.rig import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine
    from typing import Any

    from nrun import Backend
    from nrun.model import Handle
    from nrun_testing.rig import Rig

ENDLESS = Work(runs_for_s=600.0)
"""It ends only by being stopped."""
FAILING = 3
SOON_S = 0.1

ChecksT = TypeVar("ChecksT", bound="Checks")


class Checks:
    """What a suite says about its backend."""

    deadline_s: ClassVar[float] = 30.0
    """Longest that a job may take to start or to stop, and a call to answer."""
    brief_s: ClassVar[float] = 0.5
    """How long a job runs that must be seen running; more than the pace at which the backend looks."""
    runs_no_processes: ClassVar[str] = ""
    """Why this backend runs no processes, if it does not. Shown with each check that is skipped for it."""

    def needs_processes(self) -> None:
        """Skip the check, saying why, if the backend runs no processes."""
        if self.runs_no_processes:
            pytest.skip(f"this backend runs no processes: {self.runs_no_processes}")


def check(
    scenario: Callable[[ChecksT, Rig], Coroutine[Any, Any, None]],
) -> Callable[[ChecksT, Rig], None]:
    """A check as pytest calls it: in an event loop of its own, never for longer than some deadlines."""

    @functools.wraps(scenario)
    def run(suite: ChecksT, rig: Rig) -> None:
        async def whole() -> None:
            try:
                async with asyncio.timeout(3 * rig.deadline_s):
                    await scenario(suite, rig)
            finally:
                await rig.stop_what_is_left()

        asyncio.run(whole())

    return run


async def wait_for_changes(backend: Backend) -> Collection[Handle]:
    """As a coroutine, which is what a task can be made of."""
    return await backend.changes()
