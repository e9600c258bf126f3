"""Launchers in jobs of a real cluster: PyTorch's own, whose processes find each other, and the port they meet at."""

from __future__ import annotations

import contextlib
import socket

import pytest
from services.pytorch import ADDING

from nrun import Experiment, Partial, Script, State
from nrun_launcher_torchrun.launcher import Torchrun


@pytest.mark.timeout(400)  # the environment is made by the first test
def test_two_nodes_of_two_processes_add_up(slurm, cluster, torch_python, tmp_path, monkeypatch):
    (tmp_path / "adding.py").write_text(ADDING)
    monkeypatch.syspath_prepend(tmp_path)
    two = cluster(nodes=2, ntasks_per_node=2, python=torch_python, launcher=Torchrun(), mem="4000")
    with Experiment("adding") as exp:
        exp.add(Partial("adding:total", more=10), two, "function")
        exp.add(Script("adding.py", args=["20"], entrypoint="python"), two, "script")
        exp.add(Script("adding", args=["30"], entrypoint="python", m=True), two, "module")
        exp.run(sequential=True)
    assert exp.results() == {"function": 46}
    for name, total in {"function": 46, "script": 86, "module": 126}.items():
        lines = sorted(line.partition(":")[2] for line in exp.logs(name, stream="out").splitlines())
        assert lines == [f"rank {rank} of 4 has {total}" for rank in range(4)]


def test_every_node_is_told_who_it_is_and_where_all_meet(outcome):
    tell = 'echo "$NRUN_NODE_RANK $NRUN_HEAD_NODE $NRUN_HEAD_PORT"'
    exp = outcome(Script(inline=tell, entrypoint="sh"), nodes=2, ntasks_per_node=2, launcher=Torchless())
    ranks, heads, ports = zip(*(line.split() for line in exp.logs("job").splitlines()), strict=True)
    assert (sorted(ranks), len(set(heads)), len(set(ports))) == (["0", "1"], 1, 1)
    assert socket.gethostbyname(heads[0])


class Torchless(Torchrun):
    """Starts what is on a node by itself: here, nothing more."""

    def wrap(self, command, executor):
        return command


def test_a_port_that_is_taken_is_left_alone(slurm, outcome):
    newest = max((int(job) for job in slurm.run("squeue", "-h", "-t", "all", "-o", "%A").stdout.split()), default=0)
    with contextlib.ExitStack() as stack:
        taken = []
        for job in range(newest + 1, newest + 4):
            server = stack.enter_context(socket.create_server(("localhost", job % 20000 + 12000)))
            taken.append(server.getsockname()[1])
        tell = "echo $SLURM_JOB_ID $NRUN_HEAD_PORT"
        exp = outcome(Script(inline=tell, entrypoint="sh"), nodes=2, launcher=Torchless())
        jobs, ports = zip(*(map(int, line.split()) for line in exp.logs("job").splitlines()), strict=True)
    assert exp.status().jobs["job"].state is State.SUCCEEDED
    assert jobs[0] % 20000 + 12000 in taken
    assert ports[0] == ports[1] == max(taken) + 1
