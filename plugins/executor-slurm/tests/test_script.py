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
from nrun_executor_slurm import SlurmExecutor
from nrun_executor_slurm.script import submission

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
        ("container_image", "image"),
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


def test_a_launcher_is_started_once_on_each_node():
    (texts,) = planned(SlurmExecutor(nodes=2, ntasks_per_node=4, launcher=Twice())).files.values()
    assert "--ntasks=2 --ntasks-per-node=1" in texts["launch.sh"]
    (texts,) = planned(SlurmExecutor(ntasks_per_node=4, launcher=Twice())).files.values()
    assert "srun" not in texts["launch.sh"]
