"""An experiment of 100 jobs, for `nrun plan`."""

import nrun as run

with run.Experiment("bench", executor=run.LocalExecutor()) as exp:
    for _ in range(100):
        exp.add(run.Script(path="noop.py", entrypoint="python"))
    exp.run()
