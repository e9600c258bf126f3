"""The logs of a running experiment, line by line as its jobs write them."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

from nrun.engine.look import read_logs
from nrun.model import STREAMS
from nrun.text import printable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection

    from nrun.engine.view import View
    from nrun.plugins import Hooks

PAUSE_S = 0.1
"""How often is looked for jobs that have started."""


@contextlib.asynccontextmanager
async def tailing(view: View, hooks: Hooks, jobs: Collection[str]) -> AsyncIterator[None]:
    """Within it, the logs of the jobs are printed. Trouble with that is told, and does not touch the run."""

    def write(job: str, line: str) -> None:
        print(f"{printable(job)}| {printable(line.expandtabs())}")  # noqa: T201 - it was asked for

    task = asyncio.create_task(tail(view, hooks, jobs, write))
    try:
        yield
        (trouble,) = await asyncio.gather(task, return_exceptions=True)
        if trouble is not None:
            print(f"nrun: the logs cannot be shown: {trouble}", file=sys.stderr)  # noqa: T201 - as above
    finally:
        task.cancel()


async def tail(view: View, hooks: Hooks, jobs: Collection[str], write: Callable[[str, str], None]) -> None:
    """Give `write` every whole line of the jobs with their names, until all is over and all was read."""
    begun: set[tuple[str, int]] = set()
    async with asyncio.TaskGroup() as group:
        while True:
            over = view.state.ended
            for status in [view.statuses[job] for job in jobs]:
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
