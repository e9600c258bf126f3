"""A function is configured, changed, run as a job, and its result fetched.

python hello_world.py
"""

from simple.add import SomeObject, add, add_object, commonly_used_object

import nrun as run

if __name__ == "__main__":
    # A Partial ties a function to arguments. Built, it is a callable like functools.partial.
    fn = run.Partial(add, a=5, b=10)
    print(fn)
    print("called here:", run.build(fn)())

    # Objects are described too: by a Config, or by a function that autoconvert makes describe them.
    fn = run.Partial(
        add_object,
        obj_1=commonly_used_object(),
        obj_2=run.Config(SomeObject, value_1=10, value_2=20, value_3=30),
    )

    # What is described can be changed until it is run.
    fn.obj_1.value_1 = 100
    fn.obj_2.value_2 *= 2

    # One task is an experiment with one job.
    job = run.run(fn, executor=run.LocalExecutor(), name="add_object")
    print("run as a job:", job.result())
