"""`nrun experiment gc`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from nrun.amounts import size_text
from nrun.errors import UsageError
from nrun.record import home_folder
from nrun.text import columns, printable
from nrun_command_housekeeping.garbage import find_garbage, policy_of, remove_garbage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun_command_housekeeping.leftovers import Leftover
    from nrun_command_housekeeping.retention import Doomed


@click.command()
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be removed, and why.")
@click.option("--older-than", metavar="SPAN", help="Remove what ended longer ago, such as 30d.")
@click.option("--max-size", metavar="SIZE", help="Remove the oldest until all have no more than this, such as 50GB.")
@click.option("--state", multiple=True, help="Only remove what is in this state; repeat it, or separate by commas.")
@click.option("--keep-last", type=click.IntRange(min=0), metavar="N", help="Keep the newest N of each title.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print what is removed as JSON.")
def gc(
    dry_run: bool,
    older_than: str | None,
    max_size: str | None,
    state: tuple[str, ...],
    keep_last: int | None,
    yes: bool,
    as_json: bool,
) -> int:
    """Remove experiments by age, size and state, code that no experiment needs, and what crashes left behind.

    What has not ended, cannot be read, is looked after by a process, or is tagged `keep` always stays. Without
    --older-than, --max-size, --state or --keep-last no experiment is removed. Exits with 1 if something could not be.

    \b
    Examples:
      nrun experiment gc --dry-run --older-than 30d
      nrun experiment gc --state FAILED,CANCELLED --keep-last 3
      nrun experiment gc --max-size 50GB --yes
    """
    home = home_folder()
    policy = policy_of(older_than=older_than, max_size=max_size, state=state, keep_last=keep_last)
    going, rest = find_garbage(home, policy)
    failed: list[str] = []
    if not dry_run and (going or rest):
        if not as_json:
            click.echo(_table(going, rest))
        _confirm(len(going), yes=yes)
        going, rest, failed = remove_garbage(going, rest, home)
    for why in failed:
        click.echo(f"not removed: {why}", err=True)
    if as_json:
        click.echo(json.dumps(_form(going, rest, dry_run=dry_run), indent=2))
    elif dry_run and (going or rest):
        click.echo(_table(going, rest))
    total = size_text(sum(one.status.size or 0 for one in going) + sum(one.size for one in rest))
    done = "would be removed" if dry_run else "removed"
    click.echo(f"{len(going)} experiments and {len(rest)} leftovers {done}: {total}", err=True)
    return int(bool(failed))


def _confirm(count: int, *, yes: bool) -> None:
    """Ask whether to go on. Raises UsageError where nobody can answer, click.Abort for a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        msg = "nothing was removed: nobody can be asked"
        raise UsageError(msg, hint="--yes removes without asking; --dry-run only says what would be")
    click.confirm(f"remove them ({count} experiments)?", abort=True, err=True)


def _table(going: Sequence[Doomed], rest: Sequence[Leftover]) -> str:
    rows = [("id", "title", "state", "size", "why")]
    rows += [
        (
            one.status.id or "",
            printable(one.status.title),
            one.status.state.value,
            size_text(one.status.size or 0),
            printable(one.reason),
        )
        for one in going
    ]
    rows += [(printable(one.path.name)[:27], "", "", size_text(one.size), one.reason) for one in rest]
    return columns(rows)


def _form(going: Sequence[Doomed], rest: Sequence[Leftover], *, dry_run: bool) -> dict[str, object]:
    experiments = [
        {
            "id": one.status.id,
            "title": one.status.title,
            "state": one.status.state.value,
            "size": one.status.size,
            "reason": one.reason,
        }
        for one in going
    ]
    others = [{"path": str(one.path), "size": one.size, "reason": one.reason} for one in rest]
    return {"dry_run": dry_run, "experiments": experiments, "leftovers": others}
