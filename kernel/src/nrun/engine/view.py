"""`View`: what one process knows of an experiment, however it came to know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from nrun.data import Data
from nrun.record import overall

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nrun.events import Noted
    from nrun.model import Place, State
    from nrun.planning import Plan
    from nrun.record import ExperimentFolder, JobStatus


@attrs.frozen(kw_only=True, eq=False, repr=False)
class View(Data):
    """What is known of an experiment at one moment."""

    folder: ExperimentFolder
    created: float
    places: Mapping[str, Sequence[Place]]
    """Where each job goes, by the number of its executor."""
    grace_s: float
    """The longest that any of its jobs may take to stop when asked."""
    statuses: dict[str, JobStatus]
    version: int
    """The version of the record."""
    damaged: tuple[int, ...] = ()
    """Byte offsets of journal lines that could not be read and were left out."""
    launcher_gone: bool = False
    """Whether the process in charge certainly no longer exists, and was not done."""
    tags: tuple[str, ...] = ()
    notes: tuple[Noted, ...] = ()

    @classmethod
    def of(cls, plan: Plan, statuses: dict[str, JobStatus], folder: ExperimentFolder, created: float) -> View:
        """That of the process which runs the plan: nothing is read back."""
        from nrun.record.describe import VERSION  # only who runs has it at hand

        return cls(
            folder=folder,
            created=created,
            places={job.name: [executor.place() for executor in job.executors] for job in plan.jobs},
            grace_s=max(executor.grace_s for executor in plan.executors()),
            statuses=statuses,
            version=VERSION,
        )

    def place(self, job: str) -> Place:
        """Where the latest attempt of a job went."""
        return self.places[job][self.statuses[job].executor]

    @property
    def state(self) -> State:
        """The state of the experiment as a whole."""
        return overall(status.state for status in self.statuses.values())
