"""Runs one function task inside a job: `python worker.py task.json`.

Needs nothing but Python 3.8 or later: no nrun, nothing installed. It travels with the experiment and is
imported by nobody. Python compiles the file that it is given anew for every job, but what that imports only
once; so this file is short, and the work is done in `worker_task.py`.
"""

import sys

if __name__ == "__main__":
    sys.path.insert(0, __file__.rpartition("/")[0])
    from worker_task import run

    del sys.path[0]
    run(sys.argv[1])
