"""Real torchrun, real processes: they find each other and add what each of them has."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import attrs
import pytest
from services.pytorch import ADDING

import nrun as run
from nrun.planning import Job, Plan, Surroundings, launch_files, launch_of

pytestmark = pytest.mark.timeout(400)  # the environment is made by the first test


@pytest.fixture
def adding(tmp_path, monkeypatch):
    """A module with a function and a main part, in the current folder."""
    (tmp_path / "adding.py").write_text(ADDING)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


def test_two_processes_of_this_machine_add_up(adding, torch_python):
    executor = run.LocalExecutor(python=torch_python, ntasks_per_node=2, launcher=run.Torchrun())
    with run.Experiment("adding") as exp:
        exp.add(run.Partial("adding:total", more=10), executor=executor, name="function")
        exp.add(run.Script("adding.py", args=["20"], entrypoint="python"), executor=executor, name="script")
        exp.run(sequential=True)
    assert exp.results() == {"function": 21}
    for name, total in {"function": 21, "script": 41}.items():
        lines = sorted(exp.logs(name, stream="out").splitlines())
        assert lines == [f"[default{rank}]:rank {rank} of 2 has {total}" for rank in (0, 1)]


@attrs.frozen(kw_only=True)
class TwoNodes(run.Executor):
    """Two nodes of two processes. Its launches are started by hand."""

    python: str

    def nnodes(self):
        return 2

    def nproc_per_node(self):
        return 2

    def interpreter(self):
        return self.python


def test_two_nodes_of_two_processes_meet_on_a_free_port(adding, torch_python, tmp_path):
    executor = TwoNodes(python=torch_python, launcher=run.Torchrun())
    planned = Job(name="adding", tasks=(run.Partial("adding:total", more=10),), executors=(executor,))
    here = Surroundings(cwd=str(tmp_path), path=(str(tmp_path),), main=None)
    files = launch_files(launch_of(planned, Plan(title="adding", jobs=(planned,), surroundings=here)))
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    told = {"NRUN_EXPERIMENT_ID": "x", "NRUN_ATTEMPT": "1", "NRUN_HEAD_NODE": "localhost", "NRUN_HEAD_PORT": str(port)}
    nodes = []
    for rank in range(2):
        attempt = tmp_path / f"node-{rank}" / "jobs" / "adding" / "attempt-1"
        attempt.mkdir(parents=True)
        for name, text in files.items():
            (attempt / name).write_text(text)
        for worker in Path(run.__file__).parent.glob("worker*.py"):
            shutil.copy(worker, tmp_path / f"node-{rank}")
        env = {**os.environ, **told, "NRUN_NODE_RANK": str(rank)}
        nodes.append((attempt, subprocess.Popen(["sh", attempt / "launch.sh"], env=env, start_new_session=True)))
    try:
        codes = [node.wait(120) for _, node in nodes]
    finally:
        for _, node in nodes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(node.pid, signal.SIGTERM)
    assert codes == [0, 0], [(path / "err.log").read_text() for path, _ in nodes]
    results = [path / "result.json" for path, _ in nodes if (path / "result.json").exists()]
    assert [json.loads(result.read_text()) for result in results] == [{"value": 46}]
    said = sorted(line.partition(":")[2] for path, _ in nodes for line in (path / "out.log").read_text().splitlines())
    assert said == [f"rank {rank} of 4 has 46" for rank in range(4)]


def test_a_rank_that_fails_fails_the_job_and_its_error_is_told(adding, torch_python, tmp_path):
    (tmp_path / "failing.py").write_text(
        "import os, time\n"
        "def fail():\n"
        "    if os.environ['RANK'] == '1':\n"
        "        raise ValueError('rank 1 cannot')\n"
        "    time.sleep(600)\n"
    )
    executor = run.LocalExecutor(python=torch_python, ntasks_per_node=2, launcher=run.Torchrun())
    with run.Experiment("failing") as exp:
        exp.add(run.Partial("failing:fail"), executor=executor, name="job")
        with pytest.raises(run.JobsFailed):
            exp.run()
    with pytest.raises(run.ResultError, match="rank 1 cannot"):
        exp.jobs["job"].result()
