"""The contracts of plugins: what they subclass or implement, with the promises they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import attrs
from attrs.validators import and_, ge, gt, instance_of, optional

from nrun.arguments import Extensible
from nrun.text import environment

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
    from os import PathLike
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from nrun import model
    from nrun.config.node import Node
    from nrun.packaging.bundling import Revised
    from nrun.planning.jobs import Task
    from nrun.retries import Retries


def _env_vars(values: Mapping[str, str]) -> dict[str, str]:
    return environment(values, "Executor.env_vars")


def _launcher(_executor: Executor, _field: object, value: Any) -> None:  # noqa: ANN401 - whatever is given
    if value is not None and not isinstance(value, Launcher):
        named = str(value).title() if isinstance(value, str) else "Launcher"
        raise ValueError(f"launcher must be an object, such as run.{named}(), not {value!r}")


def _check_retries(_executor: object, field: attrs.Attribute[int], value: object) -> None:
    """Raises ValueError for what is neither a number nor budgets by cause."""
    if type(value) is not int:
        from nrun.retries import Retries  # most executors have a plain number

        if isinstance(value, Retries):
            return
        raise ValueError(f"'{field.name}' must be a number, or Retries(...) with one for each cause: {value!r}")
    if value < 0:
        raise ValueError(f"'{field.name}' must be >= 0: {value}")


def check_container(executor: object, field: attrs.Attribute[Any], value: Any) -> None:  # noqa: ANN401 - as above
    """For the field `container` of an executor: raises TypeError for what is none."""
    if value is not None:
        from nrun.containers import Container  # most jobs have none

        instance_of(Container)(executor, field, value)


class IgnoreRule(Protocol):
    """What stays behind of a folder."""

    @property
    def files(self) -> Collection[str] | None:
        """Names of files: where none stands, nothing is said of what is `tracked`. None: there may be, anyway."""
        ...

    def ignores(self, name: str, *, folder: bool, tracked: bool = False) -> bool | None:
        """Whether the file or folder called `name`, relative to the folder, stays behind; None: nothing is said of it.

        `tracked`: version control has it, so that what its own ignore files say does not count. False: it travels,
        whatever they say. Raises PackagingError if the rule cannot be read.
        """
        ...


class Packing(Protocol):
    """What a packager is given to work with."""

    @property
    def scratch(self) -> Path:
        """An empty folder for files that must be made before they can travel. It is removed afterwards."""

    def ignore_rule(self, root: Path) -> IgnoreRule:
        """What stays behind of a folder: one rule for all packagers. Raises PackagingError if none is installed."""

    def walk(self, root: Path, rule: IgnoreRule | None) -> list[str]:
        """Every file and link below a folder but what the rule ignores, in order. Raises PackagingError."""

    def known(self, key: str, note: bytes = b"", revised: Revised | None = None) -> bool:
        """Whether an equal packager has selected the same before: then nothing need be selected, and it is used.

        The key says all that would travel, with its contents, at less cost than looking at every file. With `revised`
        it may say less: that is given the store, the bundle and its note, and gives the bundle as it is now, or None.
        """


_MAX_SIZE = "500 MB"


def _check_size(_packager: object, _field: object, value: str | None) -> None:
    if value not in {None, _MAX_SIZE}:
        from nrun.amounts import parse_size  # most packagers have the default

        parse_size(str(value))


def _check_start(_packager: object, _field: object, value: str | None) -> None:
    if value and {"", ".", ".."} & set(value.split("/")):
        raise ValueError(f"start must be a folder inside what travels, such as 'experiments/one', not {value!r}")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Packager(Extensible):
    """What code travels with a job. This one ships nothing; plugins subclass it."""

    max_size: str | None = attrs.field(default=_MAX_SIZE, validator=_check_size)
    """More than this is refused before anything is sent; None: whatever there is."""

    start: str | None = attrs.field(default=None, validator=_check_start)
    """The folder of what travels in which jobs start; None: the one they are launched from."""

    @property
    def ships(self) -> bool:
        """Whether jobs start in a shipped tree instead of the current folder. Known without I/O."""
        return type(self) is not Packager

    def at(self, source: Path) -> Self:
        """This packager for launches from the folder `source`, with `start` filled in.

        Asked before anything is planned, so it may look at the file system. Overridden where `source` is not the
        root of what travels.
        """
        return self.rooted(source, source)

    def rooted(self, root: Path, source: Path) -> Self:
        """This packager for launches from `source`, if `root` becomes the root of what travels."""
        if self.start is not None:
            return self
        root, source = root.resolve(), source.resolve()
        inside = source != root and source.is_relative_to(root)
        return self.clone(start=source.relative_to(root).as_posix() if inside else "")

    async def select(self, source: Path, packing: Packing) -> Sequence[model.Files]:
        """What is to travel from `source`, the current folder. nrun reads the files, and only those that changed.

        Promises: 1. The same input gives the same selection. 2. Nothing is written but below `packing.scratch`, where
        files that must be made first can be. 3. An input that cannot be shipped raises PackagingError, which
        fails the jobs that need it.
        """
        del source, packing
        return ()


class Launcher(Extensible):
    """How the processes of a job start. This one starts a command as it is; plugins subclass it."""

    def wrap(self, command: model.Command, executor: Executor) -> model.Command:
        """The command that starts `command`, placed by `executor`, under this launcher. Pure.

        One that starts the command several times names in `NRUN_RANK_FROM` the variable that has the rank of each:
        the function of rank 0 gives the result.
        """
        del executor
        return command

    def starts_ranks(self) -> bool:
        """Whether it starts the processes of a node; else each of those that an executor starts is started so."""
        return False


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Executor(Extensible):
    """Where and how a task runs: data that can be printed, compared, saved and overridden.

    Backends subclass it and say in `place` where such jobs go. A subclass of an installed executor takes part
    like the executor itself. Whatever a subclass annotates is a field; `executor.clone(retries=2)` makes another.
    """

    packager: Packager = attrs.field(factory=Packager, validator=instance_of(Packager))
    launcher: Launcher | None = attrs.field(default=None, validator=_launcher)
    env_vars: Mapping[str, str] = attrs.field(factory=dict, converter=_env_vars)
    """Environment of the job, added to what the backend gives."""
    retries: int | Retries = attrs.field(default=0, validator=_check_retries)
    """How often a failed job is tried again: a number, or budgets by cause."""
    timeout_s: float | None = attrs.field(default=None, validator=optional(and_(instance_of((int, float)), gt(0))))
    """Time limit of one attempt in seconds, counted from its start; None: no limit."""
    silence_timeout_s: float | None = attrs.field(
        default=None, validator=optional(and_(instance_of((int, float)), gt(0)))
    )
    """How long a job may write nothing to its logs, in seconds, before it is stopped as hung; None: for ever."""
    grace_s: float = attrs.field(default=10.0, validator=[instance_of((int, float)), ge(0)])
    """How long a job that is asked to stop may take before it is killed, in seconds."""
    max_parallel: int | None = attrs.field(default=None, validator=optional(and_(instance_of(int), ge(1))))
    """Most jobs with the backend, or running there, at once; None: what the backend advises."""

    def budgets(self) -> Retries:
        """How often a job is tried again, by cause. Overridden where what a place does to jobs costs no `retries`."""
        from nrun.retries import retries_of  # most jobs do not fail

        return retries_of(self.retries)

    def place(self) -> model.Place:
        """Where these jobs go. Every executor overrides it."""
        raise TypeError(f"{type(self).__name__} does not say where its jobs go; override place()")

    def get_launcher(self) -> Launcher:
        """How its processes start: `launcher`, or one that starts them as they are."""
        return self.launcher or Launcher()

    def nnodes(self) -> int:
        """How many nodes a job has.

        Each of several knows `NRUN_NODE_RANK` (from 0), and of node 0 `NRUN_HEAD_NODE` and a free `NRUN_HEAD_PORT`.
        """
        return 1

    def nproc_per_node(self) -> int:
        """How many processes a launcher starts on each node."""
        return 1

    def interpreter(self) -> str:
        """The Python for function tasks, and for scripts whose entrypoint is `python`."""
        return "python3"


class Plugin(Extensible):
    """What changes a task and its executor when a job is added; users and sites subclass it.

    >>> exp.add(train, executor=cluster, plugins=[OurEnvironment(team="speech")])

    Unlike a hook it acts only on the jobs it is given for, and it is data: it can be overridden and saved.
    """

    def setup(self, task: Task, executor: Executor) -> tuple[Task, Executor] | None:
        """The task and the executor as they are to be; None for as they are now.

        A Config or Partial is the job's own copy and may be edited in place; scripts and executors are frozen, and
        `executor.clone(retries=2)` makes another. Called once for each task of a group.
        """


class Format(Protocol):
    """Writes configurations down and reads them: text to plain data and back, without knowing what it means.

    Promises: 1. `read(write(data))` gives equal data for everything JSON has and for the floats it lacks, and with
    `shares` declared it keeps the same mappings shared. 2. A key that occurs twice is refused. 3. Text is only text:
    nothing is imported, called or made into an object, and a small file cannot become a huge one.
    """

    def read(self, text: str) -> model.Document:
        """The document in `text`. Raises ConfigError that says line and column."""
        ...

    def write(self, data: model.Json, *, comments: Mapping[tuple[str | int, ...], str], into: str = "") -> str:
        """The text for `data`. `comments` go above the values they are about, where the format has comments.

        `into` is a text that is brought up to date: what it keeps, such as comments and the order of keys, stays as
        far as the library can.
        """
        ...


class View(Protocol):
    """Shows and compares configurations. What it gives is for people: `str` of it is text for a terminal."""

    def diff(self, config: Node, old: Node) -> object:
        """What has changed since `old`."""
        ...

    def visualize(self, config: Node) -> object:
        """A picture, which notebooks show too."""
        ...

    def comments_on(self, config: object) -> Mapping[tuple[str | int, ...], str]:
        """What is said of arguments, by their places in a document; unset ones at their node."""
        ...

    def save_config_img(self, config: Node, path: str | PathLike[str]) -> None:
        """Write a picture to a file. Raises ConfigError for a suffix that stands for no format it has."""
        ...


class Backend(Protocol):
    """Acts for all jobs that go to one place. Opened once per place and run, as a context manager.

    Promises:

    1. `plan` is pure and deterministic: no I/O, no clock, callable before the backend is opened.
    2. A handle is plain JSON and enough for another process on another day.
    3. Every submission carries its tag in a form that `find` finds again. The engine records the
       intent before it calls `submit`, and asks `find` before it ever submits a tag again.
    4. An observation says state, exit code or signal, reason, nodes, times, source and age;
       "I do not know" (`State.UNKNOWN`) is an observation. Only positive evidence ends a job.
    5. Nothing is cancelled, restarted or failed because a call failed: a call that could not do its
       work raises BackendError and leaves every job alone.
    6. Every call may be cancelled at any await (that is how deadlines arrive) and leaves the backend usable.
    7. Batches are sized by the backend (`capabilities.batch`), not by the caller.
    8. What a backend cannot do it declares in `capabilities.refuses`, with the reason; the engine then
       refuses the plan before anything is submitted.
    9. Closing leaves jobs alone and leaks nothing: no process, task, thread or descriptor.
    """

    @property
    def capabilities(self) -> model.Capabilities:
        """What this backend can do. Known before it is opened."""
        ...

    def plan(self, launches: Sequence[model.Launch]) -> Sequence[model.Submission]:
        """The exact text to submit: one submission per job, or one for many (an array, a group)."""
        ...

    async def __aenter__(self) -> Self:
        """Connect. Raises BackendError, with what to do, when the place cannot be reached."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect (promise 9)."""
        ...

    async def stage(self, bundles: Collection[model.Bundle], progress: Callable[[int, int], None]) -> None:
        """Make code present there, sending only what is missing. `progress` is told the bytes sent and to send."""
        ...

    async def submit(
        self, submissions: Sequence[model.Submission], attempts: Mapping[str, model.Attempt]
    ) -> Mapping[model.Tag, model.Handle | model.Refused]:
        """Hand over the submissions; `attempts` has the attempt of each job in them, by its name.

        Every attempt is answered. Raises BackendError when the answer was lost: then `find` tells.
        """
        ...

    async def find(self, attempts: Collection[model.Attempt]) -> Mapping[model.Tag, model.Handle]:
        """Those of the attempts that were submitted, alive or ended. Absent: it certainly was not."""
        ...

    async def changes(self) -> Collection[model.Handle]:
        """Wait until something may have changed, then say for which handles it is worth observing.

        Speaks of the handles this backend has submitted, found or observed unended. A backend with events waits for
        them; one that must ask waits out its own pace. Never empty-handed twice without a wait between.
        """
        ...

    async def observe(self, handles: Collection[model.Handle]) -> Mapping[model.Handle, model.Observation]:
        """What is known of each handle: one call for many, an answer for every one of them."""
        ...

    def logs(
        self, handle: model.Handle, *, stream: str, offset: int, follow: bool
    ) -> AsyncGenerator[model.LogChunk, None]:
        """The bytes of a log from `offset` on; `stream` is "out" or "err", or "err.2" for the third task of a group.

        With `follow` it ends when the job has ended and everything was read. A log that does not
        exist (yet) is empty.
        """
        ...

    async def fetch(self, folders: Mapping[model.Handle, Path]) -> None:
        """Bring what ended jobs left (markers, results, logs) into the folder of each attempt in the record.

        Nothing to do where jobs write there themselves. May be asked again after it failed. Jobs that run elsewhere
        cannot declare outputs, unless it `nrun.abilities.BringsOutputs` too, which may take long.
        """
        ...

    async def cancel(self, handles: Collection[model.Handle], *, grace_s: float) -> Mapping[model.Handle, str]:
        """Stop the jobs: ask, wait up to `grace_s` seconds, force, verify. Ended jobs are left alone.

        Returns what is still alive and why; empty when everything is gone.
        """
        ...
