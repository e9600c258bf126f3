"""What `ft_launcher` is told: the exact command. Its options are those of nvidia-resiliency-ext 0.4.1."""

from __future__ import annotations

import attrs
import pytest

import nrun as run
from nrun import Executor, Partial, PlanError, Script
from nrun.model import Place
from nrun.planning import Job, Plan, Surroundings, launch_files, launch_of


@attrs.frozen(kw_only=True)
class Cluster(Executor):
    """Only written down."""

    nodes: int = 1

    def place(self) -> Place:
        return Place("paper")

    def nnodes(self) -> int:
        return self.nodes

    def nproc_per_node(self) -> int:
        return 8


def started(task, launcher, nodes=1) -> list[str]:
    """The lines of `launch.sh` from where the environment is set to the command."""
    job = Job(name="train", tasks=(task,), executors=(Cluster(nodes=nodes, launcher=launcher),))
    plan = Plan(title="title", jobs=(job,), surroundings=Surroundings(cwd="/work", path=(), main=None))
    script = launch_files(launch_of(job, plan))["launch.sh"]
    body = script.partition("    cd /work || exit 72\n")[2].partition("\n)\n")[0]
    return [line.strip() for line in body.splitlines()]


LAUNCHER = "exec python3 -m nvidia_resiliency_ext.fault_tolerance.launcher "
ONE_NODE = (
    "--nnodes 1 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint localhost:0 "
    '--log-dir "$NRUN_JOB_DIR"/ranks --tee 3 '
)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (Script("train.py", entrypoint="python", args=["a b"]), "train.py 'a b'"),
        (Script("pkg.train", m=True, entrypoint="python"), "--module pkg.train"),
        (Script("train.sh"), "--no-python bash train.sh"),
    ],
)
def test_a_script_or_module_is_started(task, words):
    assert started(task, run.FaultTolerance()) == [LAUNCHER + ONE_NODE + words]


def test_a_function_is_started_and_rank_0_gives_its_result():
    *exports, _ = lines = started(Partial("train:main"), run.FaultTolerance(finished_flag_file="/x/done"))
    assert exports == ["export NRUN_RANK_FROM=RANK", "export FAULT_TOL_FINISHED_FLAG_FILE=/x/done"]
    assert lines[-1] == LAUNCHER + ONE_NODE + '"$NRUN_JOB_DIR/../../../worker.py" "$NRUN_JOB_DIR"/task.json'


def test_every_option_can_be_set():
    launcher = run.FaultTolerance(
        cfg_path="/etc/ft.yaml",
        workload_check_interval=5,
        initial_rank_heartbeat_timeout=1200,
        rank_heartbeat_timeout=450.5,
        rank_termination_signal="SIGTERM",
        log_level="DEBUG",
        max_restarts=3,
        nnodes="1:4",
        nproc_per_node="gpu",
        rdzv_backend="c10d",
        rdzv_endpoint="meet:29500",
        rdzv_id="us",
        rdzv_conf={"timeout": 900},
        monitor_interval=0.3,
        log_dir="/logs",
        tee="1",
    )
    (line,) = started(Script("t.py", entrypoint="python"), launcher)
    assert line == (
        f"{LAUNCHER}--ft-cfg-path /etc/ft.yaml --ft-workload-check-interval 5 --ft-initial-rank-heartbeat-timeout 1200 "
        "--ft-rank-heartbeat-timeout 450.5 --ft-rank-termination-signal SIGTERM --ft-log-level DEBUG --nnodes 1:4 "
        "--nproc-per-node gpu --rdzv-backend c10d --rdzv-endpoint meet:29500 --rdzv-id us --rdzv-conf timeout=900 "
        "--max-restarts 3 --monitor-interval 0.3 --log-dir /logs --tee 1 t.py"
    )


def test_nodes_meet_at_the_head_node():
    (line,) = started(Script("t.py", entrypoint="python"), run.FaultTolerance(rdzv_port=29400), nodes=2)
    assert '--nnodes 2 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint "${NRUN_HEAD_NODE?' in line
    assert '}":29400 --rdzv-id "${NRUN_EXPERIMENT_ID?' in line
    assert '--node-rank "${NRUN_NODE_RANK?' in line
    with pytest.raises(PlanError, match="nobody knows the others"):
        started(Script("t.py", entrypoint="python"), run.FaultTolerance(nnodes=2))
