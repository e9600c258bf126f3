"""What `nrun plugins doctor` says of Slurm on this machine."""

from __future__ import annotations

import asyncio

from nrun_executor_slurm.checks import check


def test_a_cluster_that_answers_is_well(cluster):
    results = asyncio.run(check())
    assert [one.ok for one in results] == [True, True, True]
    assert results[0].message.startswith("slurm")
    assert " is UP" in results[1].message
    assert results[2].message == "there is accounting"


def test_a_controller_that_does_not_answer_is_not(cluster, tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
    (tmp_path / "slurm.conf").write_text(
        "ClusterName=away\nSlurmctldHost=localhost\nSlurmctldPort=9\nNodeName=localhost\n"
    )
    ping = asyncio.run(check())[1]
    assert (ping.ok, ping.message) == (False, "the controller does not answer")
    assert "scontrol ping" in ping.remedy


def test_a_machine_that_belongs_to_no_cluster_is_well(slurm, monkeypatch):
    monkeypatch.delenv("SLURM_CONF", raising=False)
    (result,) = asyncio.run(check())
    assert (result.ok, "belongs to no cluster" in result.message) == (True, True)


def test_nor_need_slurm_be_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (result,) = asyncio.run(check())
    assert (result.ok, result.message.partition(" here")[0]) == (True, "no sbatch, squeue, scancel, scontrol")
