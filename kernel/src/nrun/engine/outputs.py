"""Keeps what jobs leave, once they have ended: of those alone that declare outputs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from nrun.errors import NrunError
from nrun.planning.commands import CODE_FOLDER
from nrun.record.artifacts import collect

if TYPE_CHECKING:
    from nrun.engine.ledger import Ledger
    from nrun.planning import Job, Plan


async def keep_outputs(job: Job, attempt: int, plan: Plan, ledger: Ledger) -> None:
    """Keep the outputs of an attempt. Trouble with that is noted; the job has ended as it has."""
    folder = ledger.folder.attempt(job.name, attempt)
    source = folder / CODE_FOLDER if job.executor.packager.ships else Path(plan.surroundings.cwd)
    try:
        await asyncio.to_thread(collect, source, job.outputs, folder)
    except (NrunError, OSError, ValueError) as error:
        ledger.trouble("collect the outputs", error, [job.name])
