"""Run COUNT jobs that do nothing in memory: `python schedule.py COUNT`. Prints how long that took, in seconds."""

import sys
import time

import nrun as run

with run.Experiment("bench", executor=run.MemoryExecutor()) as exp:
    start = time.perf_counter()
    for _ in range(int(sys.argv[1])):
        exp.add(run.Script(inline=":"))
    exp.run()
    print(time.perf_counter() - start)
