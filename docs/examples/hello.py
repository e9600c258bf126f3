"""Three jobs on this machine: a script, a function with a result, and a script that waits for both.

Run it with `nrun run docs/examples/hello.py` or `python docs/examples/hello.py`.
"""

import nrun as run


def area(width: float, height: float) -> float:
    print(f"computing {width} x {height}")
    return width * height


if __name__ == "__main__":
    with run.Experiment("hello", executor=run.LocalExecutor(env_vars={"GREETING": "hi"})) as exp:
        greet = exp.add(run.Script(inline='echo "$GREETING from $NRUN_JOB_NAME"'), name="greet")
        compute = exp.add(run.Partial(area, width=6, height=7), name="compute")
        exp.add(run.Script(inline="echo both are done"), name="report", dependencies=[greet, compute])
        exp.run()

        print("compute gave", exp.jobs["compute"].result())
