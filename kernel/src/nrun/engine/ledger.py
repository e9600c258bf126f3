"""What one process in charge writes down, takes into account, and has the observers told: always in this order."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from nrun.engine.handover import told
from nrun.events import CancelRequested, ControlError, Underway
from nrun.record import fold_all

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Sequence

    from nrun.engine.secrets import Secrets
    from nrun.events import Event
    from nrun.plugins.observers import Observers
    from nrun.record import ExperimentFolder, JobStatus, Journal

QUIET_S = 2.0
"""How far something is, nobody hears of what takes no longer."""


class Ledger:
    """The journal of an experiment, and the statuses of its jobs that follow from it."""

    def __init__(
        self, folder: ExperimentFolder, journal: Journal, statuses: dict[str, JobStatus], secrets: Secrets
    ) -> None:
        self.folder = folder
        self.secrets = secrets
        self.statuses = statuses
        self._journal = journal
        self._news: list[Event] = []
        self._woken = asyncio.Event()
        self._closed = False
        self._wishes: list[str] = []

    def note(self, events: Sequence[Event], *, durable: bool = False) -> None:
        """Write events down. Raises RecordError if that fails; then nothing may be done that relies on them."""
        if not events:
            return
        events = self.secrets.redacted(events)
        self._journal.append(events, durable=durable)
        fold_all(self.statuses, events, self.folder.id)
        self._tell(events)

    def trouble(self, action: str, error: Exception, jobs: Collection[str]) -> None:
        """Write down that watching or steering went wrong."""
        self.note([ControlError(at=time.time(), action=action, message=told(error), jobs=tuple(jobs))])

    def heed(self) -> None:
        """Take in what other processes asked for: jobs to be cancelled."""
        asked = [event for event in self._journal.foreign() if isinstance(event, CancelRequested)]
        fold_all(self.statuses, asked, self.folder.id)
        if asked:
            self._tell(asked)
            self._wishes += [event.job for event in asked]

    def take_wishes(self) -> list[str]:
        """The jobs that others want cancelled, each told once."""
        self.heed()
        wishes, self._wishes = self._wishes, []
        return wishes

    async def tell(self, observers: Observers) -> None:
        """Tell `observers` of everything, until `close`."""
        while self._news or not self._closed:
            await self._woken.wait()
            self._woken.clear()
            news, self._news = self._news, []
            await observers.tell(news, self.folder.id, self.folder.path)

    @contextlib.asynccontextmanager
    async def underway(self, action: str) -> AsyncGenerator[Callable[[int, int], None], None]:
        """Within it, observers hear how far it is. Gives what is to be told, from any thread, bytes done and to do."""
        far = [0, 0]

        async def tell() -> None:
            await asyncio.sleep(QUIET_S)
            while True:
                self._tell([Underway(at=time.time(), action=action, done=far[0], total=far[1])])
                await asyncio.sleep(1.0)

        telling = asyncio.create_task(tell())
        try:
            yield lambda done, total: far.__setitem__(slice(None), (done, total))
        finally:
            telling.cancel()

    def _tell(self, events: Sequence[Event]) -> None:
        self._news += events
        self._woken.set()

    def close(self) -> None:
        """There will be no more news."""
        self._closed = True
        self._woken.set()
