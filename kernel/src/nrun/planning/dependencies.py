"""What a job waits for: other jobs, how they must have ended, and what must be true of their results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs

from nrun.data import Data
from nrun.errors import PlanError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nrun.planning.jobs import Job

CONDITIONS = ("succeeded", "failed", "finished")


@attrs.frozen(eq=False, repr=False)
class Dependency(Data):
    """A job that another one waits for.

    `condition` says how it must have ended: "succeeded", "failed", or "finished", which is any end at all. With
    `when`, a function that is given the result of the job, it must also give something true; it runs in a process
    of its own, so it must be importable (its name, `module:function`, will do). `experiment` names another
    experiment, as commands do; without it, this one.
    """

    job: str
    condition: str = attrs.field(default="succeeded")
    when: Callable[[Any], object] | str | None = attrs.field(default=None, kw_only=True)
    experiment: str | None = attrs.field(default=None, kw_only=True)

    @condition.validator
    def _check_condition(self, _: object, value: object) -> None:
        if value not in CONDITIONS:
            known = did_you_mean(str(value), CONDITIONS)
            raise PlanError(f"a dependency's condition is one of {', '.join(CONDITIONS)}, not {value!r:.80}.{known}")
        if self.when is not None and value != "succeeded":
            raise PlanError(f"`when` looks at the result of {self.job!r}, so that must have succeeded, not {value}")

    @property
    def judge(self) -> str:
        """What `when` is called."""
        return str(getattr(self.when, "__name__", self.when)).rpartition(":")[2]

    def __str__(self) -> str:
        of = f" of {self.experiment}" if self.experiment else ""
        when = f" and {self.judge} says so" if self.when is not None else ""
        return f"{self.job}{of}" + ("" if self.condition == "succeeded" and not when else f" {self.condition}{when}")


def dependencies_of(given: object) -> tuple[Dependency, ...]:
    """The dependencies that a user gave: names of jobs, or Dependency objects. Raises PlanError for anything else."""
    items = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (None,)
    if not all(isinstance(item, str | Dependency) for item in items):
        msg = f"dependencies must be a list of job names, not {given!r:.80}"
        raise PlanError(msg, hint="exp.add(...) gives the name of a job: dependencies=[name]")
    return tuple(Dependency(item) if isinstance(item, str) else item for item in items)


def one_after_another(jobs: Sequence[Job]) -> list[Job]:
    """The jobs, each of which also waits for the one before it."""
    return [
        attrs.evolve(job, dependencies=(*job.dependencies, Dependency(before.name))) if before else job
        for job, before in zip(jobs, [None, *jobs], strict=False)
    ]


def check_dependencies(jobs: Sequence[Job]) -> None:
    """Raises PlanError for a dependency that does not exist, and for a cycle, naming its path."""
    by_name = {job.name: job for job in jobs}
    for job in jobs:
        for dependency in job.dependencies:
            if dependency.experiment is None and dependency.job not in by_name:
                known = did_you_mean(dependency.job, by_name)
                msg = f"job {job.name!r} depends on {dependency.job!r}, which is not in this experiment.{known}"
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
                pending.append(iter([one.job for one in by_name[name].dependencies if one.experiment is None]))
    return []
