"""Waiting for a job of another experiment, which some other process looks after."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nrun.engine.handover import PAUSES_S
from nrun.engine.look import look
from nrun.errors import NrunError, RecordError
from nrun.record import find_experiment

if TYPE_CHECKING:
    from pathlib import Path

    from nrun.engine.handover import Trouble
    from nrun.model import State
    from nrun.plugins import Hooks


async def end_of(home: Path, experiment: str, job: str, hooks: Hooks, trouble: Trouble) -> State:
    """The state in which a job of another experiment ended, once it has. Trouble in looking is told and waited out."""
    looks, failures = 0, 0
    while True:
        try:
            view = await look(find_experiment(home, experiment), hooks)
            if job not in view.statuses:
                raise RecordError(f"experiment {experiment} has no job {job!r}")
            state = view.statuses[job].state
        except (NrunError, OSError) as error:
            if failures == 0:
                trouble("look elsewhere", error, [])
            failures += 1
        else:
            failures = 0
            if state.ended:
                return state
        await asyncio.sleep(PAUSES_S[min(looks, len(PAUSES_S) - 1)])
        looks += 1
