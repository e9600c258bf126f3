"""The fixtures: one server of each kind per test run, started when the first test asks for it."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from services import podman as podman_service
from services import pytorch
from services import slurm as slurm_service
from services import sshd as sshd_service
from services.packages import lacking


@pytest.fixture(scope="session")
def _sshd_programs():
    if why := lacking(sshd_service.PROGRAMS):
        pytest.skip(f"needs a real OpenSSH server: {why}")


@pytest.fixture(scope="session")
def sshd(_sshd_programs, tmp_path_factory):
    """An SSH server that all tests share; they leave it running and its files as they are."""
    server = sshd_service.Sshd(tmp_path_factory.mktemp("sshd"))
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture
def new_sshd(_sshd_programs, tmp_path_factory):
    """Makes and starts SSH servers that one test may break: `new_sshd(more="MaxSessions 1")`."""
    servers = []

    def make(**options):
        server = sshd_service.Sshd(tmp_path_factory.mktemp("own-sshd"), **options)
        servers.append(server)
        return server.start()

    yield make
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """A Slurm cluster that all tests share: see `services.slurm.Slurm`. `reset` frees it."""
    if os.geteuid() != 0:
        pytest.skip("needs a real Slurm cluster, which only root can start")
    if why := lacking(slurm_service.PROGRAMS):
        pytest.skip(f"needs a real Slurm cluster: {why}")
    cluster = slurm_service.Slurm(tmp_path_factory.mktemp("slurm"))
    try:
        yield cluster.start()
    finally:
        cluster.close()


@pytest.fixture(scope="session")
def torch_python(tmp_path_factory):
    """An interpreter that has PyTorch for the CPU."""
    folder = tmp_path_factory.mktemp("pytorch")
    try:
        python, why = pytorch.interpreter(folder)
        if why:
            pytest.skip(f"needs PyTorch: {why}")
        yield python
    finally:
        shutil.rmtree(folder)  # a gigabyte


@pytest.fixture(scope="session")
def _podman_environment(tmp_path_factory):
    if why := lacking(podman_service.PROGRAMS):
        pytest.skip(f"needs Podman: {why}")
    folder = tmp_path_factory.mktemp("podman")
    try:
        yield podman_service.set_up(folder)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"needs Podman, which runs nothing here: {error.stderr.decode()[-300:]}")
    finally:
        podman_service.clear(folder)


@pytest.fixture
def podman(_podman_environment, monkeypatch):
    """Podman, as `services.podman` has set it up; call it with words to have it say something."""
    for name, value in _podman_environment.items():
        monkeypatch.setenv(name, value)
    return lambda *words: podman_service.podman(*words, env={})
