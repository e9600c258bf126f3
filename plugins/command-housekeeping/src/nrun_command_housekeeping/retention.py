"""Which experiments are to go, and why. Pure: the same experiments and wishes give the same answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from nrun.amounts import size_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun import ExperimentStatus, State
    from nrun.engine.view import View

DAY_S = 86400
KEEP = "keep"
"""The tag of what always stays."""


@attrs.frozen(kw_only=True)
class Policy:
    """What is wanted. Without any wish nothing is to go."""

    older_than_s: float | None = None
    """Go if they ended longer ago than this."""
    max_size: int | None = None
    """The oldest go until all together have no more bytes."""
    states: frozenset[State] = frozenset()
    """Only those in one of these states may go."""
    keep_last: int | None = None
    """The newest so many of each title stay."""


@attrs.frozen
class Doomed:
    """An experiment that is to go, and why."""

    status: ExperimentStatus
    reason: str


def doomed(statuses: Sequence[ExperimentStatus], policy: Policy, now: float) -> list[Doomed]:
    """Which of these experiments, newest first and with their sizes, are to go; the oldest first."""
    if policy == Policy():
        return []
    going: list[Doomed] = []
    total = sum(status.size or 0 for status in statuses)
    for status, rank in reversed(_ranked(statuses)):
        reason = _reason(status, rank, total, policy, now) if _may_go(status, rank, policy) else ""
        if reason:
            going.append(Doomed(status, reason))
            total -= status.size or 0
    return going


def _ranked(statuses: Sequence[ExperimentStatus]) -> list[tuple[ExperimentStatus, int]]:
    """Each with how many of its title are newer."""
    seen: dict[str, int] = {}
    ranked = []
    for status in statuses:
        rank = seen.get(status.title, 0)
        seen[status.title] = rank + 1
        ranked.append((status, rank))
    return ranked


def _may_go(status: ExperimentStatus, rank: int, policy: Policy) -> bool:
    """Whether nothing holds it: what has not ended, is unknown or damaged, is tagged, or is among the newest stays."""
    return (
        status.state.ended
        and not status.warnings
        and KEEP not in status.tags
        and (not policy.states or status.state in policy.states)
        and (policy.keep_last is None or rank >= policy.keep_last)
    )


def _reason(status: ExperimentStatus, rank: int, total: int, policy: Policy, now: float) -> str:
    age_s = now - ended_at(status)
    if policy.older_than_s is not None and age_s > policy.older_than_s:
        return f"ended {age_s / DAY_S:.0f} days ago"
    if policy.max_size is not None and total > policy.max_size:
        return f"{size_text(total)} are more than {size_text(policy.max_size)}, and it is the oldest"
    if policy.older_than_s is not None or policy.max_size is not None:
        return ""
    newer = f"{rank} of {status.title!r} are newer" if policy.keep_last is not None else ""
    return ", ".join(filter(None, (newer, status.state.value if policy.states else "")))


def tagged_to_stay(view: View) -> str:
    """Why an experiment must stay, by its tags."""
    return f"is tagged `{KEEP}`" if KEEP in view.tags else ""


def ended_at(status: ExperimentStatus) -> float:
    """When the last of its jobs ended, as far as is known; in the year 1970 if nothing is."""
    times = [job.ended_at or job.observed_at for job in status.jobs.values()]
    return max([time for time in times if time is not None], default=status.created or 0.0)
