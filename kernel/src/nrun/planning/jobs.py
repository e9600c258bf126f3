"""What an experiment consists of once it is planned: checked, complete, and without any I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

import attrs

from nrun.data import Data
from nrun.errors import PlanError, did_you_mean
from nrun.protocols import Executor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from nrun.config import Config, Partial
    from nrun.config.script import Script

Task: TypeAlias = "Config[Any] | Partial[Any] | Script"
"""What to run: a described call, or a script."""

MAX_NAME_BYTES = 200
"""Longest title or job name: file systems allow 255 bytes, and we add to it."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Job(Data):
    """Tasks placed on an executor. Several tasks are a group: they run side by side and share one fate."""

    name: str
    tasks: tuple[Task, ...]
    executor: Executor
    dependencies: tuple[str, ...] = ()


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


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Plan(Data):
    """Jobs in the order they were added, ready to be made into scripts."""

    title: str
    jobs: tuple[Job, ...]
    surroundings: Surroundings


def check_name(name: object, what: str) -> str:
    """`name` if it can be the name of a folder that stays where it is put. Raises PlanError."""
    if not isinstance(name, str):
        msg = f"{what} must be text, not {type(name).__name__}: {name!r}"
        raise PlanError(msg)
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
        msg = f"an executor is an object such as run.LocalExecutor(), not {executor!r:.80}"
        raise PlanError(msg)
    return executor


def dependency_names(given: object) -> tuple[str, ...]:
    """The names of the jobs to wait for. Raises PlanError for anything but a list of texts."""
    names = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (None,)
    if not all(isinstance(name, str) for name in names):
        msg = f"dependencies must be a list of job names, not {given!r:.80}"
        raise PlanError(msg, hint="exp.add(...) gives the name of a job: dependencies=[name]")
    return names


def check_dependencies(jobs: Sequence[Job]) -> None:
    """Raises PlanError for a dependency that does not exist, and for a cycle, naming its path."""
    by_name = {job.name: job for job in jobs}
    for job in jobs:
        for dependency in job.dependencies:
            if dependency not in by_name:
                known = did_you_mean(dependency, by_name)
                msg = f"job {job.name!r} depends on {dependency!r}, which is not in this experiment.{known}"
                raise PlanError(msg, hint=f"its jobs: {', '.join(map(repr, by_name))[:400]}")
    cycle = _find_cycle(by_name)
    if cycle:
        msg = "these jobs wait for each other: " + " → ".join(map(repr, cycle))
        raise PlanError(msg, hint="remove one of the dependencies")


def _find_cycle(by_name: Mapping[str, Job]) -> list[str]:
    """The names along a cycle, the first again at the end; empty if there is none. Depth first, without recursion."""
    finished: set[str] = set()
    for start in by_name:
        path: list[str] = []
        on_path: set[str] = set()
        pending: list[Iterator[str]] = [iter((start,))]
        while pending:
            name = next(pending[-1], None)
            if name is None:
                pending.pop()
                if path:
                    on_path.discard(path[-1])
                    finished.add(path.pop())
            elif name in on_path:
                return [*path[path.index(name) :], name]
            elif name not in finished:
                path.append(name)
                on_path.add(name)
                pending.append(iter(by_name[name].dependencies))
    return []
