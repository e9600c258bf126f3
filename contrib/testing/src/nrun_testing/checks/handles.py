"""Handles, tags and other processes."""
# ruff: noqa: S101 - the checks are assertions

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import State
from nrun.model import Handle
from nrun_testing.checks.base import ENDLESS, FAILING, Checks, check
from nrun_testing.rig import Work, carried_over

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nrun_testing.rig import Rig


class HandleChecks(Checks):
    """Whoever comes later finds the jobs, and is told the truth about them."""

    @check
    async def test_a_handle_is_json_and_serves_another_process(self, rig: Rig) -> None:
        """Promise 2: to look, to read, to stop."""
        async with rig.backend() as backend:
            ends = carried_over(await rig.submit(backend, rig.launch("ends", Work(output="hi"))))
            stays = carried_over(await rig.start(backend, "stays", ENDLESS))
        async with rig.backend() as other:
            assert (await rig.end_of(other, ends)).state is State.SUCCEEDED
            assert await rig.log(other, ends) == b"hi"
            await rig.wait_for(other, stays, State.RUNNING)
            assert not await other.cancel([stays], grace_s=rig.deadline_s / 3)
            assert (await rig.end_of(other, stays)).state is not State.SUCCEEDED

    @check
    async def test_what_was_submitted_is_found_and_nothing_else(self, rig: Rig) -> None:
        """Promise 3: alive or ended, by job and attempt; the handle found is as good as the first."""
        async with rig.backend() as backend:
            ended = await rig.submit(backend, rig.launch("ended", Work(exit_code=FAILING)))
            alive = await rig.submit(backend, rig.launch("alive", ENDLESS))
            await rig.end_of(backend, ended)
        never = [rig.attempt("ended", 2), rig.attempt("alive", 2), rig.attempt("never")]
        async with rig.backend() as other:
            asked = [rig.attempt("ended"), *never, rig.attempt("alive")]
            found = await other.find(asked)
            assert set(found) == {ended.tag, alive.tag}, f"it found {sorted(map(str, found))}"
            assert all(handle.tag == tag for tag, handle in found.items())
            assert (await rig.end_of(other, found[ended.tag])).exit_code == FAILING
            await rig.wait_for(other, found[alive.tag], State.RUNNING)
            assert await other.find(never) == {}
            assert await other.find([]) == {}

    @check
    async def test_observing_answers_for_every_handle(self, rig: Rig) -> None:
        """Promise 4: one call for many, running, ended and unknown."""
        async with rig.backend() as backend:
            ended = await rig.submit(backend, rig.launch("ended", Work()))
            alive = await rig.start(backend, "alive", ENDLESS)
            await rig.end_of(backend, ended)
            unknown = Handle(rig.attempt("unknown").tag, {})
            seen = await backend.observe([ended, unknown, alive])
            assert {handle: one.state for handle, one in seen.items()} == {
                ended: State.SUCCEEDED,
                unknown: State.UNKNOWN,
                alive: State.RUNNING,
            }
            assert seen[unknown].reason, "an observation that knows nothing says why"
            assert await backend.observe([]) == {}

    @check
    async def test_a_damaged_handle_never_ends_a_running_job(self, rig: Rig) -> None:
        """Promises 4 and 5: only positive evidence ends a job; what cannot be read is UNKNOWN."""
        async with rig.backend() as backend:
            alive = await rig.start(backend, "alive", ENDLESS)
        async with rig.backend() as other:
            for damaged in _damaged(alive):
                seen = (await other.observe([damaged]))[damaged]
                assert not seen.state.ended, f"a handle with {dict(damaged.data)} was seen as {seen}"
            await rig.wait_for(other, alive, State.RUNNING)


def _damaged(handle: Handle) -> Iterator[Handle]:
    """The handle without anything, and with each of its values lost or of another type."""
    yield Handle(handle.tag, {})
    for key in handle.data:
        yield Handle(handle.tag, {name: value for name, value in handle.data.items() if name != key})
        yield Handle(handle.tag, {**handle.data, key: None})
        yield Handle(handle.tag, {**handle.data, key: ["?"]})
