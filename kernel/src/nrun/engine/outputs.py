"""Keeps what jobs leave, once they have ended: of those alone that declare outputs."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from nrun.abilities import BringsOutputs
from nrun.planning.commands import CODE_FOLDER
from nrun.record.artifacts import MANIFEST, collect

if TYPE_CHECKING:
    from nrun.engine.carrier import Carrier
    from nrun.planning import Job


async def keep_outputs(job: Job, carrier: Carrier, *, opened: bool = True) -> None:
    """Keep the outputs of the latest attempt. Trouble with that is noted; the job has ended as it has."""
    ledger, backend, packager = carrier.ledger, carrier.lane.backend, job.executor.packager
    folder = ledger.folder.attempt(job.name, (status := ledger.statuses[job.name]).attempt)
    source = f"{CODE_FOLDER}/{packager.start or ''}" if packager.ships else carrier.plan.surroundings.cwd
    try:
        if backend.capabilities.here:
            await asyncio.to_thread(collect, Path(folder, source), job.outputs, folder)
        elif isinstance(backend, BringsOutputs) and status.handle is not None and not (folder / MANIFEST).exists():
            async with contextlib.nullcontext() if opened else carrier.lane.backend:
                await backend.fetch_outputs(ledger.folder.placed(status.handle), job.outputs, source)
    except Exception as error:  # noqa: BLE001 - whatever a backend raises, the job has ended
        ledger.trouble("collect the outputs", error, [job.name])
