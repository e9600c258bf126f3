"""Experiments on a real cluster."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nrun import Experiment, LocalTunnel
from nrun_executor_slurm import SlurmExecutor, backend


@pytest.fixture
def cluster(slurm, tmp_path, monkeypatch):
    """Makes executors for the cluster, as they are written on its login node."""
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NRUN_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(backend, "MARKERS_S", 0.2)
    monkeypatch.setattr(backend, "QUEUE_S", 0.5)
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


class Runs:
    """An experiment of one job under way, with what is done to it and what is said of it."""

    def __init__(self, slurm, exp):
        self.slurm, self.exp = slurm, exp
        self.reasons = []

    async def until(self, wanted):
        async with asyncio.timeout(90):
            while True:
                seen = (await self.exp.status_async()).jobs["job"]
                if seen.reason and seen.reason not in self.reasons:
                    self.reasons.append(seen.reason)
                if wanted(seen):
                    return seen
                assert not seen.state.ended, seen
                await asyncio.sleep(0.3)

    async def until_it_has_written(self, words):
        await self.until(lambda seen: seen.state.ended or words in self.log())
        assert words in self.log()

    def log(self):
        found = sorted(Path("cluster").glob("experiments/*/jobs/job/attempt-*/out.log"))
        return found[-1].read_text() if found else ""

    def folder(self):
        return max(Path("cluster").glob("experiments/*/jobs/job/attempt-*"))

    def job(self):
        named = self.folder() / "next"
        return (named if named.exists() else self.folder() / "job").read_text().strip()


@pytest.fixture
def during(slurm, cluster):
    """Runs a job, and something while it runs; gives what became of it and of what was said meanwhile."""

    def during(task, doing, **options):
        async def both():
            exp = Experiment("one")
            exp.add(task, cluster(**options), "job")
            runs = Runs(slurm, exp)
            run = asyncio.create_task(exp.run_async(check=False))
            while exp.id is None:  # noqa: ASYNC110 - it sends no events
                await asyncio.sleep(0.05)
            runs.exp = Experiment.from_id(exp.id)
            await doing(runs)
            await runs.until(lambda seen: seen.state.ended)
            await run
            runs.exp = Experiment.from_id(exp.id)
            return exp.status().jobs["job"], runs

        return asyncio.run(both())

    return during
