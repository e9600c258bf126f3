"""`SlurmExecutor`: what users write to run tasks on a Slurm cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
from attrs.validators import and_, ge, instance_of, optional

from nrun import Executor, Tunnel
from nrun.protocols import check_container
from nrun.text import text_of

if TYPE_CHECKING:
    from nrun import CheckResult, Container
    from nrun.model import Place

JOB_DIR = "~/.nrun/slurm"
_TIME = re.compile(r"(\d+-)?\d+(:\d+){0,2}|UNLIMITED|INFINITE", re.ASCII | re.IGNORECASE)
_OPTION = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", re.ASCII)
OURS = {
    "chdir": "jobs start in the folder of their attempt",
    "parsable": "nrun reads what sbatch answers",
    "wrap": "the task is what runs",
    "wait": "nrun waits",
    "test-only": "`nrun plan` shows what would be submitted",
    "array": "give the jobs one by one",
    "dependency": "dependencies of jobs are given to `exp.add`",
    "comment": "it is a field of SlurmExecutor",
    "job-name": "it is made of `job_name_prefix` and the name of the job",
    "output": "the logs of a job are in the folder of its attempt",
    "error": "the logs of a job are in the folder of its attempt",
    "input": "jobs read nothing",
}
"""Options of sbatch that nrun gives itself, and why."""


def _line(value: object) -> str | None:
    """One line of text; None stays None."""
    if value is None:
        return None
    text = text_of(value, "SlurmExecutor: an option")
    if "\n" in text or not text.strip():
        msg = f"an option of sbatch is one line of text, not {text!r}"
        raise ValueError(msg)
    return text


def _joined(value: object) -> str | None:
    """One line of text, from one or several names."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = ",".join(map(str, value))
    return _line(value)


def _time(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = _line(value)
    if text is not None and not _TIME.fullmatch(text):
        msg = f"time is minutes, [days-]hours:minutes[:seconds] or UNLIMITED, not {text!r}"
        raise ValueError(msg)
    return text


def _parameters(value: Mapping[str, object] | None) -> dict[str, str | bool | None]:
    found: dict[str, str | bool | None] = {}
    for name, given in (value or {}).items():
        if not _OPTION.fullmatch(name):
            msg = f"additional_parameters: {name!r} cannot be an option of sbatch; write such as 'qos' or 'mail-type'"
            raise ValueError(msg)
        option = name.replace("_", "-")
        if option in OURS and given is not None:
            msg = f"additional_parameters: {option!r} is given by nrun: {OURS[option]}"
            raise ValueError(msg)
        if given is False:
            msg = f"additional_parameters: {option!r} cannot be False; write None to leave it out"
            raise ValueError(msg)
        number = isinstance(given, int | float) and given is not True
        found[option] = given if given is None or given is True else _line(str(given) if number else given)
    return found


def _words(value: Sequence[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        msg = f"a list of texts is needed, not one text: {value!r}"
        raise TypeError(msg)
    return tuple(text_of(one, "SlurmExecutor: a text") for one in value or ())


def _containers(executor: Any, field: attrs.Attribute[Any], value: Sequence[object]) -> None:  # noqa: ANN401 - a SlurmExecutor
    for one in value:
        check_container(executor, field, one)
    if value and executor.container is not None:
        msg = "give container, for all tasks, or task_containers"
        raise ValueError(msg)


def _here() -> Tunnel:
    from nrun import LocalTunnel  # descriptions and help need no more than the class of tunnels

    return LocalTunnel(job_dir=JOB_DIR)


def _not_yet(why: str) -> Any:  # noqa: ANN401 - a field of any type
    """A field of NeMo Run's that means nothing here yet: refused, not ignored."""

    def check(_executor: object, field: attrs.Attribute[Any], value: object) -> None:
        if value:
            msg = f"SlurmExecutor.{field.name} cannot be given: {why}"
            raise ValueError(msg)

    return attrs.field(default=None, validator=check)


def _components(value: object) -> tuple[SlurmExecutor, ...]:
    if not isinstance(value, Sequence) or not all(isinstance(one, SlurmExecutor) for one in value):
        msg = f"heterogeneous is a list of what each component has, [SlurmExecutor(nodes=2, …), …], not {value!r}"
        raise TypeError(msg)
    return tuple(value)


_COUNT = optional(and_(instance_of(int), ge(1)))


def _count(default: int | None = None) -> Any:  # noqa: ANN401 - as above
    return attrs.field(default=default, validator=_COUNT)


def _text() -> Any:  # noqa: ANN401 - as above
    return attrs.field(default=None, converter=_joined)


@attrs.frozen(kw_only=True)
class SlurmExecutor(Executor):
    """Runs tasks as jobs of a Slurm cluster, from its login node or from anywhere that reaches it.

    What is None is left to the cluster. `time` and the other limits are Slurm's; `timeout_s` is nrun's own, counted
    from the start of an attempt. Other options of sbatch go into `additional_parameters`.
    """

    tunnel: Tunnel = attrs.field(factory=_here, validator=instance_of(Tunnel))
    """How the login node is reached, and the folder there in which nrun works: it must be shared with the nodes."""
    account: str | None = _text()
    partition: str | None = _text()
    """One, or several: the one that can start the job first gets it."""
    qos: str | None = _text()
    job_name_prefix: str = attrs.field(default="", validator=instance_of(str))
    """What the names of jobs begin with in the queue."""
    time: str | None = attrs.field(default="00:10:00", converter=_time)
    """Time limit: minutes, `hours:minutes:seconds`, `days-hours` …; None: what the partition has."""
    nodes: int = _count(1)
    ntasks_per_node: int = _count(1)
    """Processes on each node. More than one in all are started by srun."""
    cpus_per_task: int | None = _count()
    cpus_per_gpu: int | None = _count()
    gpus_per_node: int | str | None = attrs.field(default=None)
    """A number, or with a type: `a100:4`."""
    gpus_per_task: int | str | None = attrs.field(default=None)
    gres: str | None = _text()
    """Resources by name, for clusters that know no `gpus-per-…`: `gpu:4`."""
    mem: str | None = _text()
    """Memory of each node, such as `16G`; `0`: all of it."""
    mem_per_cpu: str | None = _text()
    mem_per_gpu: str | None = _text()
    constraint: str | None = _text()
    exclude: str | None = _text()
    """Nodes to keep away from."""
    nodelist: str | None = _text()
    exclusive: bool | str = attrs.field(default=False)
    """Whether nobody else may be on its nodes; or `user`, `mcs`, `topo`."""
    signal: str | None = attrs.field(default=None, converter=_line)
    """A signal for its processes before the time limit: `USR1@120`."""
    reservation: str | None = _text()
    segment: int | None = _count()
    network: str | None = _text()
    comment: str | None = _text()
    """What the comment of the job says behind nrun's tag."""
    requeue: bool = attrs.field(default=True, validator=instance_of(bool))
    """Whether Slurm may start it again after preemption or failure of a node. It costs none of `retries`."""
    setup_lines: str | None = attrs.field(default=None, validator=optional(instance_of(str)))
    """Shell text that goes before the task, such as `module load cuda` or `. ~/venv/bin/activate`."""
    additional_parameters: Mapping[str, str | bool | None] = attrs.field(factory=dict, converter=_parameters)
    """Options of sbatch by name: True for one without a value, None to leave out one that nrun would give."""
    srun_args: Sequence[str] = attrs.field(factory=tuple, converter=_words)
    """Further arguments of srun, where there is more than one process."""
    stderr_to_stdout: bool = attrs.field(default=False, validator=instance_of(bool))
    """Whether what a job writes to its errors goes into its output: one log in place of two."""
    python: str = attrs.field(default="python3", validator=instance_of(str))
    """Interpreter of function tasks on the nodes, and of scripts whose entrypoint is `python`."""

    torchrun_nproc_per_node: int | None = _count()
    """Processes that a launcher starts on each node, if not as many as Slurm's options say."""
    container: Container | None = attrs.field(default=None, validator=check_container)
    """The image that jobs run in; None: they run on the nodes as these are."""
    task_containers: Sequence[Container | None] = attrs.field(factory=tuple, converter=tuple, validator=_containers)
    """Those of the tasks of a group instead, one for each; None for a task without."""
    container_image: str | None = _text()
    """Short for the image of `container`, which is a `PyxisContainer` unless another is given."""
    container_mounts: Sequence[str] | None = None
    """Short for its `mounts`."""
    container_env: Sequence[str] | None = None
    """Short for its `container_env`: variables of the host that go before those of the image."""
    takes_step_options: ClassVar[bool] = True
    """Whether a container can be asked for by options of srun."""

    array: str | None = _not_yet("give the jobs one by one, such as from a loop or a sweep")
    dependencies: Sequence[str] | None = _not_yet("say it in exp.add(…, dependencies=[…]), which nrun looks after")
    dependency_type: str = attrs.field(default="afterok")
    """Only `afterok`: dependencies of other kinds are said with the dependency."""
    heterogeneous: Sequence[SlurmExecutor] = attrs.field(factory=tuple, converter=_components)
    """Components of a heterogeneous job, each with resources of its own, for the tasks of a group. What one leaves open
    is as this executor has it."""
    het_group_indices: Sequence[int] | None = attrs.field(default=None)
    """For each task of the group the number of its component; None: each has one, in order."""
    memory_measure: bool | None = _not_yet("nothing measures the memory of GPUs on nodes as yet")

    @dependency_type.validator
    def _check_dependency_type(self, _field: object, value: object) -> None:
        if value != "afterok":
            msg = f"dependency_type cannot be {value!r}: say it with the dependency, in exp.add(…, dependencies=[…])"
            raise ValueError(msg)

    @gpus_per_node.validator
    @gpus_per_task.validator
    def _check_gpus(self, field: attrs.Attribute[Any], value: object) -> None:
        if value is None or (type(value) is int and value >= 0):
            return
        if not isinstance(value, str) or not re.fullmatch(r"([\w.-]+:)?\d+", value, re.ASCII):
            msg = f"{field.name} is a number, or a type and a number such as 'a100:4', not {value!r}"
            raise ValueError(msg)

    @signal.validator
    def _check_signal(self, _field: object, value: str | None) -> None:
        if value is not None and not re.fullmatch(r"[A-Z0-9]+(@\d+)?", value, re.ASCII):
            msg = f"signal is a name and seconds, such as 'USR1@120', for all processes of the job; not {value!r}"
            raise ValueError(msg)

    @het_group_indices.validator
    def _check_components(self, _field: object, value: object) -> None:
        if self.heterogeneous or value is not None:
            from nrun_executor_slurm.het import check  # most jobs are of one piece

            check(self)

    @exclusive.validator
    def _check_exclusive(self, _field: object, value: object) -> None:
        if not isinstance(value, bool) and value not in {"user", "mcs", "topo"}:
            msg = f"exclusive is True, False, 'user', 'mcs' or 'topo', not {value!r}"
            raise ValueError(msg)

    def __attrs_post_init__(self) -> None:
        """What is short for something is that from now on."""
        names = {"container_image": "image", "container_mounts": "mounts", "container_env": "container_env"}
        given = {full: getattr(self, name) for name, full in names.items() if getattr(self, name) is not None}
        container = self.container
        if given and container is not None:
            container = container.clone(**given)
        elif self.container_image is not None:
            import nrun

            container = nrun.PyxisContainer(**given)
        elif any(given.values()):
            msg = "container_mounts and container_env belong to an image: give container_image, or container"
            raise ValueError(msg)
        for name, value in {"container": container, **dict.fromkeys(names)}.items():
            object.__setattr__(self, name, value)

    def place(self) -> Place:
        """The cluster, by how it is reached."""
        from nrun.config.codec import dumps
        from nrun.model import Place

        return Place("slurm", (("tunnel", dumps(self.tunnel)),))

    def nnodes(self) -> int:
        """As many as were asked for."""
        return self.nodes

    def nproc_per_node(self) -> int:
        """What `torchrun_nproc_per_node` says; else a process for each task, or for each GPU of a single task."""
        if self.torchrun_nproc_per_node is not None:
            return self.torchrun_nproc_per_node
        gpus = self.gpus_per_node or self.gpus_per_task
        if self.ntasks_per_node > 1 or not gpus:
            return self.ntasks_per_node
        return max(1, int(str(gpus).rpartition(":")[2]))

    def interpreter(self) -> str:
        """A Python of the cluster; in a container that of its image."""
        return self.container.python if self.container else self.python

    def srun(self, command: str | Sequence[str], *, job_name: str = "interactive", **options: str | bool) -> int:
        """Run a command on nodes like these, at this terminal, and give its exit code.

        A text is read by `sh` there; a list is a program with exactly these arguments. Further options of srun are
        given by name: `executor.srun("bash", pty=True)`. Of `env_vars`, secrets are left out. Raises TransportError.
        """
        from nrun_executor_slurm.interactive import run, srun_words

        return run(self, srun_words(self, command, {"job-name": job_name, **_parameters(options)}))

    def alloc(self, command: Sequence[str] = (), *, job_name: str = "interactive", **options: str | bool) -> int:
        """Have nodes like these for as long as a command on the login node, or a shell there, runs: `salloc`."""
        from nrun_executor_slurm.interactive import run, salloc_words

        return run(self, salloc_words(self, _words(command), {"job-name": job_name, **_parameters(options)}))

    async def check(self, *, probe: bool = False) -> Sequence[CheckResult]:
        """Whether the cluster takes such jobs; with `probe` it also runs one of a second. For `plugins doctor --on`."""
        from nrun_executor_slurm.site import check

        return await check(self, probe=probe)
