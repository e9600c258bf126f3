"""Tells observers what happens, each in its own guard: they can be wrong or slow, a run cannot notice."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from nrun.events import Event
    from nrun.plugins.host import PluginRecord

OBSERVER_TIMEOUT_S = 5.0
"""How long an observer may take over one event before it is left out."""

_log = logging.getLogger("nrun.plugins")


class Observers:
    """The observers of one run. One that raises or is too slow is reported once, then left out."""

    def __init__(
        self,
        implementations: list[tuple[PluginRecord, Callable[..., object]]],
        timeout_s: float = OBSERVER_TIMEOUT_S,
        *,
        watching: bool = False,
    ) -> None:
        self._implementations = implementations
        self._timeout_s = timeout_s
        self._watching = watching

    async def tell(self, events: Sequence[Event], experiment: str, folder: Path) -> None:
        """Tell every observer of `events` of one experiment, whose record is in `folder`, in order."""
        for implementation in tuple(self._implementations):
            record, function = implementation
            try:
                for event in events:
                    await self._tell_one(function, event, experiment, folder)
            except (Exception, SystemExit, asyncio.CancelledError) as error:
                if isinstance(error, asyncio.CancelledError) and _is_being_cancelled():
                    raise
                self._implementations.remove(implementation)
                record.fail(error, "nrun_event failed")
                _log.warning("observer %s failed and is left out: %s", record.name, record.cause)

    async def _tell_one(self, function: Callable[..., object], event: Event, experiment: str, folder: Path) -> None:
        began = time.monotonic()
        result = function(event=event, experiment=experiment, folder=folder, watching=self._watching)
        if result is not None and inspect.isawaitable(result):
            async with asyncio.timeout(self._timeout_s):
                await result
        if time.monotonic() - began > self._timeout_s:  # it blocked instead of awaiting, which no timeout can end
            raise TimeoutError(f"it blocked for more than {self._timeout_s:g} s")


def _is_being_cancelled() -> bool:
    """Whether somebody cancels the current task; an observer's own cancellations do not count."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
