"""Which jobs may run now: dependencies as counts, without I/O and linear in jobs and edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nrun.planning import Job


class Schedule:
    """Dependencies of the jobs of one plan, and how far they are met."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._waits_for = {job.name: len(set(job.dependencies)) for job in jobs}
        self._dependents: dict[str, list[str]] = {}
        for job in jobs:
            for dependency in set(job.dependencies):
                self._dependents.setdefault(dependency, []).append(job.name)
        self.unended = len(jobs)
        """Jobs that have not ended yet."""

    def ready(self) -> list[str]:
        """The jobs that wait for nothing from the start."""
        return [name for name, count in self._waits_for.items() if count == 0]

    def succeeded(self, name: str) -> list[str]:
        """Note that a job succeeded; gives the jobs that may run because of it."""
        self.unended -= 1
        freed = []
        for dependent in self._dependents.get(name, ()):
            self._waits_for[dependent] -= 1
            if self._waits_for[dependent] == 0:
                freed.append(dependent)
        return freed

    def failed(self, name: str) -> Iterable[tuple[str, str]]:
        """Note that a job ended without success; gives every job that can never run, and the one it waited for."""
        self.unended -= 1
        pending = [name]
        lost: list[tuple[str, str]] = []
        while pending:
            cause = pending.pop()
            for dependent in self._dependents.get(cause, ()):
                if self._waits_for[dependent] >= 0:
                    self._waits_for[dependent] = -1
                    self.unended -= 1
                    lost.append((dependent, cause))
                    pending.append(dependent)
        return lost
