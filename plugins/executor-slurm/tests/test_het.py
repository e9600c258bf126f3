"""Heterogeneous jobs: components of one allocation, each with the tasks that belong there."""

from __future__ import annotations

import re

import pytest

from nrun import PlanError, Script, State
from nrun.config.codec import dumps, loads
from nrun.planning import Job, Plan, Surroundings, launch_of
from nrun_executor_slurm import SlurmExecutor, arrays
from nrun_executor_slurm.script import submission

TASK = Script(inline="true", entrypoint="sh")
HEAD = """\
#!/bin/sh
#SBATCH --job-name=train
#SBATCH --account=lab
#SBATCH --partition=cpu
#SBATCH --time=5
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=4
#SBATCH --requeue
#SBATCH --output=slurm.log
#SBATCH --open-mode=append
#SBATCH hetjob
#SBATCH --account=lab
#SBATCH --partition=gpu
#SBATCH --time=5
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=8
#SBATCH --gpus-per-node=8
#SBATCH --exclusive
"""


def pair(**options):
    components = [SlurmExecutor(cpus_per_task=4), SlurmExecutor(partition="gpu", nodes=2, ntasks_per_node=8)]
    components[1] = components[1].clone(gpus_per_node=8, exclusive=True)
    given = {"account": "lab", "partition": "cpu", "time": "5", "heterogeneous": components, **options}
    return SlurmExecutor(**given)


def planned(executor, tasks=2):
    job = Job(name="train", tasks=(TASK,) * tasks, executors=(executor,))
    return launch_of(job, Plan(title="t", jobs=(job,), surroundings=Surroundings(cwd="/", path=(), main=None)))


def test_each_component_asks_for_its_own():
    made = submission(planned(pair()))
    assert made.request.startswith(f"{HEAD}# Job ")
    files = made.files["train"]
    for task, group in (("task-0", 0), ("task-1", 1)):
        assert f"exec srun --het-group={group} " in files[f"{task}/launch.sh"]
        assert f'MASTER_ADDR="$NRUN_HET_HOST_{group}"' in files[f"{task}/step.sh"]
    assert len(arrays.submissions([planned(pair())] * 1)) == 1


def test_tasks_can_share_a_component():
    files = submission(planned(pair(het_group_indices=[0, 1, 1]), 3)).files["train"]
    found = [re.findall("--het-group=(.)", files[f"task-{index}/launch.sh"]) for index in range(3)]
    assert found == [["0"], ["1"], ["1"]]
    with pytest.raises(PlanError, match="3 tasks, and components for 2"):
        submission(planned(pair(), 3))


def test_what_was_planned_can_be_read_again():
    assert loads(dumps(pair(het_group_indices=[0, 1]))) == pair(het_group_indices=[0, 1])


@pytest.mark.parametrize(
    "options",
    [
        {"heterogeneous": True},
        {"heterogeneous": [SlurmExecutor(env_vars={"A": "1"})]},
        {"heterogeneous": [SlurmExecutor(account="other")], "account": "lab"},
        {"het_group_indices": [0, 2]},
        {"heterogeneous": (), "het_group_indices": [0]},
        {"deadline_signal": "USR1@60"},
    ],
)
def test_what_a_component_cannot_have_is_refused(options):
    with pytest.raises((ValueError, TypeError)):
        pair(**options)


def test_a_heterogeneous_job_runs(outcome):
    tell = Script(inline='echo "$SLURM_NTASKS $SLURMD_NODENAME $MASTER_ADDR"', entrypoint="sh")
    parts = [SlurmExecutor(nodelist="n1"), SlurmExecutor(nodelist="n2,n3", nodes=2)]
    exp = outcome(tell, tell, heterogeneous=parts)
    assert exp.status().jobs["job"].state is State.SUCCEEDED
    assert sorted(exp.logs("job").splitlines()) == ["1 n1 n1", "2 n2 n2", "2 n3 n2"]
