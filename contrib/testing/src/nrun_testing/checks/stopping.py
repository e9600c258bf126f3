"""Stopping jobs, and leaving them alone."""
# ruff: noqa: S101 - the checks are assertions

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from nrun import Script, State
from nrun_testing.checks.base import ENDLESS, SOON_S, Checks, check, wait_for_changes
from nrun_testing.rig import Work

if TYPE_CHECKING:
    from typing import Any

    from nrun_testing.rig import Rig


class StoppingChecks(Checks):
    """What was asked to stop stops, and nothing else does."""

    @check
    async def test_cancelling_stops_that_job_and_no_other(self, rig: Rig) -> None:
        """And again changes nothing: the wish may come twice."""
        async with rig.backend() as backend:
            mine = await rig.start(backend, "mine", ENDLESS)
            other = await rig.start(backend, "other", ENDLESS)
            for _ in range(2):
                left = await backend.cancel([mine], grace_s=rig.deadline_s / 3)
                assert not left, f"cancel left {left}"
            end = await rig.end_of(backend, mine)
            assert end.state is not State.SUCCEEDED, f"a job that was stopped was seen as {end}"
            await rig.wait_for(backend, other, State.RUNNING)

    @check
    async def test_cancelling_an_ended_job_changes_nothing(self, rig: Rig) -> None:
        """Its end stays what it was."""
        async with rig.backend() as backend:
            handle = await rig.submit(backend, rig.launch("job", Work()))
            end = await rig.end_of(backend, handle)
            assert not await backend.cancel([handle], grace_s=0.0)
            assert not await backend.cancel([], grace_s=0.0)
            again = (await backend.observe([handle]))[handle]
            assert (again.state, again.exit_code) == (end.state, end.exit_code), f"it was {end}, now it is {again}"

    @check
    async def test_a_job_that_will_not_stop_is_killed(self, rig: Rig) -> None:
        """After the grace, with all that it started."""
        self.needs_processes()
        deaf = Script(inline="trap '' TERM INT HUP\necho ready\nsleep 600 & sleep 600\n", entrypoint="sh")
        async with rig.backend() as backend:
            handle = await rig.submit(backend, rig.launch_tasks("deaf", [deaf]))
            await rig.wait_for(backend, handle, State.RUNNING)
            while not await rig.log(backend, handle):  # noqa: ASYNC110 - logs send no events
                await asyncio.sleep(SOON_S)
            left = await backend.cancel([handle], grace_s=SOON_S)
            assert not left, f"cancel left {left}"
            assert (await rig.end_of(backend, handle)).state is not State.SUCCEEDED

    @check
    async def test_closing_leaves_jobs_alone(self, rig: Rig) -> None:
        """Promise 9: they go on and end as if nothing had been."""
        async with rig.backend() as backend:
            await rig.start(backend, "job", rig.brief)
        async with rig.backend() as other:
            handle = (await other.find([rig.attempt("job")]))[rig.attempt("job").tag]
            assert (await rig.end_of(other, handle)).state is State.SUCCEEDED

    @check
    async def test_closing_leaks_nothing(self, rig: Rig) -> None:
        """Promise 9: no task, thread or descriptor, even with a job still running."""
        async with rig.backend() as backend:  # what is set up once per process or loop is set up now
            await rig.start(backend, "first", ENDLESS)
        before = _belongings()
        async with rig.backend() as backend:
            await rig.start(backend, "second", ENDLESS)
            waiting = asyncio.create_task(wait_for_changes(backend))
            await asyncio.sleep(SOON_S)
            waiting.cancel()
            await asyncio.wait([waiting])
        await asyncio.sleep(SOON_S)
        tasks, threads, descriptors = _belongings()
        assert tasks <= before[0], f"tasks left behind: {tasks - before[0]}"
        assert threads <= before[1], f"threads left behind: {threads - before[1]}"
        assert descriptors <= before[2], f"{descriptors - before[2]} descriptors left open"


def _belongings() -> tuple[set[asyncio.Task[Any]], set[threading.Thread], int]:
    """Tasks, threads (but those of the loop itself) and the number of descriptors."""
    threads = {thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")}
    return asyncio.all_tasks(), threads, len(list(Path("/dev/fd").iterdir()))
