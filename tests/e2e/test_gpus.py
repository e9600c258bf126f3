"""What jobs use of GPUs, told by a program at the edge that answers as `nvidia-smi` does."""

from __future__ import annotations

import json
import time

import pytest

SMI = """\
#!/bin/sh
echo "$*" >>{folder}/calls
case "$*" in
    "--query-compute-apps=gpu_uuid,pid,used_memory --format=csv,noheader,nounits")
        pid=$(cat {folder}/pid)
        printf 'GPU-a, %s, 1024\\nGPU-b, %s, 512\\nGPU-c, 1, 9999\\nGPU-d, %s, [N/A]\\n' "$pid" "$pid" "$pid" ;;
    "--query-gpu=uuid,utilization.gpu --format=csv,noheader,nounits")
        printf 'GPU-a, 40\\nGPU-b, 80\\nGPU-c, 100\\nGPU-d, [Not Supported]\\n' ;;
    *) exit 2 ;;
esac
"""
TRAINS = """
    import nrun as run

    uses = "echo $$ >{folder}/pid; until test -e $NRUN_JOB_DIR/gpu.json && test -e {folder}/go; do sleep 0.05; done"
    exp = run.Experiment("trains")
    exp.add(run.Script(inline=uses, entrypoint="sh"), name="uses")
    exp.add(run.Script(inline="until test -e {folder}/go; do sleep 0.05; done", entrypoint="sh"), name="idle")
    exp.run(check=False)
"""
MEBIBYTE = 1 << 20


@pytest.fixture
def machine(shell):
    """A machine where such a program is on the path; `pid` has the process that uses GPUs."""
    (shell.folder / "bin").mkdir()
    (shell.folder / "pid").write_text("1\n")
    program = shell.write("bin/nvidia-smi", SMI.format(folder=shell.folder))
    program.chmod(0o755)
    shell.env["PATH"] = f"{shell.folder}/bin:{shell.env['PATH']}"
    shell.write("trains.py", TRAINS.format(folder=shell.folder))
    return shell


def figures(told, name):
    job = next(job for job in told["jobs"] if job["name"] == name)
    return job["peak_gpu_memory_bytes"], job["gpu_utilization"]


def test_memory_and_utilization_are_in_the_record_and_shown_while_it_runs_and_after(machine):
    assert machine.nrun("run", "--detach", "trains.py").returncode == 0
    while not list(machine.home.glob("experiments/*/*/jobs/uses/attempt-1/gpu.json")):
        time.sleep(0.05)
    running = json.loads(machine.nrun("status", "--json").stdout)
    assert (figures(running, "uses"), running["state"]) == ((1536 * MEBIBYTE, 60.0), "RUNNING")
    (machine.folder / "go").touch()
    machine.nrun("attach")
    machine.env["PATH"] = machine.env["PATH"].partition(":")[2]
    ended = json.loads(machine.nrun("status", "--json").stdout)
    assert figures(ended, "uses") == (1536 * MEBIBYTE, 60.0)
    assert figures(ended, "idle") == (None, None)
    assert "gpu 60 %; gpu peak 1.61 GB" in machine.nrun("status").stdout
    assert "gpu 60 %; gpu peak 1.61 GB" in machine.nrun("show").stdout
    shown = {
        job["name"]: job["peak_gpu_memory_bytes"] for job in json.loads(machine.nrun("show", "--json").stdout)["jobs"]
    }
    assert shown == {"uses": 1536 * MEBIBYTE, "idle": None}


@pytest.mark.parametrize("program", ["exit 9", "echo nonsense, more, more", "printf '\\377'", ":"])
def test_a_program_that_fails_or_talks_nonsense_does_not_matter(machine, program):
    machine.write("bin/nvidia-smi", f"#!/bin/sh\necho called >>{machine.folder}/calls\n{program}\n")
    machine.write("trains.py", TRAINS.format(folder=machine.folder).replace("$NRUN_JOB_DIR/gpu.json", "calls"))
    (machine.folder / "go").touch()
    done = machine.nrun("run", "--json", "trains.py")
    assert done.returncode == 0, done.stderr
    (told,) = json.loads(done.stdout)
    assert figures(told, "uses") == (None, None)
    assert [job["control_errors"] for job in told["jobs"]] == [[], []]
