"""The SSH connection is cut at the worst moments: nothing is lost, and nothing runs twice."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from nrun import Experiment, Script, State
from nrun_transport_ssh import SSHTunnel


class Gate:
    """A program of the host that stops once in the middle, until it is let go on."""

    def __init__(self, folder, name):
        self.reached, self.opened = folder / f"{name}.reached", folder / f"{name}.opened"
        real = shutil.which(name)
        (folder / name).write_text(f"""#!/bin/sh
if [ -e {self.reached} ]; then exec {real} "$@"; fi
: >{self.reached}
{real} "$@" >{folder}/answer 2>{folder}/errors
code=$?
tries=0
until [ -e {self.opened} ] || [ "$tries" -gt 200 ]; do sleep 0.1; tries=$((tries + 1)); done
cat {folder}/answer; cat {folder}/errors >&2
exit $code
""")
        (folder / name).chmod(0o755)

    async def cut(self, server, *, down_s=0.0):
        """When the program has done its work, and nobody knows: kill the connection, and the server for a while."""
        async with asyncio.timeout(60):
            while not self.reached.exists():  # noqa: ASYNC110 - it sends no events
                await asyncio.sleep(0.05)
        if down_s:
            server.stop()
            await asyncio.sleep(down_s)
            server.start()
        else:
            server.cut()
        self.opened.touch()


@pytest.fixture
def gate(tmp_path, monkeypatch):
    """Makes a gate of a program; before the server is made, whose PATH it is on."""
    folder = tmp_path / "gates"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return lambda name: Gate(folder, name)


@pytest.fixture
def server(slurm, new_sshd):
    return lambda: new_sshd(env=slurm.env)


def experiment(cluster, server, text):
    tunnel = SSHTunnel(host=server.host, config=str(server.config), job_dir=str(Path("cluster").absolute()))
    exp = Experiment("one")
    exp.add(Script(inline=text, entrypoint="sh"), cluster(tunnel=tunnel), "job")
    return exp


async def _both(exp, doing):
    run = asyncio.create_task(exp.run_async(check=False))
    await doing
    await run
    return exp.status().jobs["job"]


def submitted_jobs(slurm):
    """Every job that Slurm has ever been given in this folder."""
    told = slurm.run("scontrol", "show", "job", "-o").stdout
    return [line for line in told.splitlines() if f"WorkDir={Path('cluster').absolute()}/" in line]


@pytest.mark.parametrize("moment", [("tar", 0.0), ("sbatch", 0.0), ("sbatch", 2.0)], ids=str)
def test_a_connection_that_is_cut_while_a_job_is_handed_over(slurm, cluster, gate, server, moment):
    name, down_s = moment
    stop = gate(name)
    there = server()
    exp = experiment(cluster, there, "echo ran")
    seen = asyncio.run(_both(exp, stop.cut(there, down_s=down_s)))
    assert (seen.state, seen.attempt) == (State.SUCCEEDED, 1)
    assert exp.logs("job", stream="out") == "ran\n"
    assert len(submitted_jobs(slurm)) == 1


def test_a_log_that_is_followed_through_cuts_has_every_line_once(slurm, cluster, server):
    there = server()
    exp = experiment(cluster, there, "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.5; done")

    async def follow():
        while exp.id is None:  # noqa: ASYNC110 - it sends no events
            await asyncio.sleep(0.05)
        text, cuts = b"", 0
        async for chunk in exp.job("job").follow():
            assert chunk.offset == len(text)
            text += chunk.data
            if cuts < 2:
                there.cut()
                cuts += 1
        assert text == b"1\n2\n3\n4\n5\n6\n7\n8\n"

    seen = asyncio.run(_both(exp, follow()))
    assert (seen.state, seen.attempt) == (State.SUCCEEDED, 1)


def test_a_cancel_that_is_cut_off_is_done_all_the_same(slurm, cluster, gate, server):
    stop = gate("scancel")
    there = server()
    exp = experiment(cluster, there, "echo ran; sleep 100")

    async def cancel():
        async with asyncio.timeout(60):
            while (await exp.status_async()).jobs["job"].state is not State.RUNNING:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.3)
        left, _ = await asyncio.gather(exp.cancel_async(), stop.cut(there, down_s=1.0))
        assert left == {}

    async def scenario():
        run = asyncio.create_task(exp.run_async(check=False))
        while exp.id is None:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)
        await cancel()
        await run

    asyncio.run(scenario())
    assert exp.status().jobs["job"].state is State.CANCELLED
    assert slurm.run("squeue", "-h", "-t", "PD,R").stdout == ""
