"""`FaultTolerance`: what users write to have a job start under NVIDIA's `ft_launcher`, and what becomes of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from nrun import Launcher, PlanError
from nrun.model import Command, JobPath, Worker
from nrun.words import JobVariable, Joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nrun import Executor
    from nrun.model import Word

_PYTHON = re.compile(r"(.*/)?python[0-9.]*")


@attrs.frozen(kw_only=True)
class FaultTolerance(Launcher):
    """As `Torchrun`, with the launcher of `nvidia-resiliency-ext`, which ends and restarts processes that hang.

    What is None is left to it, unless its description says otherwise. The job's environment must have the package, in
    version 0.4 or later.
    """

    cfg_path: str | None = None
    """A YAML file with a section `fault_tolerance`; the fields below go before it."""
    workload_check_interval: float | None = None
    initial_rank_heartbeat_timeout: float | None = None
    """How long a process may take to say that it lives, in seconds, before it is taken to hang."""
    rank_heartbeat_timeout: float | None = None
    """How long it may say nothing after that."""
    rank_termination_signal: str | None = None
    log_level: str | None = None
    max_restarts: int | None = None
    """How often all processes are started again in the same attempt when one fails or hangs."""
    finished_flag_file: str | None = None
    """The file by which a program says that it is done: `FAULT_TOL_FINISHED_FLAG_FILE` for the callbacks."""

    nnodes: int | str | None = None
    """Nodes, or the fewest and the most, such as `"1:4"`; None: as many as the executor has."""
    nproc_per_node: int | str | None = None
    """Processes on each node; None: what the executor says."""
    rdzv_backend: str = "c10d"
    rdzv_endpoint: str | None = None
    """Where the nodes meet; None: on the head node, which the executor tells, or on this machine alone."""
    rdzv_port: int | None = None
    """The port of the head node; None: a free one."""
    rdzv_id: str | int | None = None
    """What they have in common; None: the experiment and the attempt, if there are several nodes."""
    rdzv_conf: Mapping[str, str | float] = attrs.field(factory=dict, converter=dict)
    monitor_interval: float | None = None
    log_dir: str | None = None
    """Where what each rank wrote is kept; None: the folder `ranks` of the attempt."""
    tee: str | int | None = "3"
    """What is kept and goes to the log of the job too, each line with its rank: `"3"` is all that all ranks write."""

    def wrap(self, command: Command, executor: Executor) -> Command:
        """`python -m nvidia_resiliency_ext.fault_tolerance.launcher` with these options, and what it is to start.

        Raises PlanError if several nodes are asked for and nothing says where they meet.
        """
        python, started = _started(command.argv, executor.interpreter())
        launcher = ("-m", "nvidia_resiliency_ext.fault_tolerance.launcher")
        env = dict(command.env)
        if any(isinstance(word, Worker) for word in command.argv):
            env["NRUN_RANK_FROM"] = "RANK"
        if self.finished_flag_file is not None:
            env["FAULT_TOL_FINISHED_FLAG_FILE"] = self.finished_flag_file
        return attrs.evolve(command, argv=(python, *launcher, *_words(self._options(executor)), *started), env=env)

    def starts_ranks(self) -> bool:
        """It does."""
        return True

    def _options(self, executor: Executor) -> dict[str, Word | float | None]:
        conf = ",".join(f"{key}={value}" for key, value in self.rdzv_conf.items())
        return {
            "ft-cfg-path": self.cfg_path,
            "ft-workload-check-interval": self.workload_check_interval,
            "ft-initial-rank-heartbeat-timeout": self.initial_rank_heartbeat_timeout,
            "ft-rank-heartbeat-timeout": self.rank_heartbeat_timeout,
            "ft-rank-termination-signal": self.rank_termination_signal,
            "ft-log-level": self.log_level,
            "nnodes": self.nnodes or executor.nnodes(),
            "nproc-per-node": self.nproc_per_node or executor.nproc_per_node(),
            **self._meeting(executor),
            "rdzv-conf": conf or None,
            "max-restarts": self.max_restarts,
            "monitor-interval": self.monitor_interval,
            "log-dir": self.log_dir or JobPath("ranks"),
            "tee": self.tee,
        }

    def _meeting(self, executor: Executor) -> dict[str, Word | float | None]:
        """How the processes find each other."""
        told: dict[str, Word | float | None] = {"rdzv-backend": self.rdzv_backend}
        endpoint: Word | None = self.rdzv_endpoint
        if executor.nnodes() > 1:
            port = JobVariable("NRUN_HEAD_PORT") if self.rdzv_port is None else str(self.rdzv_port)
            told["rdzv-endpoint"] = endpoint or Joined((JobVariable("NRUN_HEAD_NODE"), ":", port))
            attempt = Joined((JobVariable("NRUN_EXPERIMENT_ID"), "-", JobVariable("NRUN_ATTEMPT")))
            told["rdzv-id"] = attempt if self.rdzv_id is None else self.rdzv_id
            return {**told, "node-rank": JobVariable("NRUN_NODE_RANK")}
        if endpoint is None and str(self.nnodes or 1) not in {"1", "1:1"}:
            name = type(executor).__name__
            msg = f"FaultTolerance(nnodes={self.nnodes!r}): {name} has one node, so nobody knows the others"
            raise PlanError(msg, hint="say where they meet: rdzv_endpoint='HOST:PORT', the same for each of them")
        return {**told, "rdzv-endpoint": endpoint or f"localhost:{self.rdzv_port or 0}", "rdzv-id": self.rdzv_id}


def _started(argv: tuple[Word, ...], interpreter: str) -> tuple[str, tuple[Word, ...]]:
    """The interpreter, and what it starts as the launcher takes it."""
    program = argv[0]
    if not isinstance(program, str) or not (program == interpreter or _PYTHON.fullmatch(program)):
        return interpreter, ("--no-python", *argv)
    return program, ("--module", *argv[2:]) if argv[1] == "-m" else argv[1:]


def _words(options: Mapping[str, Word | float | None]) -> Iterable[Word]:
    """The options that are set."""
    for name, value in options.items():
        if value is not None:
            yield f"--{name}"
            yield str(value) if isinstance(value, int | float) else value
