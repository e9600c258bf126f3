"""The state of jobs, folded from events.

Three separate facts: what the workload did, how old that knowledge is, and what went wrong in watching.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from nrun import events
from nrun.data import Data
from nrun.model import Cause, Handle, State, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self

    from nrun.model import Json, Observation


@attrs.define(kw_only=True, eq=False, repr=False)
class JobStatus(Data):
    """What is known of one job, and since when."""

    name: str
    state: State = State.PENDING
    since: float | None = None
    """When it came into this state as far as is known, in seconds since the epoch."""
    attempt: int = 0
    """The latest attempt, from 1; 0 before the first."""
    in_doubt: bool = False
    """An attempt was about to be submitted and no answer is recorded: it may or may not exist."""
    executor: int = 0
    """Which of its executors the attempt is placed on."""
    handle: Handle | None = None
    exit_code: int | None = None
    signal: str | None = None
    reason: str | None = None
    cause: Cause | None = None
    """Why the attempt failed, if it did."""
    failures: dict[Cause, int] = attrs.field(factory=dict)
    """How many attempts failed for each cause since it was last asked for."""
    nodes: tuple[str, ...] = ()
    not_before: float | None = None
    """When the next attempt may begin, if it has to wait."""
    submitted_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    cpu_s: float | None = None
    """Processor time of the attempt, in seconds."""
    peak_memory_bytes: int | None = None
    """The most memory that one process of the attempt held."""
    peak_gpu_memory_bytes: int | None = None
    gpu_utilization: float | None = None
    """How busy its GPUs were, in percent: the mean over time."""
    source: str | None = None
    """What told the state."""
    observed_at: float | None = None
    """When the state was last seen, in seconds since the epoch."""
    cancel_requested_by: str | None = None
    limit: str | None = None
    """The limit that the attempt ran into, in words."""
    control_errors: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """This status as JSON; durations and times in seconds."""
        told = {field.name: getattr(self, field.name) for field in attrs.fields(JobStatus) if field.name not in _UNTOLD}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Self:
        """The status that `to_json` gave, as far as it goes. Raises KeyError, TypeError or ValueError."""
        cause = line["cause"] and Cause(line["cause"])
        lists = {name: tuple(line[name]) for name in ("nodes", "control_errors")}
        return cls(**{**line, **lists, "state": State(line["state"]), "cause": cause})


_UNTOLD = frozenset({"executor", "handle", "failures", "limit"})
"""What nobody but the engine needs."""


def labels(told: Iterable[events.Event]) -> tuple[tuple[str, ...], tuple[events.Noted, ...]]:
    """The tags that an experiment has by these events, and the notes, in the order they were given."""
    tags: dict[str, None] = {}
    notes: list[events.Noted] = []
    for event in told:
        if isinstance(event, events.Noted):
            notes.append(event)
        elif isinstance(event, events.Tagged):
            tags = {tag: None for tag in (*tags, *event.add) if tag not in event.remove}
    return tuple(tags), tuple(notes)


def fold(status: JobStatus, event: events.Event, experiment: str) -> None:
    """Take one event about the job into its status."""
    before, seen_at = status.state, status.observed_at
    if isinstance(event, events.JobObserved) and event.attempt == status.attempt:
        _observe(status, event.observation)
    elif isinstance(event, events.JobSubmitting):
        _await(status)
        status.attempt, status.executor, status.in_doubt = event.attempt, event.executor, True
        status.observed_at = status.submitted_at = event.at
    elif isinstance(event, events.JobSubmitted):
        status.state, status.in_doubt, status.observed_at = event.state, False, event.at
        status.handle = Handle(Tag(experiment, event.job, event.attempt), event.handle)
    elif isinstance(event, events.JobRefused):
        status.state, status.in_doubt, status.observed_at = State.FAILED, False, event.at
        status.reason, status.source, status.ended_at = f"not submitted: {event.reason}", "submission", event.at
        _failed(status, Cause.SUBMIT_ERROR)
    elif isinstance(event, events.JobSkipped):
        cancelled = status.cancel_requested_by is not None
        status.state = State.CANCELLED if cancelled else State.SKIPPED
        status.reason, status.source, status.observed_at = event.reason, "nrun", event.at
    elif isinstance(event, events.CancelRequested) and not status.state.ended:
        status.cancel_requested_by = event.by
    elif isinstance(event, events.JobRetrying) and status.state is State.FAILED:
        _await(status)
        if event.executor != status.executor:
            status.executor, status.failures = event.executor, {}
        status.not_before, status.reason = event.not_before, event.reason
    elif isinstance(event, events.JobRerun) and status.state.ended:
        _await(status)
        status.cancel_requested_by, status.failures, status.executor = None, {}, 0
    elif isinstance(event, events.LimitReached) and event.attempt == status.attempt and not status.state.ended:
        status.limit = event.reason
    if status.state is not before:  # what is not known now has not been known since it was last seen
        status.since = (seen_at if status.state is State.UNKNOWN else None) or event.at


def _await(status: JobStatus) -> None:
    """Nothing is known of the next attempt yet."""
    status.state, status.handle, status.in_doubt = State.PENDING, None, False
    status.exit_code = status.signal = status.reason = status.cause = status.limit = status.source = None
    status.not_before = status.submitted_at = status.started_at = status.ended_at = status.cpu_s = None
    status.peak_memory_bytes = status.peak_gpu_memory_bytes = status.gpu_utilization = None


def _failed(status: JobStatus, cause: Cause) -> None:
    status.cause = cause
    status.failures = status.failures | {cause: status.failures.get(cause, 0) + 1}


def _observe(status: JobStatus, seen: Observation) -> None:
    if status.state.ended:
        return  # an end is positive evidence; nothing takes it back
    status.state, status.source, status.observed_at = seen.state, seen.source, seen.observed_at
    status.exit_code, status.signal, status.reason = seen.exit_code, seen.signal, seen.reason
    status.nodes = seen.nodes or status.nodes
    if seen.started_at is not None:  # the clock of another host, or of its files, may be behind
        status.started_at = max(seen.started_at, status.submitted_at or 0.0)
    status.ended_at = seen.ended_at
    status.cpu_s, status.peak_memory_bytes = seen.cpu_s, seen.peak_memory_bytes
    status.peak_gpu_memory_bytes, status.gpu_utilization = seen.peak_gpu_memory_bytes, seen.gpu_utilization
    if seen.state is not State.FAILED:
        return
    if status.cancel_requested_by is not None:
        status.state, status.reason = State.CANCELLED, f"cancelled by {status.cancel_requested_by}"
    elif status.limit is not None:
        status.reason = status.limit
        _failed(status, Cause.TIMEOUT)
    else:
        # Nobody of ours sent a SIGKILL, and no program ends like this by itself.
        _failed(status, seen.cause or (Cause.INFRASTRUCTURE if seen.signal == "SIGKILL" else Cause.USER_ERROR))


def fold_all(statuses: dict[str, JobStatus], told: Iterable[events.Event], experiment: str) -> None:
    """Take events into the statuses of the jobs they are about; events of unknown jobs are left out."""
    for event in told:
        if isinstance(event, events.ControlError):
            for name in event.jobs:
                if name in statuses:
                    statuses[name].control_errors += (f"{event.action}: {event.message}",)
        else:
            status = statuses.get(getattr(event, "job", ""))
            if status is not None:
                fold(status, event, experiment)


def overall(states: Iterable[State]) -> State:
    """The state of an experiment whose jobs are in `states`.

    Jobs that were skipped are no failure by themselves: what they waited for decides.
    """
    found = set(states)
    for state in (State.RUNNING, State.SUBMITTED, State.UNKNOWN):
        if state in found:
            return state
    if State.PENDING in found:
        return State.RUNNING if found - {State.PENDING} else State.PENDING
    for state in (State.FAILED, State.CANCELLED):
        if state in found:
            return state
    return State.SKIPPED if found == {State.SKIPPED} else State.SUCCEEDED
