"""The state of jobs, folded from events.

Three separate facts: what the workload did, how old that knowledge is, and what went wrong in watching.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from nrun.events import (
    CancelRequested,
    ControlError,
    JobObserved,
    JobRefused,
    JobSkipped,
    JobSubmitted,
    JobSubmitting,
    TimeLimitReached,
)
from nrun.model import Handle, State, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nrun.events import Event
    from nrun.model import Json, Observation


@attrs.define(kw_only=True)
class JobStatus:
    """What is known of one job, and since when."""

    name: str
    state: State = State.PENDING
    attempt: int = 0
    """The latest attempt, from 1; 0 before the first."""
    in_doubt: bool = False
    """An attempt was about to be submitted and no answer is recorded: it may or may not exist."""
    handle: Handle | None = None
    exit_code: int | None = None
    signal: str | None = None
    reason: str | None = None
    nodes: tuple[str, ...] = ()
    started_at: float | None = None
    ended_at: float | None = None
    source: str | None = None
    """What told the state."""
    observed_at: float | None = None
    """When the state was last seen, in seconds since the epoch."""
    cancel_requested_by: str | None = None
    time_limit_s: float | None = None
    """The time limit that the attempt ran into."""
    control_errors: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """This status as JSON; durations and times in seconds."""
        return {
            "name": self.name,
            "state": self.state.value,
            "attempt": self.attempt,
            "exit_code": self.exit_code,
            "signal": self.signal,
            "reason": self.reason,
            "nodes": list(self.nodes),
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "observed_at": self.observed_at,
            "source": self.source,
            "control_errors": list(self.control_errors),
        }


def fold(status: JobStatus, event: Event, experiment: str) -> None:
    """Take one event about the job into its status."""
    if isinstance(event, JobObserved) and event.attempt == status.attempt:
        _observe(status, event.observation)
    elif isinstance(event, JobSubmitting):
        status.state, status.attempt, status.in_doubt, status.handle = State.PENDING, event.attempt, True, None
        status.exit_code = status.signal = status.reason = status.started_at = status.ended_at = None
        status.time_limit_s, status.observed_at = None, event.at
    elif isinstance(event, JobSubmitted):
        status.state, status.in_doubt, status.observed_at = event.state, False, event.at
        status.handle = Handle(Tag(experiment, event.job, event.attempt), event.handle)
    elif isinstance(event, JobRefused):
        status.state, status.in_doubt, status.observed_at = State.FAILED, False, event.at
        status.reason, status.source, status.ended_at = f"not submitted: {event.reason}", "submission", event.at
    elif isinstance(event, JobSkipped):
        cancelled = status.cancel_requested_by is not None
        status.state = State.CANCELLED if cancelled else State.SKIPPED
        status.reason, status.source, status.observed_at = event.reason, "nrun", event.at
    elif isinstance(event, CancelRequested) and not status.state.ended:
        status.cancel_requested_by = event.by
    elif isinstance(event, TimeLimitReached) and event.attempt == status.attempt and not status.state.ended:
        status.time_limit_s = event.limit_s


def _observe(status: JobStatus, seen: Observation) -> None:
    if status.state.ended:
        return  # an end is positive evidence; nothing takes it back
    status.state, status.source, status.observed_at = seen.state, seen.source, seen.observed_at
    status.exit_code, status.signal, status.reason = seen.exit_code, seen.signal, seen.reason
    status.nodes = seen.nodes or status.nodes
    status.started_at = seen.started_at or status.started_at
    status.ended_at = seen.ended_at
    if seen.state is State.FAILED and status.cancel_requested_by is not None:
        status.state, status.reason = State.CANCELLED, f"cancelled by {status.cancel_requested_by}"
    elif seen.state is State.FAILED and status.time_limit_s is not None:
        status.reason = f"time limit of {status.time_limit_s:g} s reached"


def fold_all(statuses: dict[str, JobStatus], events: Iterable[Event], experiment: str) -> None:
    """Take events into the statuses of the jobs they are about; events of unknown jobs are left out."""
    for event in events:
        if isinstance(event, ControlError):
            for name in event.jobs:
                if name in statuses:
                    statuses[name].control_errors += (f"{event.action}: {event.message}",)
        else:
            status = statuses.get(getattr(event, "job", ""))
            if status is not None:
                fold(status, event, experiment)


def overall(states: Iterable[State]) -> State:
    """The state of an experiment whose jobs are in `states`."""
    found = set(states)
    if not found or found == {State.SUCCEEDED}:
        return State.SUCCEEDED
    for state in (State.RUNNING, State.SUBMITTED, State.UNKNOWN):
        if state in found:
            return state
    if State.PENDING in found:
        return State.RUNNING if found - {State.PENDING} else State.PENDING
    return State.FAILED if State.FAILED in found else State.CANCELLED
