"""Experiments on a real cluster."""

from __future__ import annotations

import pytest

from nrun import Experiment, LocalTunnel
from nrun_executor_slurm import SlurmExecutor


@pytest.fixture
def cluster(slurm, tmp_path, monkeypatch):
    """Makes executors for the cluster, as they are written on its login node."""
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NRUN_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    tunnel = LocalTunnel(job_dir=str(tmp_path / "cluster"))
    yield lambda **options: SlurmExecutor(**{"tunnel": tunnel, "time": "5", "mem": "50", **options})
    slurm.reset()


@pytest.fixture
def outcome(cluster):
    """The experiment of one job, run to its end."""

    def outcome(task, *more, **options):
        exp = Experiment("one")
        exp.add([task, *more] if more else task, cluster(**options), "job")
        exp.run(check=False)
        return exp

    return outcome
