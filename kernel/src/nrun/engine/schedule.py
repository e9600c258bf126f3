"""Which jobs may run now, and which never will: dependencies as counts, without I/O, linear in jobs and edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from nrun.model import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nrun.planning import Dependency, Job

Upstream: TypeAlias = "tuple[str | None, str]"
"""A job that others wait for: the id of its experiment (None: this one), and its name."""

_MET_BY = {
    "succeeded": frozenset({State.SUCCEEDED}),
    "failed": frozenset({State.FAILED}),
    "finished": frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED, State.SKIPPED}),
}


class Consequences:
    """What follows from the end of a job."""

    def __init__(self) -> None:
        self.ready: list[str] = []
        """Jobs that wait for nothing any more."""
        self.lost: list[tuple[str, str]] = []
        """Jobs that can never run, each with the reason."""
        self.to_judge: list[tuple[str, Dependency]] = []
        """Jobs that wait for what their `when` says of the result; `judged` is to be told."""


class Schedule:
    """Dependencies of the jobs of one plan, and how far they are met."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._waits_for = {job.name: len(job.dependencies) for job in jobs}
        self._dependents: dict[Upstream, list[tuple[str, Dependency]]] = {}
        for job in jobs:
            for dependency in job.dependencies:
                edges = self._dependents.setdefault((dependency.experiment, dependency.job), [])
                edges.append((job.name, dependency))
        self._begun: set[str] = set()
        self.unended = len(jobs)
        """Jobs that have not ended yet."""

    def begin(self, name: str) -> None:
        """Note a job that has been submitted before, so that it waits for nothing any more."""
        self._begun.add(name)

    def ready(self) -> list[str]:
        """The jobs that wait for nothing from the start, and have not begun."""
        return [name for name, count in self._waits_for.items() if count == 0 and name not in self._begun]

    def elsewhere(self) -> list[Upstream]:
        """The jobs of other experiments that are waited for."""
        return [upstream for upstream in self._dependents if upstream[0] is not None]

    def ended(self, name: str, state: State, experiment: str | None = None) -> Consequences:
        """Note that a job has ended in `state`."""
        found = Consequences()
        if experiment is None:
            if self._waits_for[name] < 0:
                return found  # known already
            self._waits_for[name] = -1
            self.unended -= 1
        self._follow([((experiment, name), state)], found)
        return found

    def judged(self, name: str, objection: str) -> Consequences:
        """Note what the `when` of a dependency of the job `name` said; no objection means that it is met."""
        found = Consequences()
        if objection:
            self._follow(self._lose([(name, objection)], found), found)
        else:
            self._met(name, found)
        return found

    def lose(self, losses: Iterable[tuple[str, str]]) -> Consequences:
        """Note jobs that will not run for other reasons than dependencies."""
        found = Consequences()
        self._follow(self._lose(losses, found), found)
        return found

    def _follow(self, ends: list[tuple[Upstream, State]], found: Consequences) -> None:
        while ends:
            (experiment, name), state = ends.pop()
            losses = []
            for dependent, dependency in self._dependents.pop((experiment, name), ()):
                if dependent in self._begun:
                    continue
                if state not in _MET_BY[dependency.condition]:
                    losses.append((dependent, _unmet(dependency, state)))
                elif dependency.when is not None:
                    found.to_judge.append((dependent, dependency))
                else:
                    self._met(dependent, found)
            ends += self._lose(losses, found)

    def _met(self, name: str, found: Consequences) -> None:
        self._waits_for[name] -= 1
        if self._waits_for[name] == 0:
            found.ready.append(name)

    def _lose(self, losses: Iterable[tuple[str, str]], found: Consequences) -> list[tuple[Upstream, State]]:
        """Take out jobs that cannot run; gives their ends."""
        ends: list[tuple[Upstream, State]] = []
        for name, reason in losses:
            if self._waits_for[name] >= 0:
                self._waits_for[name] = -1
                self.unended -= 1
                found.lost.append((name, reason))
                ends.append(((None, name), State.SKIPPED))
        return ends


def _unmet(dependency: Dependency, state: State) -> str:
    how = "did not run" if state is State.SKIPPED else state.value.lower()
    wanted = (
        "" if dependency.condition == "succeeded" else f", and this job waits for it to have {dependency.condition}"
    )
    of = f" of {dependency.experiment}" if dependency.experiment else ""
    return f"dependency {dependency.job!r}{of} {how}{wanted}"
