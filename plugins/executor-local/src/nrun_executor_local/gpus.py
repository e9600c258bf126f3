"""What the jobs of this machine use of its GPUs, where `nvidia-smi` is there to tell.

It is asked now and then by whoever is in charge, and what it said lies in the folder of each attempt that used one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from nrun.record import write_file
from nrun_executor_local import processes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FILE = "gpu.json"
FIRST_S = 1.0
"""When it is asked first, so that a short job is seen too."""
PAUSE_S = 5.0
ANSWER_S = 20.0
"""How long it may take."""
MIB = 1 << 20


@attrs.frozen
class Usage:
    """What an attempt used so far."""

    peak_memory_bytes: int = 0
    samples: int = 0
    utilization: float = 0.0
    """The mean of all samples, in percent, of the GPUs that it used at the time."""

    def and_also(self, memory_bytes: int, utilization: float | None) -> Usage:
        """With one more sample; a utilization that is not told does not count."""
        peak = max(self.peak_memory_bytes, memory_bytes)
        if utilization is None:
            return attrs.evolve(self, peak_memory_bytes=peak)
        count = self.samples + 1
        return Usage(peak, count, self.utilization + (utilization - self.utilization) / count)


def figures(folder: str) -> dict[str, Any]:
    """What is known of an attempt, as fields of an observation."""
    usage = _known(folder)
    if usage is None:
        return {}
    mean = usage.utilization if usage.samples else None
    return {"peak_gpu_memory_bytes": usage.peak_memory_bytes, "gpu_utilization": mean}


async def sample(program: str, running: Callable[[], Mapping[str, str]]) -> None:
    """Ask again and again, and write down what jobs used; `running` gives the folders of those that run, by tag."""
    pause_s = FIRST_S
    while True:
        await asyncio.sleep(pause_s)
        pause_s = PAUSE_S
        with contextlib.suppress(OSError, ValueError, TimeoutError):  # whatever it says, jobs are not to blame
            apps = await _ask(program, "--query-compute-apps=gpu_uuid,pid,used_memory")
            used = _by_tag(apps, folders := running())
            if used:
                busy = dict(await _ask(program, "--query-gpu=uuid,utilization.gpu"))
                for tag, (gpus, memory_mib) in used.items():
                    _add(folders[tag], memory_mib * MIB, [float(busy[gpu]) for gpu in gpus if _told(busy.get(gpu))])


def _by_tag(apps: list[list[str]], folders: Mapping[str, str]) -> dict[str, tuple[set[str], int]]:
    """The GPUs that the processes of each job use, and their memory in MiB."""
    found: dict[str, tuple[set[str], int]] = {}
    for gpu, pid, memory in apps:
        tag = processes.tag_of(int(pid))
        if tag in folders:
            gpus, before = found.get(tag, (set(), 0))
            found[tag] = gpus | {gpu}, before + (int(memory) if _told(memory) else 0)
    return found


def _told(value: str | None) -> bool:
    """Whether it is a number; what a GPU cannot tell is `[N/A]` or `[Not Supported]`."""
    return value is not None and value.isdigit()


def _add(folder: str, memory_bytes: int, busy: list[float]) -> None:
    usage = (_known(folder) or Usage()).and_also(memory_bytes, sum(busy) / len(busy) if busy else None)
    write_file(Path(folder, FILE), json.dumps(attrs.asdict(usage)) + "\n")


def _known(folder: str) -> Usage | None:
    try:
        return Usage(**json.loads(Path(folder, FILE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


async def _ask(program: str, query: str) -> list[list[str]]:
    """The rows of an answer. Raises OSError, TimeoutError."""
    process = await asyncio.create_subprocess_exec(
        program,
        query,
        "--format=csv,noheader,nounits",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(ANSWER_S):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return [[word.strip() for word in line.split(",")] for line in said.decode("utf-8", "replace").splitlines() if line]
