"""`Torchrun`: what users write to have a job start under PyTorch's launcher, and the command that becomes of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import attrs

from nrun import Launcher, PlanError
from nrun.model import Command, JobPath, Worker
from nrun.words import JobVariable, Joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nrun import Executor
    from nrun.model import Word

LOGS_FOLDER = "ranks"
"""Where what each rank wrote lies in the folder of an attempt."""
_PYTHON = re.compile(r"(.*/)?python[0-9.]*")


def _size(_launcher: object, field: attrs.Attribute[Any], value: object) -> None:
    """Raises ValueError for what is neither a number nor a word that torchrun knows."""
    known = r"[1-9]\d*(:[1-9]\d*)?" if field.name == "nnodes" else r"[1-9]\d*|auto|cpu|gpu|xpu"
    if value is not None and (isinstance(value, bool) or not re.fullmatch(known, str(value))):
        words = "such as 2 or '1:4'" if field.name == "nnodes" else "a number, 'auto', 'gpu', 'cpu' or 'xpu'"
        msg = f"'{field.name}' must be {words}: {value!r}"
        raise ValueError(msg)


@attrs.frozen(kw_only=True)
class Torchrun(Launcher):
    """Starts `nproc_per_node` processes on each node, which find each other and share one fate.

    What is None is left to torchrun, unless its description says otherwise. Scripts, modules and functions start under
    it alike; the result of a function is that of rank 0.
    """

    nnodes: int | str | None = attrs.field(default=None, validator=_size)
    """Nodes, or the fewest and the most, such as `"1:4"`; None: as many as the executor has."""
    nproc_per_node: int | Literal["auto", "cpu", "gpu", "xpu"] | None = attrs.field(default=None, validator=_size)
    """Processes on each node; None: what the executor says, such as `ntasks_per_node` of `LocalExecutor`."""

    rdzv_backend: str = "c10d"
    rdzv_endpoint: str | None = None
    """Where the nodes meet; None: on the head node, which the executor tells, or on this machine alone."""
    rdzv_port: int | None = None
    """The port of the head node; None: a free one."""
    rdzv_id: str | int | None = None
    """What they have in common; None: the experiment and the attempt, if there are several nodes."""
    rdzv_conf: Mapping[str, str | float] = attrs.field(factory=dict, converter=dict)

    max_restarts: int | None = None
    """How often all processes are started again in the same attempt when one fails."""
    monitor_interval: float | None = None
    start_method: Literal["spawn", "fork", "forkserver"] | None = None
    event_log_handler: str | None = None
    role: str | None = None
    local_addr: str | None = None
    numa_binding: str | None = None
    signals_to_handle: str | None = None
    shutdown_timeout: int | None = None
    virtual_local_rank: bool = False

    log_dir: str | None = None
    """Where what each rank wrote is kept; None: the folder `ranks` of the attempt."""
    redirects: str | int | None = None
    tee: str | int | None = "3"
    """What is kept and goes to the log of the job too, each line with its rank: `"3"` is all that all ranks write."""
    local_ranks_filter: str | None = None
    duplicate_stdout_filters: str | None = None
    duplicate_stderr_filters: str | None = None
    logs_specs: str | None = None

    def wrap(self, command: Command, executor: Executor) -> Command:
        """`python -m torch.distributed.run` with these options, and what it is to start.

        It is the interpreter of the task, so torchrun is that of the environment in which the task runs. Raises
        PlanError if several nodes are asked for and nothing says where they meet.
        """
        python, started = _started(command.argv, executor.interpreter())
        argv = (python, "-m", "torch.distributed.run", *_words(self._options(executor)), *started)
        if any(isinstance(word, Worker) for word in command.argv):
            return attrs.evolve(command, argv=argv, env={**command.env, "NRUN_RANK_FROM": "RANK"})
        return attrs.evolve(command, argv=argv)

    def starts_ranks(self) -> bool:
        """It does."""
        return True

    def _options(self, executor: Executor) -> dict[str, Word | float | bool | None]:
        conf = ",".join(f"{key}={value}" for key, value in self.rdzv_conf.items())
        return {
            "nnodes": self.nnodes or executor.nnodes(),
            "nproc-per-node": self.nproc_per_node or executor.nproc_per_node(),
            **self._meeting(executor),
            "rdzv-conf": conf or None,
            "max-restarts": self.max_restarts,
            "monitor-interval": self.monitor_interval,
            "start-method": self.start_method,
            "event-log-handler": self.event_log_handler,
            "role": self.role,
            "local-addr": self.local_addr,
            "numa-binding": self.numa_binding,
            "signals-to-handle": self.signals_to_handle,
            "shutdown-timeout": self.shutdown_timeout,
            "virtual-local-rank": self.virtual_local_rank,
            "log-dir": self.log_dir or JobPath(LOGS_FOLDER),
            "redirects": self.redirects,
            "tee": self.tee,
            "local-ranks-filter": self.local_ranks_filter,
            "duplicate-stdout-filters": self.duplicate_stdout_filters,
            "duplicate-stderr-filters": self.duplicate_stderr_filters,
            "logs-specs": self.logs_specs,
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
            msg = (
                f"Torchrun(nnodes={self.nnodes!r}): {type(executor).__name__} has one node, so nobody knows the others"
            )
            raise PlanError(msg, hint="say where they meet: rdzv_endpoint='HOST:PORT', the same for each of them")
        return {**told, "rdzv-endpoint": endpoint or f"localhost:{self.rdzv_port or 0}", "rdzv-id": self.rdzv_id}


def _started(argv: tuple[Word, ...], interpreter: str) -> tuple[str, tuple[Word, ...]]:
    """The interpreter, and what it starts as torchrun takes it."""
    program = argv[0]
    if not isinstance(program, str) or not (program == interpreter or _PYTHON.fullmatch(program)):
        return interpreter, ("--no-python", *argv)
    return program, ("--module", *argv[2:]) if argv[1] == "-m" else argv[1:]


def _words(options: Mapping[str, Word | float | bool | None]) -> Iterable[Word]:
    """The options that are set; of those that are true, no more than the name."""
    for name, value in options.items():
        if value is None or value is False:
            continue
        yield f"--{name}"
        if value is not True:
            yield str(value) if isinstance(value, int | float) else value
