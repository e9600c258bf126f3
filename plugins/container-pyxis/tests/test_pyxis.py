"""What `srun` is told for Pyxis: the exact options. It was not at hand; they are those of its manual."""

from __future__ import annotations

from typing import ClassVar

import attrs
import pytest

import nrun as run
from nrun import Executor, PlanError, Script
from nrun.model import Place
from nrun.planning import Job, Plan, Surroundings, launch_files, launch_of, word_of
from nrun.protocols import check_container

FOLDER = '"$NRUN_JOB_DIR/../../.."'


@attrs.frozen(kw_only=True)
class Cluster(Executor):
    """Only written down. It hands the options of a container on."""

    container: run.Container | None = attrs.field(default=None, validator=check_container)
    takes_step_options: ClassVar[bool] = True

    def place(self) -> Place:
        return Place("paper")


def launched(task, executor):
    job = Job(name="train", tasks=(task,), executors=(executor,))
    here = Surroundings(cwd="/work", path=(), main=None)
    return launch_of(job, Plan(title="title", jobs=(job,), surroundings=here))


def options(container, task=None) -> str:
    (command,) = launched(task or Script("t.sh"), Cluster(container=container)).commands
    return " ".join(map(word_of, container.step_options(command)))


def test_slurm_is_told_the_image_and_what_the_job_needs():
    assert options(run.PyxisContainer(image="nvcr.io#nvidia/pytorch:25.09-py3")) == (
        "'--container-image=nvcr.io#nvidia/pytorch:25.09-py3' "
        f"--container-mounts={FOLDER}:{FOLDER},/work:/work --no-container-entrypoint"
    )


def test_every_option_can_be_set():
    container = run.PyxisContainer(
        image="/images/torch.sqsh",
        mounts=["/data", "/in:/inside:ro,rprivate"],
        container_env=["PATH", "LANG"],
        name="mine",
        save="/images/new.sqsh",
        mount_home=False,
        remap_root=True,
        entrypoint=None,
        writable=True,
    )
    assert options(container) == (
        "--container-image=/images/torch.sqsh "
        f"--container-mounts={FOLDER}:{FOLDER},/work:/work,/data:/data,/in:/inside:ro+rprivate "
        "--container-env=PATH,LANG --container-name=mine --container-save=/images/new.sqsh "
        "--no-container-mount-home --container-remap-root --container-writable"
    )


def test_all_of_a_job_runs_inside():
    container = run.PyxisContainer(image="torch", env={"A": "1", "B": "image"}, workdir="/inside")
    launch = launched(Script("t.sh", env={"B": "task"}), Cluster(container=container))
    assert launch_files(launch)["launch.sh"].partition("(\n")[2].partition("\n)\n")[0].splitlines()[1:] == [
        "    cd /inside || exit 72",
        "    export A=1",
        "    export B=task",
        "    exec bash t.sh",
    ]


def test_it_needs_slurm():
    with pytest.raises(PlanError, match="LocalExecutor cannot run a PyxisContainer"):
        launched(Script("t.sh"), run.LocalExecutor(container=run.PyxisContainer(image="torch")))
