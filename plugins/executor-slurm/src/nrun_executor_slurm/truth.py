"""What is true of a job, from what its folder, the queue and accounting tell. Pure."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from nrun import Cause, State
from nrun.model import Observation

if TYPE_CHECKING:
    from nrun_executor_slurm.answers import Listed, Marked

WAITING = frozenset(
    {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT"}
)
UNDER_WAY = frozenset(
    {"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "RESIZING", "SIGNALING", "STAGE_OUT", "PREEMPTED_SOON"}
)
ENDED = frozenset(
    {
        *("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "DEADLINE", "NODE_FAIL", "BOOT_FAIL", "OUT_OF_MEMORY"),
        "PREEMPTED",
    }
)
_CAUSES = {
    "TIMEOUT": (Cause.TIMEOUT, "the time limit of the job was reached"),
    "DEADLINE": (Cause.TIMEOUT, "the deadline of the job was reached"),
    "PREEMPTED": (Cause.PREEMPTED, "a job of higher priority took its place"),
    "NODE_FAIL": (Cause.NODE_FAILURE, "a node failed"),
    "BOOT_FAIL": (Cause.NODE_FAILURE, "a node did not start"),
    "OUT_OF_MEMORY": (Cause.OUT_OF_MEMORY, "it used more memory than it may"),
}
CLOCKS_S = 2.0
"""How much later than its marker a run may be said to have started: clocks differ, and Slurm tells whole seconds."""


def observed(  # noqa: PLR0911, PLR0913 - one for each layer
    marked: Marked | None, listed: Listed | None, *, at: float, source: str, down: str = "", absent: str = ""
) -> Observation:
    """What to say of a job.

    `listed` is what `source` lists, None if it does not have it: then `down` says why nobody could be asked, or
    `absent` what was found instead.
    """
    if listed is None:
        if marked is not None and marked.exit_code is not None and _is_clean(marked):
            return _from_marker(marked, at)
        if down:
            return Observation(state=State.UNKNOWN, source=source, observed_at=at, reason=down)
        if marked is not None and marked.exit_code is not None and not marked.requeues:
            return _from_marker(marked, at)  # nobody lists it any more, so no other run will follow
        return Observation(state=State.UNKNOWN, source=source, observed_at=at, reason=absent or None)
    if listed.state in WAITING:
        return Observation(
            state=State.SUBMITTED, source=source, observed_at=at, reason=_waits(listed), nodes=listed.nodes
        )
    if listed.state in ENDED:
        return _ended(marked, listed, at, source)
    if listed.state in UNDER_WAY:
        if marked is not None and _is_clean(marked) and _is_of(marked, listed):
            return _from_marker(marked, at, listed)
        return Observation(
            state=State.RUNNING,
            source=source,
            observed_at=at,
            reason=None if listed.state in {"RUNNING", "COMPLETING"} else listed.state.lower(),
            nodes=listed.nodes,
            started_at=listed.started_at,
            last_output_at=marked.last_output_at if marked else None,
        )
    reason = f"Slurm says {listed.state!r}, which nrun does not know"
    return Observation(state=State.UNKNOWN, source=source, observed_at=at, reason=reason)


def begun(marked: Marked | None, at: float) -> Observation:
    """It was submitted a moment ago."""
    if marked is not None and marked.exit_code is not None:
        return observed(marked, None, at=at, source="exit marker")
    runs = marked is not None and marked.started_at is not None
    return Observation(
        state=State.RUNNING if runs else State.SUBMITTED,
        source="start marker" if runs else "sbatch",
        observed_at=at,
        started_at=marked.started_at if marked else None,
    )


def left_out(marked: Marked | None, at: float) -> Observation | None:
    """An element that is not listed while its array is, and has not begun: the only ones are those cancelled before."""
    if marked is not None and marked.started_at is not None:
        return None
    return Observation(
        state=State.CANCELLED, source="squeue", observed_at=at, reason="cancelled before it started", ended_at=at
    )


def _is_clean(marked: Marked) -> bool:
    """Whether it ended by itself: nobody asked it to stop, so neither was it preempted nor is it to run again."""
    return marked.exit_code is not None and not marked.stop and not marked.requeues and _signal(marked) is None


def _is_of(marked: Marked, listed: Listed) -> bool:
    """Whether the marker is of the run that is listed, and not of one before it was requeued."""
    return marked.ended_at is None or listed.started_at is None or marked.ended_at >= listed.started_at - CLOCKS_S


def _from_marker(marked: Marked, at: float, listed: Listed | None = None) -> Observation:
    name = _signal(marked)
    ended = marked.ended_at
    started = marked.started_at
    return Observation(
        state=State.SUCCEEDED if marked.exit_code == 0 else State.FAILED,
        source="exit marker",
        observed_at=max(at, ended or at),
        exit_code=None if name else marked.exit_code,
        signal=name,
        reason=f"asked to stop by SIG{marked.stop}" if marked.stop and marked.exit_code else None,
        nodes=listed.nodes if listed else (),
        started_at=min(started, ended) if started is not None and ended is not None else started,
        ended_at=ended,
    )


def _ended(marked: Marked | None, listed: Listed, at: float, source: str) -> Observation:
    """Slurm says how it ended; the marker knows the exit code."""
    known = marked is not None and marked.exit_code is not None and _is_of(marked, listed)
    name = _signal(marked) if known and marked else _name(listed.signal)
    code = marked.exit_code if known and marked else listed.exit_code
    if name is not None:
        code = None
    cause, reason = _CAUSES.get(listed.state, (None, None))
    state = State.SUCCEEDED if listed.state == "COMPLETED" else State.FAILED
    if listed.state == "COMPLETED" and code is None and name is None:
        code = 0
    if known and code is not None and listed.state in {"COMPLETED", "FAILED"}:
        state = State.SUCCEEDED if code == 0 else State.FAILED
    if listed.state == "CANCELLED":
        state = State.CANCELLED
        reason = f"cancelled by {_who(listed.by)}" if listed.by else "cancelled"
    elif listed.state == "FAILED":
        reason = listed.reason or None
        if reason == "NonZeroExitCode":
            reason = None
        if not known and marked is None:
            cause = Cause.INFRASTRUCTURE
            reason = reason or "its script could not be started, or could not write into its folder"
    if cause is Cause.NODE_FAILURE and listed.nodes:
        reason = f"{reason}: {', '.join(listed.nodes)}"
    started = listed.started_at if listed.started_at is not None else marked.started_at if marked else None
    ended = listed.ended_at or (marked.ended_at if known and marked else None)
    return Observation(
        state=state,
        source=source,
        observed_at=max(at, ended or at),
        exit_code=code if state is not State.CANCELLED or code else None,
        signal=name,
        reason=reason,
        cause=cause,
        nodes=listed.nodes,
        started_at=started if started is None or ended is None else min(started, ended),
        ended_at=ended,
    )


def _waits(listed: Listed) -> str | None:
    """Why it waits, and when it is expected to start."""
    import time

    told = [listed.reason] if listed.reason else []
    if listed.started_at is not None and listed.state == "PENDING":
        told.append(f"expected to start at {time.strftime('%Y-%m-%d %H:%M', time.localtime(listed.started_at))}")
    return ", ".join(told) or None


def _who(by: str) -> str:
    return "root" if by == "0" else f"user {by}" if by.isdigit() else by


def _signal(marked: Marked) -> str | None:
    """The signal that a shell reports as 128 + its number."""
    return _name(marked.exit_code - 128) if marked.exit_code is not None and marked.exit_code > 128 else None  # noqa: PLR2004


def _name(number: int | None) -> str | None:
    try:
        return signal.Signals(number).name if number is not None else None
    except ValueError:
        return None
