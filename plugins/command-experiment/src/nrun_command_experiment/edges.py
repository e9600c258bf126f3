"""What the jobs of an experiment wait for, as its record has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nrun.record import JobStatus
    from nrun.record.description import Description


class Edge(NamedTuple):
    """One thing that a job waits for."""

    job: str
    condition: str
    when: str | None
    """The function that judges the result."""
    experiment: str | None
    """The id of the other experiment that the job is in."""

    def __str__(self) -> str:
        judge = f" and {self.when}" if self.when else ""
        place = f" of {self.experiment}" if self.experiment else ""
        return f"{self.job}{place} {self.condition}{judge}"

    @property
    def plain(self) -> bool:
        """Whether it says no more than that a job of this experiment must have succeeded."""
        return self.condition == "succeeded" and self.when is None and self.experiment is None


def edges_of(description: Description) -> dict[str, list[Edge]]:
    """For each job, what it waits for."""
    return {
        job.name: [
            Edge(form, "succeeded", None, None)
            if isinstance(form, str)
            else Edge(form["job"], form["condition"], form.get("when"), form.get("experiment"))
            for form in job.dependencies
        ]
        for job in description.jobs
    }


def waited_for(edges: Sequence[Edge], jobs: Mapping[str, JobStatus]) -> list[str]:
    """The jobs among `edges` that have not ended; of those in other experiments nothing is known here."""
    return [
        f"{edge.job} of {edge.experiment}" if edge.experiment else edge.job
        for edge in edges
        if edge.experiment or not (edge.job in jobs and jobs[edge.job].state.ended)
    ]
