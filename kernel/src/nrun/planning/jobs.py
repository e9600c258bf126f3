"""What an experiment consists of once it is planned: checked, complete, and without any I/O."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from nrun.data import Data
from nrun.errors import PlanError
from nrun.protocols import Executor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nrun.config import Config, Partial
    from nrun.config.script import Script
    from nrun.planning.dependencies import Dependency

Task: TypeAlias = "Config[Any] | Partial[Any] | Script"
"""What to run: a described call, or a script."""


@attrs.frozen(eq=False, repr=False)
class RecordedTask(Data):
    """A described call as the record has it: whoever carries an experiment on passes it through unread."""

    form: Any


MAX_NAME_BYTES = 200
"""Longest title or job name: file systems allow 255 bytes, and we add to it."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Job(Data):
    """Tasks placed on an executor. Several tasks are a group: they run side by side and share one fate."""

    name: str
    tasks: tuple[Task | RecordedTask, ...]
    executors: tuple[Executor, ...]
    """Where it runs: the first, then the others in turn when it cannot be submitted or is lost to the system."""
    dependencies: tuple[Dependency, ...] = ()
    outputs: tuple[str, ...] = ()
    """Patterns of the files that are kept when it has ended, from the folder in which it runs."""

    @property
    def executor(self) -> Executor:
        """Where it runs unless that fails."""
        return self.executors[0]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Surroundings(Data):
    """What tasks take over from the process that launches them."""

    cwd: str
    path: tuple[str, ...]
    """Folders from which function tasks import, before those of their interpreter."""
    main: str | None
    """The launching script, for functions defined in it; None in an interactive session."""
    main_module: str | None = None
    """The importable name of the launching module, if it was started with `python -m`."""

    def shipped(self, start: str) -> Surroundings:
        """For jobs that start in the folder `start` of code that travels: what lies in that is relative to it.

        The root of that code is the current folder, or the one that has it as `start`.
        """
        root = self.cwd.removesuffix(f"/{start}") if start else self.cwd

        def there(path: str) -> str:
            if path != root and not path.startswith(f"{root}/"):
                return path
            return posixpath.relpath(path.removeprefix(root).strip("/") or ".", start or ".")

        return attrs.evolve(self, path=tuple(map(there, self.path)), main=self.main and there(self.main))


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Plan(Data):
    """Jobs in the order they were added, ready to be made into scripts."""

    title: str
    jobs: tuple[Job, ...]
    surroundings: Surroundings
    fail_fast: bool = False
    """Whether the first failure ends the experiment: what runs is stopped, what waits is skipped."""
    _by_name: Mapping[str, Job] = attrs.field(init=False)

    @_by_name.default
    def _index(self) -> Mapping[str, Job]:
        return {job.name: job for job in self.jobs}

    def job(self, name: str) -> Job:
        """The job of that name. Raises KeyError."""
        return self._by_name[name]

    def executors(self) -> list[Executor]:
        """Every executor once, in the order of the jobs. The record counts them so."""
        return list({id(executor): executor for job in self.jobs for executor in job.executors}.values())

    def batches(self) -> list[list[Job]]:
        """The jobs as they can be handed over at once: those that go to one place and wait for the same."""
        found: dict[object, list[Job]] = {}
        for job in self.jobs:
            found.setdefault((job.executor.place(), frozenset(map(str, job.dependencies))), []).append(job)
        return list(found.values())


def check_name(name: object, what: str) -> str:
    """`name` if it can be the name of a folder that stays where it is put. Raises PlanError."""
    if not isinstance(name, str):
        raise PlanError(f"{what} must be text, not {type(name).__name__}: {name!r}")
    problem = ""
    try:
        size = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        size, problem = 0, "contains a lone surrogate"
    if not name:
        problem = "is empty"
    elif "/" in name or "\0" in name:
        problem = "contains a slash or a NUL character"
    elif name.startswith("."):
        problem = "begins with a dot"
    elif size > MAX_NAME_BYTES:
        problem = f"is longer than {MAX_NAME_BYTES} bytes"
    if problem:
        msg = f"{what} {problem}: {name!r:.80}"
        raise PlanError(msg, hint="it becomes the name of a folder in the record; choose another")
    return name


def check_executor(executor: object) -> Executor:
    """`executor` if it is one. Raises PlanError for its name, its class and everything else."""
    if not isinstance(executor, Executor):
        raise PlanError(f"an executor is an object such as run.LocalExecutor(), not {executor!r:.80}")
    return executor
