"""The batch script: exact text, options, quoting, and what is refused. Nothing here needs a cluster."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import attrs
import pytest

from nrun import ConfigError, Launcher, LocalExecutor, Partial, PlanError, Script, Secret
from nrun.planning import Job, Plan, Surroundings, launch_of
from nrun_container_apptainer.container import ApptainerContainer
from nrun_container_podman.container import PodmanContainer
from nrun_container_pyxis.container import PyxisContainer
from nrun_executor_slurm import SlurmExecutor
from nrun_executor_slurm.script import submission
from nrun_launcher_torchrun.launcher import Torchrun

GOLDEN = Path(__file__).parent / "golden"
REMOTE = Path(__file__).parents[1] / "src" / "nrun_executor_slurm" / "remote"
HERE = Surroundings(cwd="/data/my project", path=("/data/my project",), main="/data/my project/train.py")


def planned(executor, *tasks, name="train"):
    job = Job(name=name, tasks=tasks or (Script("train.sh"),), executors=(executor,))
    return submission(launch_of(job, Plan(title="my title", jobs=(job,), surroundings=HERE)))


CASES = {
    "plain": planned(SlurmExecutor()),
    "ranks": planned(
        SlurmExecutor(
            account="lab",
            partition=["a", "b"],
            time="1-02:00:00",
            nodes=2,
            ntasks_per_node=4,
            gpus_per_node="a100:4",
            cpus_per_task=2,
            mem="0",
            exclusive=True,
            srun_args=["-l"],
            signal="USR1@60",
            setup_lines="module load cuda\n. ~/venv/bin/activate",
            requeue=False,
        ),
        Partial("train:main", lr=0.1),
    ),
    "odd": planned(
        SlurmExecutor(
            comment="it's #1",
            constraint="a100&ib",
            stderr_to_stdout=True,
            additional_parameters={"mail_type": "END,FAIL", "hold": True, "output": None, "nice": 5, "wckey": "a b"},
        ),
        Script(inline="true", env={"lower": "a b", "TOKEN": Secret("env:TOKEN")}),
        name="it's $(odd)\n#SBATCH --uid=0",
    ),
    "group": planned(SlurmExecutor(nodes=2), Script("one.sh"), Script("two.sh")),
    "pyxis": planned(
        SlurmExecutor(
            container_image="nvcr.io#nvidia/pytorch:25.09-py3",
            container_mounts=["/lustre/data:/corpus:ro"],
            container_env=["HF_HOME", "PATH"],
            nodes=2,
            ntasks_per_node=8,
            gpus_per_node=8,
            env_vars={"HF_HOME": "/data/it's"},
            launcher=Torchrun(),
        ),
        Partial("train:main", lr=0.1),
    ),
    "pyxis-inside": planned(
        SlurmExecutor(container=PyxisContainer(image="/images/torch.sqsh", workdir="/workspace", env={"A": "1"})),
        Script("one.sh", env={"TOKEN": Secret("env:TOKEN")}),
        Script(inline="true"),
    ),
    "images": planned(
        SlurmExecutor(
            task_containers=[
                PyxisContainer(image="/images/torch.sqsh", python="/opt/python"),
                PodmanContainer(image="redis:7", options=["--read-only"]),
                None,
            ]
        ),
        Partial("train:main"),
        Script("serve.sh"),
        Script("watch.sh"),
    ),
    "apptainer": planned(
        SlurmExecutor(
            container=ApptainerContainer(image="/images/torch.sif", mounts=["/lustre/data:/corpus:ro"], nv=True),
            nodes=2,
            ntasks_per_node=8,
            gpus_per_node=8,
            env_vars={"HF_HOME": "/data/hf"},
        ),
        Script("train.py", entrypoint="python"),
    ),
    "torchrun": planned(
        SlurmExecutor(nodes=2, ntasks_per_node=8, gpus_per_node=8, launcher=Torchrun()), Partial("train:main", lr=0.1)
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_batch_script_is_this(name):
    path, files = GOLDEN / f"{name}.txt", CASES[name].files
    (texts,) = files.values()
    made = "".join(f"==> {file} <==\n{text}" for file, text in texts.items() if not file.endswith("launch.sh"))
    made += "".join(f"{line}\n" for line in texts["launch.sh"].splitlines() if " srun " in line)
    if os.environ.get("NRUN_UPDATE_GOLDEN"):
        path.write_text(made, "utf-8")
    assert made == path.read_text("utf-8")


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_all_scripts_are_plain_posix_shell_without_fault(tmp_path):
    scripts = list(REMOTE.glob("*.sh"))
    for name, made in CASES.items():
        for texts in made.files.values():
            for file, text in texts.items():
                if file.endswith((".sh", ".ready")):
                    scripts.append(tmp_path / f"{name}-{file.replace('/', '-')}")
                    scripts[-1].write_text(text, "utf-8")
    words = ["shellcheck", "--shell=sh", "--exclude=SC2016,SC2317,SC2329,SC1091,SC1090", *scripts]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == ""
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("array", "1-10"),
        ("heterogeneous", True),
        ("container_mounts", ["/data"]),
        ("container", "image"),
        ("dependency_type", "singleton"),
        ("dependencies", ["1"]),
        ("signal", "B:USR1@60"),
        ("time", "soon"),
        ("nodes", 0),
        ("gpus_per_node", "many"),
        ("exclusive", "yes"),
        ("partition", "a\n#SBATCH --uid=0"),
        ("additional_parameters", {"chdir": "/"}),
        ("additional_parameters", {"x y": "1"}),
        ("additional_parameters", {"nice": "1\n#SBATCH --hold"}),
        ("srun_args", "-l"),
        ("tunnel", "host"),
    ],
)
def test_what_means_nothing_is_refused_and_not_ignored(field, value):
    with pytest.raises((ConfigError, ValueError, TypeError)):
        SlurmExecutor(**{field: value})


def test_what_nrun_would_give_can_be_left_out():
    options = {"requeue": None, "time": None, "open_mode": None}
    (texts,) = planned(SlurmExecutor(additional_parameters=options)).files.values()
    assert not any(word in texts["sbatch.ready"] for word in ("--requeue", "--time", "--open-mode"))


def test_the_script_has_no_secrets_and_needs_no_executor_of_another_kind():
    (texts,) = CASES["odd"].files.values()
    assert "secrets.kept" in texts["sbatch.ready"]
    with pytest.raises(PlanError, match="SlurmExecutor"):
        planned(LocalExecutor())


@attrs.frozen(kw_only=True)
class Twice(Launcher):
    """Starts what is on a node itself."""

    def wrap(self, command, executor):
        return attrs.evolve(command, argv=("twice", *command.argv))

    def starts_ranks(self):
        return True


def test_a_launcher_is_started_once_on_each_node_and_has_all_that_its_processes_have():
    options = {"ntasks_per_node": 4, "cpus_per_task": 8, "gpus_per_task": "a100:1", "launcher": Twice()}
    (texts,) = planned(SlurmExecutor(nodes=2, **options)).files.values()
    assert "--ntasks=2 --ntasks-per-node=1 --cpus-per-task=32 --gpus-per-task=a100:4 sh" in texts["launch.sh"]
    assert "RANK=" not in texts["step.sh"].replace("NODE_RANK=", "")
    (texts,) = planned(SlurmExecutor(**options)).files.values()
    assert "srun" not in texts["launch.sh"]


@attrs.frozen(kw_only=True)
class Nice(Launcher):
    """Starts a process."""

    def wrap(self, command, executor):
        return attrs.evolve(command, argv=("nice", *command.argv))


def test_a_launcher_of_one_process_is_started_for_each():
    (texts,) = planned(SlurmExecutor(nodes=2, ntasks_per_node=4, launcher=Nice())).files.values()
    assert "--ntasks" not in texts["launch.sh"]
    assert texts["step.sh"].endswith("exec nice bash train.sh\n")


@pytest.mark.parametrize(
    ("options", "processes"),
    [
        ({}, 1),
        ({"ntasks_per_node": 4, "gpus_per_node": 8}, 4),
        ({"gpus_per_node": "a100:8"}, 8),
        ({"gpus_per_task": 2}, 2),
        ({"gpus_per_node": 0}, 1),
        ({"torchrun_nproc_per_node": 3, "ntasks_per_node": 4, "gpus_per_node": 8}, 3),
    ],
)
def test_how_many_processes_a_launcher_starts_on_a_node(options, processes):
    assert SlurmExecutor(**options).nproc_per_node() == processes


def test_a_launcher_is_told_of_nodes_on_the_node_itself():
    (texts,) = planned(SlurmExecutor(nodes=2, launcher=Torchrun()), Script("a.py", entrypoint="python")).files.values()
    assert "NRUN_NODE_RANK" not in texts["launch.sh"]
    assert '--node-rank "${NRUN_NODE_RANK?' in texts["step.sh"]


def test_tasks_side_by_side_have_ports_of_their_own():
    task = Script("a.py", entrypoint="python")
    (texts,) = planned(SlurmExecutor(nodes=2, launcher=Torchrun()), task, task).files.values()
    ports = """$(printf ':%04X \\n' "$NRUN_HEAD_PORT" "$((NRUN_HEAD_PORT + 1))")"""
    assert ports in texts["sbatch.ready"]
    assert "NRUN_HEAD_PORT" not in texts["task-0/step.sh"].partition("cd ")[0]
    assert "NRUN_HEAD_PORT + 1" in texts["task-1/step.sh"]


def test_every_task_of_a_group_can_have_an_image_and_no_other_has():
    images = [PodmanContainer(image="a"), None]
    with pytest.raises(PlanError, match="2 containers, and the job 1 tasks"):
        planned(SlurmExecutor(task_containers=images))
    with pytest.raises(ConfigError, match="for all tasks"):
        SlurmExecutor(task_containers=images, container=images[0])
    with pytest.raises(ConfigError, match="task_containers"):
        SlurmExecutor(task_containers=["a"])


def test_the_names_of_nemo_run_are_short_for_a_container():
    names = SlurmExecutor(container_image="a", container_mounts=["/data"], container_env=["PATH"])
    assert names.container == PyxisContainer(image="a", mounts=["/data"], container_env=["PATH"])
    assert names.clone(container_image="b").container == names.container.clone(image="b")
    assert names.interpreter() == "python3"
    own = SlurmExecutor(container=PodmanContainer(image="a", python="/opt/python"), container_image="b")
    assert (own.container.image, own.interpreter()) == ("b", "/opt/python")
    assert SlurmExecutor(container_mounts=[], container_env=None).container is None
    with pytest.raises(ConfigError, match="container_env"):
        own.clone(container_env=["PATH"])  # Podman has `pass_env`
