"""The logs of a running experiment, line by line as its jobs write them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nrun.engine.look import read_logs
from nrun.model import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from nrun.engine.view import View
    from nrun.plugins import Hooks

PAUSE_S = 0.1
"""How often is looked for jobs that have started."""


async def tail(view: View, hooks: Hooks, write: Callable[[str, str], None]) -> None:
    """Give `write` every whole line with the name of its job, until every job has ended and all was read."""
    begun: set[tuple[str, int]] = set()
    async with asyncio.TaskGroup() as group:
        while True:
            over = view.state.ended
            for status in view.statuses.values():
                attempt = (status.name, status.attempt)
                if status.handle is not None and attempt not in begun:
                    begun.add(attempt)
                    for stream in STREAMS:
                        group.create_task(_follow(view, status.name, hooks, stream, write))
            if over:
                return
            await asyncio.sleep(PAUSE_S)


async def _follow(view: View, job: str, hooks: Hooks, stream: str, write: Callable[[str, str], None]) -> None:
    rest = b""
    async for chunk in read_logs(view, job, hooks, stream=stream, follow=True):
        *lines, rest = (rest + chunk.data).split(b"\n")
        for line in lines:
            write(job, line.decode("utf-8", "replace"))
    if rest:
        write(job, rest.decode("utf-8", "replace"))
