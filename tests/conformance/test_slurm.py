"""The Slurm backend keeps the promises of a backend, on a real cluster, from its login node and over SSH."""

from __future__ import annotations

import pytest

from nrun import LocalTunnel
from nrun_executor_slurm import SlurmExecutor, backend
from nrun_testing.suite import BackendSuite
from nrun_transport_ssh import SSHTunnel


class OnSlurm(BackendSuite):
    deadline_s = 40.0
    brief_s = 3.0

    @pytest.fixture(autouse=True)
    def looks_often(self, monkeypatch):
        monkeypatch.setattr(backend, "MARKERS_S", 0.2)
        monkeypatch.setattr(backend, "QUEUE_S", 0.5)

    @pytest.fixture
    def make_executor(self, tunnel):
        return lambda work: SlurmExecutor(tunnel=tunnel, time="5", mem="50")


class TestOnTheLoginNode(OnSlurm):
    @pytest.fixture
    def tunnel(self, slurm, tmp_path, monkeypatch):
        for name, value in slurm.env.items():
            monkeypatch.setenv(name, value)
        return LocalTunnel(job_dir=str(tmp_path / "cluster"))


class TestOverSSH(OnSlurm):
    @pytest.fixture
    def tunnel(self, slurm, new_sshd, tmp_path):
        server = new_sshd(env=slurm.env)
        return SSHTunnel(host=server.host, config=str(server.config), job_dir=str(tmp_path / "cluster"))
