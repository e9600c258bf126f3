"""The Slurm cluster for tests is real: it runs, accounts, preempts, requeues, and gives out its GPUs."""

from __future__ import annotations

import pytest

from services.processes import wait_until


@pytest.fixture
def submit(slurm, tmp_path):
    """Submits a script; gives the id of the job."""

    def submit(script, *options):
        words = ("sbatch", "--parsable", "--chdir", str(tmp_path), *options)
        done = slurm.run(*words, stdin=f"#!/bin/sh\n{script}\n")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    yield submit
    slurm.reset()


def becomes(slurm, job, state):
    wait_until(lambda: slurm.state(job) == state, f"{job} is not {state}")


def test_a_job_runs_and_is_accounted_for(slurm, submit, tmp_path):
    job = submit("echo $SLURM_JOB_PARTITION $CUDA_VISIBLE_DEVICES; exit 3", "--gres=gpu:t4:2", "--output=out.txt")
    becomes(slurm, job, "FAILED")
    assert (tmp_path / "out.txt").read_text() == "main 0,1\n"
    told = ("sacct", "-n", "-P", "-X", "-j", job, "-o", "state,exitcode,nodelist")
    wait_until(lambda: slurm.run(*told).stdout == "FAILED|3:0|n3\n", "sacct does not tell")


def test_several_nodes_take_part(slurm):
    done = slurm.run("srun", "-N3", "-n3", "printenv", "SLURMD_NODENAME")
    assert len(set(done.stdout.split())) == 3, done.stderr


def test_a_higher_partition_has_a_low_job_requeued(slurm, submit):
    low = submit("sleep 100", "-p", "low", "-N4", "--exclusive")
    becomes(slurm, low, "RUNNING")
    high = submit("sleep 1", "-p", "high", "-N4", "--exclusive")
    becomes(slurm, high, "RUNNING")
    assert slurm.state(low) in {"PENDING", "REQUEUED", "COMPLETING"}


def test_the_controller_and_the_accounting_can_be_restarted(slurm, submit):
    job = submit("sleep 100")
    becomes(slurm, job, "RUNNING")
    for name, start in (("slurmctld", slurm.start_controller), ("slurmdbd", slurm.start_accounting)):
        slurm.stop_daemon(name)
        start()
    becomes(slurm, job, "RUNNING")


def test_the_cluster_is_reached_over_ssh(slurm, new_sshd):
    done = new_sshd(env=slurm.env)("squeue -h; sinfo -h -o %P")
    assert done.returncode == 0
    assert {"main*", "high", "low", "scav", "short"} == set(done.stdout.split())
