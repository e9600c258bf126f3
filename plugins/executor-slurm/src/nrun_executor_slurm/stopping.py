"""Stops jobs, and has them end and be queued again."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from nrun_executor_slurm import answers
from nrun_executor_slurm.cluster import QUEUE_S
from nrun_executor_slurm.names import folder_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from nrun.model import Handle
    from nrun_executor_slurm.backend import SlurmBackend

PAUSE_S = 0.5
KILLED_S = 60.0
"""How long Slurm may take to have killed a job."""


async def cancel(backend: SlurmBackend, handles: Collection[Handle], grace_s: float) -> dict[Handle, str]:
    """`scancel`; after the grace KILL; then a look at what Slurm still has of them."""
    left = await backend.alive(handles, 0.0)
    for words, patience in (((), grace_s), (("--signal=KILL", "--full"), KILLED_S)):
        told: set[str] = set()
        until = time.monotonic() + patience
        while left:
            if fresh := {job for job, _ in left.values()} - told:  # also one that has followed another meanwhile
                await backend.cluster.cancel(words, sorted(fresh))
                told |= fresh
            if time.monotonic() >= until:
                break
            await asyncio.sleep(PAUSE_S)
            left = await backend.alive(left, QUEUE_S)
    await backend.cluster.clear([handle for handle in handles if handle not in left])
    return {handle: f"job {job} is {state}" for handle, (job, state) in left.items()}


async def preempt(backend: SlurmBackend, handles: Collection[Handle]) -> dict[Handle, str]:
    """The signal of the deadline, or `scontrol requeue`. Gives why not, where that cannot be done."""
    alive = await backend.alive(handles, 0.0)
    left = {handle: "it is over" for handle in handles if handle not in alive}
    left |= {handle: f"job {job} is {state}" for handle, (job, state) in alive.items() if state != "RUNNING"}
    asked = {folder_of(handle.tag): handle for handle in alive if handle not in left}
    if asked:
        lines = [f"{folder}\t{alive[handle][0]}" for folder, handle in asked.items()]
        told = await backend.cluster.program("preempt.sh", lines=lines, repeatable=False)
        for line in told.splitlines():
            folder, _, words = line.partition("\t")
            if words.strip() and folder in asked:
                left[asked[folder]] = answers.complaint(words)
    return left
