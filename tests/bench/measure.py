"""Processes measured from start to exit, taken in turns so that whatever else the machine does hits all alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

DEADLINE_S = 600


class Sample(NamedTuple):
    """What one process cost, together with every descendant it waited for."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    output: str


class Series(NamedTuple):
    """Repeated measurements of one command."""

    samples: list[Sample]

    def all(self, metric: str) -> list[float]:
        return [getattr(sample, metric) for sample in self.samples]

    def median(self, metric: str) -> float:
        return statistics.median(self.all(metric))


class CommandFailed(Exception):  # noqa: N818 - reads as what it says
    """A measured command did not succeed, so its time means nothing."""


def measure(argv: Sequence[str | Path], env: Mapping[str, str], cwd: Path) -> Sample:
    """Run a command to its end. Raises CommandFailed, with what it said, if it does not exit with 0."""
    said = cwd / "said.txt"
    with said.open("w+") as out:
        start = time.perf_counter()
        process = subprocess.Popen(
            ["timeout", "--kill-after=5", str(DEADLINE_S), *map(str, argv)],
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        output = out.read()
    if process.returncode:
        msg = f"{' '.join(map(str, argv))} ended with {process.returncode}:\n{output[-2000:]}"
        raise CommandFailed(msg)
    return Sample(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


def in_turns(
    commands: Mapping[str, Sequence[str | Path]], repeats: int, env: Mapping[str, str], cwd: Path
) -> dict[str, Series]:
    """Measure every command `repeats` times: A B C A B C … The first, unmeasured round fills the caches."""
    for argv in commands.values():
        measure(argv, env, cwd)
    rounds = [{name: measure(argv, env, cwd) for name, argv in commands.items()} for _ in range(repeats)]
    return {name: Series([one[name] for one in rounds]) for name in commands}
