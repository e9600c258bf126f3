"""Launch COUNT trivial tasks of KIND: `python launch.py KIND COUNT [sequential]`."""

import sys

import nrun as run


def noop():
    pass


def task(kind):
    if kind == "script":
        return run.Script(path="noop.py", entrypoint="python")
    return run.Partial(noop) if kind == "function" else run.Script(inline=":", entrypoint="sh")


if __name__ == "__main__":
    kind, count, *order = sys.argv[1:]
    with run.Experiment("bench", executor=run.LocalExecutor()) as exp:
        for _ in range(int(count)):
            exp.add(task(kind))
        exp.run(sequential=bool(order))
