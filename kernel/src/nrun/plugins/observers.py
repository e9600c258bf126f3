"""Tells observers what happens, each in its own guard: they can be wrong or slow, a run cannot notice."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nrun.events import Event
    from nrun.plugins.host import PluginRecord

OBSERVER_TIMEOUT_S = 5.0
"""How long an observer may take over one event before it is left out."""

_log = logging.getLogger("nrun.plugins")


class Observers:
    """The observers of one run. One that raises or is too slow is reported once, then left out."""

    def __init__(self, implementations: list[tuple[PluginRecord, Callable[..., object]]]) -> None:
        self._implementations = implementations

    async def tell(self, events: Sequence[Event], experiment: str) -> None:
        """Tell every observer of `events` of one experiment, in order."""
        for implementation in tuple(self._implementations):
            record, function = implementation
            try:
                async with asyncio.timeout(OBSERVER_TIMEOUT_S * len(events)):
                    for event in events:
                        result = function(event=event, experiment=experiment)
                        if inspect.isawaitable(result):
                            await result
            except (Exception, SystemExit) as error:  # noqa: BLE001 - an observer never fails a run
                self._implementations.remove(implementation)
                record.fail(error, "nrun_event failed")
                _log.warning("observer %s failed and is left out: %s", record.name, record.cause)
