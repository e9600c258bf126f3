"""What is to go by somebody's wishes, and what no record needs: found, and removed."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from nrun.amounts import parse_size, parse_span
from nrun.errors import NrunError, RecordError
from nrun.record import ExperimentFolder
from nrun.search import Query, query_of, search
from nrun.sync import run_sync
from nrun.text import printable
from nrun_command_housekeeping.leftovers import Leftover, leftovers, sweep
from nrun_command_housekeeping.removal import remove
from nrun_command_housekeeping.retention import Doomed, Policy, doomed, tagged_to_stay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path


def collect_garbage(
    home: Path,
    *,
    older_than: str | None,
    max_size: str | None,
    state: str | Iterable[str],
    keep_last: int | None,
    dry_run: bool,
) -> dict[Path, str]:
    """Remove what these wishes mean. Gives what went, or would, and why. Raises UsageError, RecordError."""
    policy = policy_of(older_than=older_than, max_size=max_size, state=state, keep_last=keep_last)
    going, rest = find_garbage(home, policy)
    if not dry_run:
        going, rest, failed = remove_garbage(going, rest, home)
        if failed:
            raise RecordError("not removed: " + "; ".join(failed))
    paths = {home / "experiments" / one.status.title / (one.status.id or ""): one.reason for one in going}
    return paths | {one.path: one.reason for one in rest}


def policy_of(
    *, older_than: str | None, max_size: str | None, state: str | Iterable[str], keep_last: int | None
) -> Policy:
    """The policy that a user means. Raises UsageError."""
    return Policy(
        older_than_s=None if older_than is None else parse_span(older_than),
        max_size=None if max_size is None else parse_size(max_size),
        states=query_of(state=state).states,
        keep_last=keep_last,
    )


def find_garbage(home: Path, policy: Policy) -> tuple[list[Doomed], list[Leftover]]:
    """The experiments that are to go, and what no record but theirs needs. Raises RecordError."""
    going = doomed(search(home, Query(), sizes=True).statuses, policy, time.time()) if policy != Policy() else []
    return going, leftovers(home, {one.status.id for one in going if one.status.id})


def remove_garbage(
    going: Sequence[Doomed], rest: Sequence[Leftover], home: Path
) -> tuple[list[Doomed], list[Leftover], list[str]]:
    """Remove them one by one. Gives what went, and why the others did not."""
    failed: list[str] = []

    def tried(work: Callable[[], object]) -> bool:
        try:
            return work() is not False
        except NrunError as error:
            failed.append(printable(error.message))
            return False

    went = [one for one in going if tried(partial(_remove_one, one, home))]
    if len(went) < len(going):  # what stayed may need code that seemed to be left over
        rest = leftovers(home, set())
    return went, [one for one in rest if tried(partial(sweep, one, home))], failed


def _remove_one(one: Doomed, home: Path) -> None:
    run_sync(remove(ExperimentFolder(home, one.status.title, one.status.id or ""), tagged_to_stay))
