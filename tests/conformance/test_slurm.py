"""The Slurm backend keeps the promises of a backend, on a real cluster, from its login node and over SSH."""

from __future__ import annotations

import pytest

from nrun import LocalTunnel
from nrun_executor_slurm import SlurmExecutor
from nrun_testing.suite import BackendSuite


class TestSlurm(BackendSuite):
    deadline_s = 40.0
    brief_s = 3.0

    @pytest.fixture
    def make_executor(self, slurm, tmp_path, monkeypatch):
        for name, value in slurm.env.items():
            monkeypatch.setenv(name, value)
        tunnel = LocalTunnel(job_dir=str(tmp_path / "cluster"))
        return lambda work: SlurmExecutor(tunnel=tunnel, time="5", mem="50")
