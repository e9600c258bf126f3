"""Handing jobs over to a backend: never twice, whatever becomes of the answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nrun.errors import BackendError, NrunError
from nrun.model import Handle, Refused, Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from nrun.engine.ledger import Ledger
    from nrun.model import Attempt, Bundle, Launch
    from nrun.protocols import Backend

    Trouble = Callable[[str, Exception, Collection[str]], None]

LOOK_TIMEOUT_S = 60.0
"""Deadline of one call for many jobs that only looks."""
SUBMIT_TIMEOUT_S = 600.0
"""Deadline of one submission of many jobs; before it, of sending code that does not come on."""
SUBMIT_TRIES = 3
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Pauses after calls that failed, growing while they keep failing."""


def told(error: BaseException) -> str:
    """An error in one line, without the hint for its reader."""
    return error.message if isinstance(error, NrunError) else f"{type(error).__name__}: {error}"


async def hand_over(
    backend: Backend, launches: Mapping[str, Launch], attempts: Mapping[str, Attempt], ledger: Ledger
) -> Mapping[Tag, Handle | Refused]:
    """Submit the jobs, by name; gives an answer for each.

    When an answer is lost, the backend is searched first, for as long as that takes, and only what certainly
    does not exist is submitted again. What went wrong is noted in the ledger, with the jobs concerned.
    """
    answers: dict[Tag, Handle | Refused] = {}
    unanswered = list(launches)
    lost: Exception = BackendError("nothing was submitted")
    for number in range(SUBMIT_TRIES):
        try:
            if bundles := {one.id: one for name in unanswered if (one := attempts[name].bundle) is not None}:
                await _send(backend, list(bundles.values()), launches[unanswered[0]].executor.place().kind, ledger)
            async with asyncio.timeout(SUBMIT_TIMEOUT_S):
                answers |= await backend.submit(backend.plan([launches[name] for name in unanswered]), attempts)
            lost = BackendError("the backend did not answer for every job")
        except Exception as error:  # noqa: BLE001 - whatever a backend raises, first we look what it did
            lost = error
        unanswered = [name for name in unanswered if attempts[name].tag not in answers]
        if not unanswered:
            return answers
        ledger.trouble("submit", lost, unanswered)
        answers |= await search(backend, [attempts[name] for name in unanswered], ledger.trouble)
        unanswered = [name for name in unanswered if attempts[name].tag not in answers]
        if not unanswered:
            return answers
        await asyncio.sleep(PAUSES_S[number])
    return answers | {attempts[name].tag: Refused(told(lost)) for name in unanswered}


async def _send(backend: Backend, bundles: Collection[Bundle], kind: str, ledger: Ledger) -> None:
    """Make code present with the backend, which may take for ever as long as it comes on."""
    async with ledger.underway(f"send code to {kind}") as progress, asyncio.timeout(SUBMIT_TIMEOUT_S) as limit:

        def come_on(done: int, total: int) -> None:
            progress(done, total)
            limit.reschedule(asyncio.get_running_loop().time() + SUBMIT_TIMEOUT_S)

        await backend.stage(bundles, come_on)


async def search(backend: Backend, attempts: Collection[Attempt], trouble: Trouble) -> Mapping[Tag, Handle]:
    """Those of the attempts that are with the backend; asks until there is an answer. `trouble` is told of failures."""
    failures = 0
    while True:
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                return await backend.find(attempts)
        except Exception as error:  # noqa: BLE001 - as above
            trouble("find", error, [attempt.tag.job for attempt in attempts])
            await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
            failures += 1
