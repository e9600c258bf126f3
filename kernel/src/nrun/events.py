"""What happens in an experiment. These are the lines of its journal (but `Underway`), and what observers are told.

Each event is frozen, JSON-serialisable and enough by itself: folding the events of a journal in order
gives the state of the experiment. `at` is the time it was recorded, in seconds since the epoch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

import attrs

from nrun.data import Data
from nrun.model import Cause, Observation, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nrun.model import Json


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Event(Data):
    """Anything that happened. `kind` is its name in the journal."""

    kind: ClassVar[str] = ""
    at: float


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ExperimentStarted(Event):
    """A process took charge of the experiment: it alone submits its jobs while it lives."""

    kind = "started"
    title: str
    jobs: int
    pid: int
    host: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class JobSubmitting(Event):
    """The intent to submit an attempt, written before anything is asked of the backend."""

    kind = "submitting"
    job: str
    attempt: int
    executor: int = 0
    """Which of the job's executors it is placed on."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class JobSubmitted(Event):
    """The backend took the attempt."""

    kind = "submitted"
    job: str
    attempt: int
    handle: Mapping[str, Json]
    state: State = State.SUBMITTED
    """RUNNING where a backend starts jobs as they come."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class JobRefused(Event):
    """The attempt certainly does not exist at the backend, for this reason."""

    kind = "refused"
    job: str
    attempt: int
    reason: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class JobObserved(Event):
    """Something new was seen of an attempt."""

    kind = "observed"
    job: str
    attempt: int
    observation: Observation


@attrs.frozen(kw_only=True, eq=False, repr=False)
class JobRetrying(Event):
    """The job failed and is going to be tried again, on the executor of that number."""

    kind = "retrying"
    job: str
    executor: int
    not_before: float
    reason: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class JobSkipped(Event):
    """The job will not run."""

    kind = "skipped"
    job: str
    reason: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CancelRequested(Event):
    """Somebody wants the job stopped. What it then did is told by observations."""

    kind = "cancel"
    job: str
    by: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class LimitReached(Event):
    """The attempt ran, or was silent, for longer than its executor allows, and is about to be stopped."""

    kind = "limit"
    job: str
    attempt: int
    reason: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class JobRerun(Event):
    """Somebody wants the job run again: it waits as if it had never ended; its attempts are counted on."""

    kind = "rerun"
    job: str
    by: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CodePacked(Event):
    """The code of jobs is in the store. Whoever carries the experiment on takes the same."""

    kind = "packed"
    executor: int
    """Index into the executors of the description; equal packagers are packed once."""
    bundle: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Underway(Event):
    """Something takes long. Observers in the process that does it hear of it every second; no journal has it."""

    kind = "underway"
    action: str
    done: int
    total: int
    """Both in bytes; 0 if nobody knows."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ControlError(Event):
    """Watching or steering went wrong. Says nothing about what the jobs do."""

    kind = "control-error"
    action: str
    message: str
    jobs: tuple[str, ...] = ()


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Noted(Event):
    """Somebody wrote down something about the experiment."""

    kind = "noted"
    text: str
    by: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Tagged(Event):
    """Somebody put tags on the experiment and took others off."""

    kind = "tagged"
    by: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ExperimentEnded(Event):
    """The process in charge is done with the experiment."""

    kind = "ended"
    state: State


_KINDS: dict[str, type[Event]] = {cls.kind: cls for cls in Event.__subclasses__() if cls.kind}


def to_json(event: Event) -> dict[str, Json]:
    """The event as a JSON object; fields that say nothing are left out."""
    line: dict[str, Json] = {"kind": event.kind}
    for name in _field_names(type(event)):
        value = getattr(event, name)
        if isinstance(value, Observation):
            line[name] = _observation_to_json(value)
        elif isinstance(value, tuple):
            if value:
                line[name] = list(value)
        else:
            line[name] = value
    return line


def from_json(line: Mapping[str, Json]) -> Event:
    """The event that `to_json` gave. Raises ValueError, TypeError or KeyError for anything else.

    Unknown fields are left out, so that a journal of a newer nrun stays readable.
    """
    kind = line["kind"]
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(f"unknown kind of event {kind!r}")
    cls = _KINDS[kind]
    names = _field_names(cls)
    fields: dict[str, object] = {name: _checked(name, value) for name, value in line.items() if name in names}
    if cls is JobObserved:
        fields["observation"] = observation_from_json(cast("Mapping[str, Json]", fields["observation"]))
    elif "state" in fields:
        fields["state"] = State(cast("str", fields["state"]))
    elif cls in {ControlError, Tagged}:
        fields |= {name: _texts(fields[name]) for name in ("jobs", "add", "remove") if name in fields}
    return cls(**fields)  # type: ignore[arg-type] # attrs checks the names; a wrong one raises TypeError


def _field_names(cls: type[Event]) -> tuple[str, ...]:
    names = _FIELD_NAMES.get(cls)
    if names is None:
        names = _FIELD_NAMES[cls] = tuple(field.name for field in attrs.fields(cls))
    return names


_FIELD_NAMES: dict[type[Event], tuple[str, ...]] = {}


def _observation_to_json(seen: Observation) -> dict[str, Json]:
    line: dict[str, Json] = {"state": seen.state, "source": seen.source, "observed_at": seen.observed_at}
    for name in _OPTIONAL_OBSERVED:
        value = getattr(seen, name)
        if value is not None:
            line[name] = value
    if seen.nodes:
        line["nodes"] = list(seen.nodes)
    return line


_OPTIONAL_OBSERVED = (
    *("exit_code", "signal", "reason", "cause", "started_at", "ended_at"),
    *("last_output_at", "cpu_s", "peak_memory_bytes", "peak_gpu_memory_bytes", "gpu_utilization"),
)


def observation_from_json(line: Mapping[str, Json]) -> Observation:
    """The observation a journal line holds. Raises ValueError, TypeError or KeyError."""
    known: dict[str, object] = {n: _checked(n, value) for n, value in line.items() if n in _OBSERVATION_FIELDS}
    known["state"] = State(cast("str", known["state"]))
    known["nodes"] = _texts(known.get("nodes", []))
    if "cause" in known:
        known["cause"] = Cause(cast("str", known["cause"]))
    return Observation(**known)  # type: ignore[arg-type] # attrs checks the names; a wrong one raises TypeError


_OBSERVATION_FIELDS = frozenset(field.name for field in attrs.fields(Observation))
_TIMES = frozenset({"at", "observed_at", "started_at", "ended_at", "last_output_at", "cpu_s", "not_before"})
_INTEGERS = frozenset(
    {"attempt", "exit_code", "pid", "executor", "peak_memory_bytes", "peak_gpu_memory_bytes", "done", "total"}
)
_TEXTS = frozenset({"job", "reason", "by", "action", "message", "title", "host", "source", "signal", "bundle", "text"})
_MAPPINGS = frozenset({"handle", "observation"})


def _checked(name: str, value: object) -> object:
    """`value` if the field `name` may hold it. Raises TypeError: what is let in here must not do harm later."""
    if name in _TEXTS:
        good = isinstance(value, str)
    elif name in _TIMES or name == "gpu_utilization":
        good = is_time(value)
    elif name in _INTEGERS:
        good = isinstance(value, int)
    else:
        good = name not in _MAPPINGS or isinstance(value, dict)
    if not good:
        raise TypeError(f"{name} cannot be {value!r:.80}")
    return value


def is_time(value: object) -> bool:
    """Whether `value` can be a time or a time span: neither NaN nor beyond all calendars."""
    return isinstance(value, int | float) and abs(value) < 1e12  # noqa: PLR2004 - the year 33658


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"a list of texts is wanted, not {values!r:.80}")
    return tuple(values)
