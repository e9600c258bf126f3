"""Run COUNT jobs in memory that depend on each other: `python dag.py SHAPE COUNT`.

Prints how long the run took, in seconds, and what it added to the memory of the process, in bytes.
"""

import random
import resource
import sys
import time

import nrun as run

SEED = 20260102


def wanted(shape: str, index: int, count: int, chance: random.Random) -> list[int]:
    """The jobs that the job of that index waits for."""
    if index == 0:
        return []
    if shape == "chain":
        return [index - 1]
    if shape == "fan-out":
        return [0]
    if shape == "diamond":
        return [0] if index < count - 1 else list(range(1, count - 1))
    return [chance.randrange(index) for _ in range(min(index, 3))]


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


shape, count = sys.argv[1], int(sys.argv[2])
chance = random.Random(SEED)
with run.Experiment("bench", executor=run.MemoryExecutor()) as exp:
    exp.add(run.Script(inline=":"), name="0")
    before = peak_bytes()
    for index in range(1, count):
        exp.add(
            run.Script(inline=":"), name=str(index), dependencies=list(map(str, wanted(shape, index, count, chance)))
        )
    start = time.perf_counter()
    exp.run()
    print(time.perf_counter() - start, peak_bytes() - before)
