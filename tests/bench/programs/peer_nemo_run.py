"""Launch COUNT trivial tasks of KIND with NeMo Run: `python peer_nemo_run.py KIND COUNT`."""

import sys

import nemo_run as run


def noop():
    pass


if __name__ == "__main__":
    kind, count = sys.argv[1:]
    with run.Experiment("bench", log_level="ERROR") as exp:
        for number in range(int(count)):
            task = run.Script(path="noop.py", entrypoint="python") if kind == "script" else run.Partial(noop)
            exp.add(task, executor=run.LocalExecutor(), name=f"task{number}")
        exp.run(sequential=False, tail_logs=False)
