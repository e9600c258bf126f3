"""Three tasks side by side: a script in a file, a script in the program, and a function.

python hello_scripts.py
"""

from simple.add import SomeObject, add_object, commonly_used_object

import nrun as run

if __name__ == "__main__":
    script = run.Script("./scripts/echo.sh")
    inline_script = run.Script(
        inline="""
echo "Hello 1"
echo "Hello 2"
"""
    )
    fn = run.Partial(
        add_object,
        obj_1=commonly_used_object(),
        obj_2=run.Config(SomeObject, value_1=10, value_2=20, value_3=30),
    )
    executor = run.LocalExecutor()

    with run.Experiment("experiment_with_scripts", executor=executor) as exp:
        exp.add(script)
        exp.add(inline_script)
        exp.add(fn)
        exp.run(tail_logs=True)
