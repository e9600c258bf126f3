"""How far an experiment is: its events, counted as they come."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING

import attrs

from nrun.amounts import size_text
from nrun.events import ExperimentEnded, ExperimentStarted
from nrun.model import State
from nrun.record import JobStatus, fold_all
from nrun.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun.events import Event, Underway


@attrs.define(kw_only=True)
class Progress:
    """What is known of a running experiment. Taking in an event costs the same however many jobs there are."""

    experiment: str
    title: str
    total: int
    """How many jobs it has; they become known by name as things happen to them."""
    started_at: float
    state: State = State.RUNNING
    """The state of the experiment; final once `ended_at` is set."""
    ended_at: float | None = None
    _statuses: dict[str, JobStatus] = attrs.field(factory=dict, init=False)
    _counts: Counter[State] = attrs.field(factory=Counter, init=False)
    _running: dict[str, JobStatus] = attrs.field(factory=dict, init=False)
    _failed: dict[str, JobStatus] = attrs.field(factory=dict, init=False)

    @classmethod
    def of(cls, started: ExperimentStarted, experiment: str, before: Sequence[Event] = ()) -> Progress:
        """The progress when a process has just taken charge; `before` is what happened until then."""
        began = before[0].at if before else started.at
        progress = cls(experiment=experiment, title=started.title, total=started.jobs, started_at=began)
        for event in (*before, started):
            progress.take(event)
        return progress

    def take(self, event: Event) -> JobStatus | None:
        """Take in one event. Gives the job whose state it changed, if it did."""
        if isinstance(event, ExperimentEnded):
            self.state, self.ended_at = event.state, event.at
            return None
        if isinstance(event, ExperimentStarted):
            self.state, self.ended_at = State.RUNNING, None
            return None
        name = getattr(event, "job", None)
        if name is None:
            return None
        status = self._statuses.get(name)
        if status is None:
            status = self._statuses[name] = JobStatus(name=name)
            self._counts[status.state] += 1
        before = status.state
        fold_all(self._statuses, (event,), self.experiment)
        if status.state is before:
            return None
        self._counts[before] -= 1
        self._counts[status.state] += 1
        self._running.pop(name, None)
        self._failed.pop(name, None)
        if status.state is State.RUNNING:
            self._running[name] = status
        elif status.state is State.FAILED:
            self._failed[name] = status
        return status

    @property
    def counts(self) -> dict[State, int]:
        """How many jobs are in each state that any job is in."""
        unheard = self.total - len(self._statuses)
        counts = {state: self._counts[state] + (unheard if state is State.PENDING else 0) for state in State}
        return {state: count for state, count in counts.items() if count > 0}

    @property
    def ended(self) -> int:
        """How many jobs have ended."""
        return sum(count for state, count in self._counts.items() if state.ended)

    def running(self, most: int) -> list[JobStatus]:
        """Up to `most` of the running jobs, those that have run longest."""
        return list(itertools.islice(self._running.values(), most))

    def failed(self, most: int) -> list[JobStatus]:
        """Up to `most` of the failed jobs, the latest last."""
        return list(itertools.islice(reversed(self._failed.values()), most))[::-1]

    def age_s(self, now: float) -> float:
        """How long the experiment has run, or ran, in seconds."""
        return (now if self.ended_at is None else self.ended_at) - self.started_at


def in_words(counts: dict[State, int]) -> str:
    """Counts for people: `3 running, 1 failed`."""
    return ", ".join(f"{count} {state.value.lower()}" for state, count in counts.items())


def how_far(event: Underway) -> str:
    """What takes long, and how far it is: `send code to slurm: 120.0 MB of 200.0 MB`."""
    done = size_text(event.done)
    return (
        f"{printable(event.action)}: {done} of {size_text(event.total)}"
        if event.total
        else f"{printable(event.action)}: {done}"
    )
