"""A job that fails twice, then succeeds: every try is an attempt with a folder and logs of its own.

Run it with `nrun run docs/examples/retry.py`.
"""

import os

import nrun as run


def flaky() -> str:
    attempt = int(os.environ["NRUN_ATTEMPT"])
    if attempt < 3:
        raise ConnectionError(f"attempt {attempt}: the data server did not answer")
    return f"attempt {attempt} succeeded"


if __name__ == "__main__":
    with run.Experiment("retry") as exp:
        exp.add(flaky, executor=run.LocalExecutor(retries=2), name="flaky")
        exp.run()
        print(exp.jobs["flaky"].result())
