"""What Apptainer is told: the exact command. It was not at hand; the options are those of its manual."""

from __future__ import annotations

import nrun as run
from nrun import Partial, Script
from nrun.planning import Job, Plan, Surroundings, launch_files, launch_of

FOLDER = '"$NRUN_JOB_DIR/../../.."'


def started(task, container, **options) -> list[str]:
    """The lines of `launch.sh` from where the environment is set to the command."""
    job = Job(name="train", tasks=(task,), executors=(run.LocalExecutor(container=container, **options),))
    plan = Plan(title="title", jobs=(job,), surroundings=Surroundings(cwd="/work", path=(), main=None))
    script = launch_files(launch_of(job, plan))["launch.sh"]
    body = script.partition("    cd /work || exit 72\n")[2].partition("\n)\n")[0]
    return [line.strip() for line in body.splitlines()]


def test_a_script_is_started_in_the_image():
    assert started(Script("train.sh", args=["a b"]), run.ApptainerContainer(image="/images/torch.sif")) == [
        (
            f"exec apptainer exec --bind {FOLDER}:{FOLDER} --bind /work:/work --pwd /work "
            "/images/torch.sif bash train.sh 'a b'"
        )
    ]


def test_a_function_is_run_by_the_python_of_the_image():
    (line,) = started(Partial("m:f"), run.ApptainerContainer(image="docker://python:3.12", python="/opt/python"))
    assert line.endswith(
        'docker://python:3.12 /opt/python "$NRUN_JOB_DIR/../../../worker.py" "$NRUN_JOB_DIR"/task.json'
    )


def test_every_option_can_be_set():
    container = run.ApptainerContainer(
        image="torch.sif",
        program="singularity",
        mounts=["/data", "/in:/inside:ro"],
        workdir="/inside",
        env={"A": "it's, too"},
        nv=True,
        rocm=True,
        no_home=True,
        writable_tmpfs=True,
        options=["--cleanenv"],
    )
    assert started(Script("t.sh", env={"B": "2"}), container) == [
        "export B=2",
        "export SINGULARITYENV_A='it'\"'\"'s, too'",
        (
            "exec singularity exec --nv --rocm --no-home --writable-tmpfs "
            f"--bind {FOLDER}:{FOLDER} --bind /work:/work --bind /data:/data --bind /in:/inside:ro "
            "--pwd /inside --cleanenv torch.sif bash t.sh"
        ),
    ]
