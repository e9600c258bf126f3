"""Being told of changes, and reading logs."""
# ruff: noqa: S101 - the checks are assertions

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import attrs

from nrun import State
from nrun_testing.checks.base import ENDLESS, SOON_S, Checks, check, wait_for_changes
from nrun_testing.rig import Work

if TYPE_CHECKING:
    from nrun import Backend
    from nrun.model import Handle
    from nrun_testing.rig import Rig

OFTEN = 100
"""More often than a backend that waits could speak in that time."""


class WatchingChecks(Checks):
    """Waiting costs nothing and loses nothing."""

    @check
    async def test_ends_are_told(self, rig: Rig) -> None:
        """Of jobs this backend submitted, and of jobs it observed unended."""
        async with rig.backend() as other:
            adopted = await rig.submit(other, rig.launch("adopted", rig.brief))
        async with rig.backend() as backend:
            if not (await backend.observe([adopted]))[adopted].state.ended:
                await _told_of(backend, {adopted})
            own = await rig.submit(backend, rig.launch("own", rig.brief))
            await _told_of(backend, {own})
            assert (await rig.end_of(backend, own)).state is State.SUCCEEDED

    @check
    async def test_waiting_for_changes_really_waits(self, rig: Rig) -> None:
        """It is not a busy loop: nothing happens here, so there is next to nothing to tell."""
        async with rig.backend() as backend:
            await rig.start(backend, "alive", ENDLESS)
            told = 0
            try:
                async with asyncio.timeout(SOON_S):
                    while True:
                        await backend.changes()
                        told += 1
                        await asyncio.sleep(0)
            except TimeoutError:
                pass
            assert told < OFTEN, f"changes() returned {told} times in {SOON_S} s while nothing changed"

    @check
    async def test_a_wait_that_is_given_up_loses_nothing(self, rig: Rig) -> None:
        """Promise 6: a cancelled call leaves the backend usable."""
        async with rig.backend() as backend:
            handle = await rig.start(backend, "job", rig.brief)
            for _ in range(3):
                waiting = asyncio.create_task(wait_for_changes(backend))
                await asyncio.sleep(0)
                waiting.cancel()
                await asyncio.wait([waiting])
                if not waiting.cancelled():
                    return  # the job ended in this very moment, and it was told
            await _told_of(backend, {handle})
            assert (await rig.end_of(backend, handle)).state is State.SUCCEEDED

    @check
    async def test_a_log_resumes_at_every_offset(self, rig: Rig) -> None:
        """Exactly what is from that byte on, also when that is nothing."""
        text = "line one\nzwei €\n" + "x" * 70_000
        async with rig.backend() as backend:
            handle = await rig.submit(backend, rig.launch("job", Work(output=text)))
            await rig.end_of(backend, handle)
            whole = text.encode()
            for offset in (0, 1, 14, 15, 16, 4096, len(whole) - 1, len(whole), len(whole) + 10):
                got = await rig.log(backend, handle, offset=offset)
                assert got == whole[offset:], f"from byte {offset} came {len(got)} bytes of {len(whole[offset:])}"

    @check
    async def test_a_log_that_is_not_there_is_empty(self, rig: Rig) -> None:
        """Not an error: the job may not have started."""
        async with rig.backend() as backend:
            handle = await rig.submit(backend, rig.launch("silent", Work()))
            await rig.end_of(backend, handle)
            assert await rig.log(backend, handle) == b""

    @check
    async def test_a_followed_log_ends_with_its_job(self, rig: Rig) -> None:
        """Not before, and having given everything."""
        work = attrs.evolve(rig.brief, output="begin\n", last_output="end\n")
        async with rig.backend() as backend:
            handle = await rig.submit(backend, rig.launch("job", work))
            got = await rig.log(backend, handle, follow=True)
            seen = (await backend.observe([handle]))[handle]
            assert seen.state.ended, f"the log ended while the job was {seen.state.value}"
            assert got == (b"begin\n" if self.runs_no_processes else b"begin\nend\n")


async def _told_of(backend: Backend, handles: set[Handle]) -> None:
    """Wait until `changes` has spoken of all the handles."""
    missing = set(handles)
    while missing:
        missing -= set(await backend.changes())
        await asyncio.sleep(0)
