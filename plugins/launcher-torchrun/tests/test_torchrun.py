"""What torchrun is told: the exact command, for every kind of task, on one node and on several."""

from __future__ import annotations

import attrs
import pytest

import nrun as run
from nrun import ConfigError, Executor, Partial, PlanError, Script
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


def started(task, launcher=None, nodes=1) -> list[str]:
    """The lines of `launch.sh` from where the environment is set to the command."""
    job = Job(name="train", tasks=(task,), executors=(Cluster(nodes=nodes, launcher=launcher or run.Torchrun()),))
    plan = Plan(title="title", jobs=(job,), surroundings=Surroundings(cwd="/work", path=(), main=None))
    script = launch_files(launch_of(job, plan))["launch.sh"]
    body = script.partition("    cd /work || exit 72\n")[2].partition("\n)\n")[0]
    return [line.strip() for line in body.splitlines()]


ONE_NODE = (
    "exec python3 -m torch.distributed.run --nnodes 1 --nproc-per-node 8 "
    "--rdzv-backend c10d --rdzv-endpoint localhost:0 "
    '--log-dir "$NRUN_JOB_DIR"/ranks --tee 3 '
)
WITHOUT = "?this job has no such variable}"
FOUR_NODES = (
    "exec python3 -m torch.distributed.run --nnodes 4 --nproc-per-node 8 --rdzv-backend c10d "
    f'--rdzv-endpoint "${{NRUN_HEAD_NODE{WITHOUT}":"${{NRUN_HEAD_PORT{WITHOUT}" '
    f'--rdzv-id "${{NRUN_EXPERIMENT_ID{WITHOUT}"-"${{NRUN_ATTEMPT{WITHOUT}" --node-rank "${{NRUN_NODE_RANK{WITHOUT}" '
    '--log-dir "$NRUN_JOB_DIR"/ranks --tee 3 '
)
WORKER = '"$NRUN_JOB_DIR/../../../worker.py" "$NRUN_JOB_DIR"/task.json'


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (Script("train.py", entrypoint="python", args=["--lr", "it's $HOME"]), "train.py --lr 'it'\"'\"'s $HOME'"),
        (Script(inline="print(1)", entrypoint="python"), '"$NRUN_JOB_DIR"/script'),
        (Script("pkg.train", m=True, entrypoint="python", args=["-m"]), "--module pkg.train -m"),
        (Script("-x.py", entrypoint="python"), "./-x.py"),
        (Script("train.sh", args=["a b"]), "--no-python bash train.sh 'a b'"),
    ],
)
def test_a_script_or_module_is_started(task, words):
    assert started(task) == [ONE_NODE + words]
    assert started(task, nodes=4) == [FOUR_NODES + words]


def test_a_function_is_started_and_rank_0_gives_its_result():
    assert started(Partial("train:main", lr=0.1)) == ["export NRUN_RANK_FROM=RANK", ONE_NODE + WORKER]
    assert started(Partial("train:main"), nodes=4) == ["export NRUN_RANK_FROM=RANK", FOUR_NODES + WORKER]


@pytest.mark.parametrize("program", ["python3", "python3.12", "/opt/conda/bin/python"])
def test_an_interpreter_that_is_named_runs_torchrun_too(program):
    (line,) = started(Script("train.py", entrypoint=program))
    assert line == ONE_NODE.replace("exec python3", f"exec {program}") + "train.py"


@pytest.mark.parametrize("program", ["pythonw-like", "/opt/python/bin/run"])
def test_other_programs_are_started_as_they_are(program):
    (line,) = started(Script("train.py", entrypoint=program))
    assert line == ONE_NODE + f"--no-python {program} train.py"


def test_every_option_can_be_set():
    launcher = run.Torchrun(
        nnodes="1:4",
        nproc_per_node="gpu",
        rdzv_backend="etcd-v2",
        rdzv_endpoint="meet.example.org:2379",
        rdzv_id=7,
        rdzv_conf={"timeout": 900, "is_host": "1"},
        max_restarts=0,
        monitor_interval=0.5,
        start_method="fork",
        event_log_handler="console",
        role="trainer",
        local_addr="10.0.0.1",
        numa_binding="node",
        signals_to_handle="SIGTERM,SIGUSR1",
        shutdown_timeout=60,
        virtual_local_rank=True,
        log_dir="/logs",
        redirects="1",
        tee=None,
        local_ranks_filter="0",
        duplicate_stdout_filters="loss",
        duplicate_stderr_filters="error",
        logs_specs="ours",
    )
    (line,) = started(Script("t.py", entrypoint="python"), launcher)
    assert line == (
        "exec python3 -m torch.distributed.run --nnodes 1:4 --nproc-per-node gpu --rdzv-backend etcd-v2 "
        "--rdzv-endpoint meet.example.org:2379 --rdzv-id 7 --rdzv-conf timeout=900,is_host=1 --max-restarts 0 "
        "--monitor-interval 0.5 --start-method fork --event-log-handler console --role trainer --local-addr 10.0.0.1 "
        "--numa-binding node --signals-to-handle SIGTERM,SIGUSR1 --shutdown-timeout 60 --virtual-local-rank "
        "--log-dir /logs --redirects 1 --local-ranks-filter 0 --duplicate-stdout-filters loss "
        "--duplicate-stderr-filters error --logs-specs ours t.py"
    )


def test_a_port_that_is_given_is_taken():
    task = Script("t.py", entrypoint="python")
    assert "--rdzv-endpoint localhost:29400 " in started(task, run.Torchrun(rdzv_port=29400))[0]
    on_two = started(task, run.Torchrun(rdzv_port=29400), nodes=2)[0]
    assert f'--rdzv-endpoint "${{NRUN_HEAD_NODE{WITHOUT}":29400 ' in on_two


def test_nodes_that_nobody_knows_of_must_be_told_where_they_meet():
    task = Script("t.py", entrypoint="python")
    with pytest.raises(PlanError, match="Cluster has one node, so nobody knows the others") as caught:
        started(task, run.Torchrun(nnodes=2))
    assert "rdzv_endpoint" in str(caught.value)
    (line,) = started(task, run.Torchrun(nnodes=2, rdzv_endpoint="node-0:29500"))
    assert " --nnodes 2 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint node-0:29500 --log-dir " in line


@pytest.mark.parametrize(
    "wrong", [{"nnodes": 0}, {"nnodes": "4:"}, {"nnodes": True}, {"nproc_per_node": "all"}, {"nproc_per_node": -1}]
)
def test_sizes_that_are_none_are_refused(wrong):
    with pytest.raises(ConfigError, match=f"'{next(iter(wrong))}' must be"):
        run.Torchrun(**wrong)
