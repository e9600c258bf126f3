"""What is told of a real cluster before a job is sent there, and what to do about the rest."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from nrun import SSHTunnel
from nrun_container_podman.container import PodmanContainer

NRUN = str(Path(sys.executable).with_name("nrun"))
PROFILE = """\
$target: nrun_executor_slurm:SlurmExecutor
partition: main
time: "5"
python: {python}
tunnel:
  $target: nrun_transport_ssh:SSHTunnel
  host: {host}
  config: {config}
  job_dir: {job_dir}
"""


def checked(executor, **options):
    return asyncio.run(executor.check(**options))


def about(found, subject):
    (one,) = [one for one in found if one.message.startswith(f"{subject}:")]
    return one


def test_a_command_checks_the_cluster_of_a_profile(slurm, new_sshd, cluster, tmp_path):
    server = new_sshd(env=slurm.env)
    profile = tmp_path / "home" / "profiles" / "cluster.yaml"
    profile.parent.mkdir(parents=True)
    told = {"host": server.host, "config": server.config, "python": sys.executable, "job_dir": tmp_path / "there"}
    profile.write_text(PROFILE.format(**told))
    words = [NRUN, "plugins", "doctor", "--on", "cluster", "--probe", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert found["ok"], found
    subjects = [one["message"].partition(":")[0] for one in found["findings"]]
    assert subjects == [
        *("login", "commands", "controller", "accounting", "limits", "these options", "job_dir"),
        *("python3 of the login node", "job_dir on a node", "python on a node"),
    ]
    for said in ("slurm", "is UP", "your accounts are nrun", "MaxArraySize 10001", "in partition main"):
        assert said in done.stdout
    assert list((tmp_path / "there").iterdir()) == []
    assert slurm.run("squeue", "-h").stdout == ""


def test_a_profile_that_is_none_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("NRUN_HOME", str(tmp_path))
    done = subprocess.run(
        [NRUN, "plugins", "doctor", "--on", "x"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "there is no profile 'x'" in done.stderr


@pytest.mark.parametrize(
    ("options", "subject", "said"),
    [
        ({"partition": "nowhere"}, "these options", "invalid partition"),
        ({"account": "nobody"}, "accounting", "nobody is none of them"),
        ({"nodes": 100}, "these options", "node"),
        ({"tunnel": SSHTunnel(host="nowhere.invalid", job_dir="~/x", config="/dev/null")}, "login", "nowhere"),
        ({"container_image": "a.sqsh"}, "container", "Pyxis is not installed"),
    ],
)
def test_what_does_not_work_is_told_with_what_to_do(cluster, options, subject, said):
    one = about(checked(cluster(**options)), subject)
    assert (one.ok, said in one.message, bool(one.remedy)) == (False, True, True), one


def test_a_node_is_asked_too(cluster, tmp_path):
    found = checked(cluster(python="/no/python", container=PodmanContainer(image="a")), probe=True)
    assert about(found, "job_dir on a node").ok
    assert not about(found, "python on a node").ok
    assert about(found, "container on a node").message.partition(": ")[2].partition(" on ")[0].endswith("/podman")


def test_a_controller_that_is_away_is_told(slurm, cluster):
    slurm.stop_daemon("slurmctld")
    try:
        found = checked(cluster(), probe=True)
    finally:
        slurm.start_controller()
    assert not about(found, "controller").ok
    assert about(found, "job_dir").ok
