"""Launch COUNT trivial functions, or commands, with submitit's local executor: `python peer_submitit.py KIND COUNT`."""

import subprocess
import sys

import submitit


def noop():
    pass


def script():
    subprocess.run([sys.executable, "noop.py"], check=True)


if __name__ == "__main__":
    kind, count = sys.argv[1:]
    executor = submitit.LocalExecutor(folder="submitit-logs")
    executor.update_parameters(timeout_min=10)
    jobs = [executor.submit(script if kind == "script" else noop) for _ in range(int(count))]
    for job in jobs:
        job.result()
