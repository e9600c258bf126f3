"""Declared outputs of jobs, from the cluster into the record."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import TYPE_CHECKING

from nrun import BackendError, HostCommand
from nrun.record.artifacts import collect
from nrun_executor_slurm.cluster import HOME, REMOTE, SEND_S
from nrun_executor_slurm.names import folder_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nrun.model import Handle
    from nrun_executor_slurm.backend import SlurmBackend

GATHERED = "outputs.part"


async def fetch_outputs(backend: SlurmBackend, handle: Handle, patterns: Sequence[str], source: str) -> None:
    """Have what `patterns` name below `source` among the artifacts of an ended attempt: all of it whole, or nothing.

    `source` is seen from the folder of the attempt. It may take as long as it takes. Raises BackendError, RecordError.
    """
    cluster, attempt = backend.cluster, handle.folder
    if attempt is None:
        msg = "there is no folder to bring outputs to"
        raise BackendError(msg)
    folder = cluster.path(folder_of(handle.tag))
    program = (REMOTE / "gather.py").read_text("utf-8")
    gather = HostCommand(("python3", "-c", program, folder, source, *patterns), repeatable=True)
    sizes = _sizes(await cluster.run(gather, SEND_S))
    here = attempt / GATHERED
    try:
        if sizes:
            await cluster.host.fetch([GATHERED], folder, attempt, timeout_s=SEND_S)
        if wrong := [name for name, size in sizes.items() if not _is_whole(here / name, size)]:
            msg = f"outputs did not arrive whole: {', '.join(wrong)}"
            raise BackendError(msg)
        here.mkdir(exist_ok=True)
        await asyncio.to_thread(collect, here, patterns, attempt)
    finally:
        await asyncio.to_thread(shutil.rmtree, here, ignore_errors=True)
    clear = f'{HOME}; cd "$1" && rm -rf {GATHERED}'
    await cluster.run(HostCommand(("sh", "-c", clear, "sh", folder), repeatable=True))


def _sizes(told: str) -> Mapping[str, int]:
    """What there is: sizes by path. Raises BackendError."""
    try:
        found = json.loads(told)
        return {str(name): int(size) for name, size in found.items()}
    except (ValueError, AttributeError, TypeError) as error:
        msg = f"the host does not say what outputs there are: {told!r:.80}"
        raise BackendError(msg) from error


def _is_whole(file: Path, size: int) -> bool:
    return file.is_file() and file.stat().st_size == size
