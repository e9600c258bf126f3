"""Follows the log of a job from its start, `nrun logs --follow` or `tail -f | cat`, and checks every line of it.

`python follow.py nrun|tail NRUN`: prints the peak memory of who followed, in MiB, for nrun.
"""

import os
import pathlib
import subprocess
import sys
import time

kind, nrun = sys.argv[1:]
home = pathlib.Path(os.environ["NRUN_HOME"])
copy = pathlib.Path("copy.txt")
script = (
    "import nrun as run\n"
    "exp = run.Experiment('lines')\n"
    "exp.add(run.Script(path='lines.py', entrypoint='python'), name='lines', executor=run.LocalExecutor())\n"
    "exp.run(check=False)\n"
)
launcher = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
before = set(home.glob("experiments/lines/*"))
while not (
    fresh := [
        path for path in home.glob("experiments/lines/*/jobs/lines/attempt-1/out.log") if path.parents[3] not in before
    ]
):
    time.sleep(0.001)
with copy.open("wb") as out:
    if kind == "nrun":
        words = [nrun, "logs", fresh[0].parents[3].name, "lines", "--stream", "out", "--follow"]
        follower = subprocess.Popen(words, stdout=out)
    else:
        words = f"tail -c +1 -s 0.05 -f --pid={launcher.pid} '{fresh[0]}' | cat"
        follower = subprocess.Popen(["sh", "-c", words], stdout=out)
    launcher.wait()  # a zombie would keep tail waiting
    _, status, usage = os.wait4(follower.pid, 0)
assert status == 0, status
with copy.open("rb") as file:
    count = sum(line.startswith(b"%08d " % number) for number, line in enumerate(file))
assert count == 1_000_000, f"{count} lines of a million, in order"
print(usage.ru_maxrss / 1024)
