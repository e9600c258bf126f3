"""The vocabulary that kernel and plugins share: frozen data, no behaviour beyond text forms.

Times are seconds since the epoch (UTC); durations are seconds.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, TypeAlias

import attrs

from nrun.data import Data

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from nrun.protocols import Executor
    from nrun.secret import Secret, SecretValue
    from nrun.words import JobVariable, Joined

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"


class State(enum.StrEnum):
    """What a workload did, as far as is known."""

    PENDING = "PENDING"
    """Waiting here: for a dependency or for a free slot."""
    SUBMITTED = "SUBMITTED"
    """With the backend, not started."""
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"
    """Never run, because a dependency did not succeed."""
    UNKNOWN = "UNKNOWN"
    """Nothing positive is known at present. It is an answer, not a failure."""

    @property
    def ended(self) -> bool:
        """Whether a job in this state will not change any more."""
        return self in _ENDED


_ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED, State.SKIPPED})


class Cause(enum.StrEnum):
    """Why an attempt failed, as far as it decides whether to try again."""

    USER_ERROR = "user_error"
    """The program itself ended badly; what is assumed where nothing else is known, but for SIGKILL."""
    OUT_OF_MEMORY = "out_of_memory"
    TIMEOUT = "timeout"
    """It ran, or was silent, for longer than allowed."""
    PREEMPTED = "preempted"
    """The system took its place away for somebody else."""
    NODE_FAILURE = "node_failure"
    INFRASTRUCTURE = "infrastructure"
    """The system around it failed: it was killed (SIGKILL) by nobody of ours, its folder could not be written, …"""
    SUBMIT_ERROR = "submit_error"
    """It never existed: the backend would not take it, or its code could not be packed."""


@attrs.frozen(repr=False)
class Tag(Data):
    """Names one attempt of one job everywhere: in the record, at the backend, in the job."""

    experiment: str
    job: str
    attempt: int

    def __str__(self) -> str:
        return f"{self.experiment}/{self.job}/{self.attempt}"

    @classmethod
    def parse(cls, text: str) -> Tag:
        """The tag that `str` gave. Raises ValueError for any other text."""
        experiment, job, attempt = text.split("/")
        return cls(experiment, job, int(attempt))


@attrs.frozen(repr=False)
class Place(Data):
    """Where jobs go. Equal places share one backend: one connection, one watcher.

    `kind` is the name of the executor that opens it; `options` is all it needs to do so, so that
    a process which holds nothing but the record can look after the jobs.
    """

    kind: str
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.kind + "".join(f" {key}={value}" for key, value in self.options)


@attrs.frozen(repr=False)
class Handle(Data):
    """Where an attempt went: plain JSON, and enough for another process on another day."""

    tag: Tag
    data: Mapping[str, Json] = attrs.field(eq=False)
    folder: Path | None = attrs.field(default=None, eq=False)
    """The folder of the attempt in the record as it lies now, which may be a copy. Not in the record."""


@attrs.frozen(eq=False, repr=False)
class Refused(Data):
    """A submission that the backend will not take; nothing of it exists there."""

    reason: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Observation(Data):
    """What was seen of one attempt: state, how it is known, and when it was seen."""

    state: State
    source: str
    """What told: "exit marker", "process table", a scheduler's command …"""
    observed_at: float
    exit_code: int | None = None
    """0..255; None while it runs, after a signal, or when not known."""
    signal: str | None = None
    """Name of the signal that ended it, such as "SIGKILL"."""
    reason: str | None = None
    cause: Cause | None = None
    """Why it failed, where that is known."""
    nodes: tuple[str, ...] = ()
    started_at: float | None = None
    ended_at: float | None = None
    last_output_at: float | None = None
    """When the job last wrote to its logs, where that can be told."""
    cpu_s: float | None = None
    """Processor time of all its processes, in seconds."""
    peak_memory_bytes: int | None = None
    """The most memory that one of its processes held."""
    peak_gpu_memory_bytes: int | None = None
    """The most memory that all its processes held together on GPUs."""
    gpu_utilization: float | None = None
    """How busy its GPUs were, in percent: the mean over time."""


@attrs.frozen(eq=False, repr=False)
class JobPath(Data):
    """A file in the folder of the attempt, whose absolute place only the job itself knows."""

    name: str


@attrs.frozen(eq=False, repr=False)
class Worker(Data):
    """The path of `worker.py`, which travels with the experiment, or of the folder that has it."""

    folder: bool = False


Word: TypeAlias = "str | JobPath | Worker | JobVariable | Joined"
"""One argument of a command: literal text, or what the job fills in."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Command(Data):
    """How one process of a job starts. Made from a task, then wrapped by launchers and containers."""

    argv: tuple[Word, ...]
    env: Mapping[str, str]
    secrets: Mapping[str, Secret] = attrs.field(factory=dict)
    """Variables whose values are found when the job is submitted. They are in the job's environment, as `env` is."""
    cwd: str | JobPath
    files: Mapping[str, str] = attrs.field(factory=dict)
    """Text files that must lie in the folder of the attempt: name -> content."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Launch(Data):
    """One job made ready for its backend: pure data, the same for every attempt.

    A job with several commands is a group: they start together, all must succeed, and when one
    fails the others are stopped.
    """

    experiment: str
    """Title of the experiment."""
    job: str
    commands: tuple[Command, ...]
    executor: Executor


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Submission(Data):
    """The exact text that one submit hands over, for one job or for many of them at once."""

    jobs: tuple[str, ...]
    files: Mapping[str, Mapping[str, str]]
    """For each job, the text files of its attempt's folder: relative path -> content."""
    request: str = ""
    """What is sent to a scheduler beside the files; empty where `launch.sh` is simply started."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Attempt(Data):
    """One try of a job: its tag, its folder in the record (made by whoever writes into it), and its code."""

    tag: Tag
    folder: Path
    bundle: Bundle | None = None
    secrets: Mapping[str, Mapping[str, SecretValue]] = attrs.field(factory=dict)
    """Variables that the job must have in its environment and that nobody else may see, for each folder of a task: ""
    is the attempt's own, a group has "task-0" and so on. `nrun.planning.secret_files` makes files of them."""


@attrs.frozen(eq=False, repr=False)
class Bundle(Data):
    """Code that travels, stored once under the digest of its content."""

    id: str
    """SHA-256 of its manifest, hexadecimal."""
    store: Path
    """The folder of the store that has it; `nrun.packaging.store.Store` reads it."""


@attrs.frozen(eq=False, repr=False)
class Files(Data):
    """Files of one folder that are to travel: what a packager selects."""

    root: Path
    names: Collection[str | bytes]
    """Paths below `root`, of files and links; folders travel by what is in them."""
    into: str = ""
    """The folder of the bundle that they go into."""


@attrs.frozen(eq=False, repr=False)
class Document(Data):
    """A configuration file as plain data, with where each value stands.

    A mapping that the file refers to in several places (an anchor of YAML) is one object in `data`.
    """

    data: Json
    positions: Mapping[tuple[str | int, ...], tuple[int, int]] = attrs.field(factory=dict)
    """Line and column, from 1, of values, by the keys and indices that lead to them."""


STREAMS = ("out", "err")
"""What a process writes; each is a log."""


@attrs.frozen(eq=False, repr=False)
class LogChunk(Data):
    """A piece of a log. `offset` is the byte position of `data` in the stream, so reading can resume."""

    stream: str
    offset: int
    data: bytes


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Capabilities(Data):
    """What a backend says about itself, so that the engine can make up for what it lacks."""

    batch: int = 1000
    """Most jobs it takes in one `submit`."""
    concurrency: int | None = None
    """How many jobs should be with it at once unless the executor says otherwise; None: any number."""
    here: bool = False
    """Whether its jobs run on this machine. Then they see its files, an interrupt stops them, and a power cut
    ends them too, so intents need not be forced to disk before each submission."""
    throttles: bool = False
    """Whether it keeps `max_parallel` itself for jobs with equal executors that are submitted at once."""
    starts_at_once: bool = False
    """Whether a submitted job runs at once instead of queueing."""
    refuses: Mapping[str, str] = attrs.field(factory=dict)
    """Features it cannot offer -> the reason. A plan that needs one is refused. Known: "groups", "code", "output"
    (it cannot tell when a job last wrote something)."""
