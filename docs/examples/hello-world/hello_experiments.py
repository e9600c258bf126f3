"""An experiment of several jobs, and the way back to it afterwards.

python hello_experiments.py
"""

from simple.add import SomeObject, add_object, commonly_used_object

import nrun as run

if __name__ == "__main__":
    fn_1 = run.Partial(
        add_object,
        obj_1=commonly_used_object(),
        obj_2=run.Config(SomeObject, value_1=10, value_2=20, value_3=30),
    )
    fn_2 = run.Partial(
        add_object,
        obj_1=SomeObject(value_1=1000, value_2=1000, value_3=1000),  # plain data needs no Config
        obj_2=run.Config(SomeObject, value_1=10, value_2=20, value_3=30),
    )

    with run.Experiment("add_object", executor=run.LocalExecutor()) as exp:
        exp.add(fn_1)
        exp.add(fn_2)

        # What was added is a copy, so the same task can be changed and added again.
        fn_1.obj_1.value_1 = 0
        exp.add(fn_1, executor=run.LocalExecutor(retries=1))
        exp.run(sequential=True)

    # Any process can look afterwards.
    for past in run.Experiment.catalog("add_object"):
        print(past.title, past.state)
    with run.Experiment.from_title("add_object") as exp:
        print(exp.status())
        print(exp.logs("add_object_1"), end="")
