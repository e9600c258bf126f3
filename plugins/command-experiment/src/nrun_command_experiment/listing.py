"""`nrun list`."""

from __future__ import annotations

import collections
import json
import shutil
import sys
import time
from typing import TYPE_CHECKING

import click

from nrun.amounts import size_text
from nrun.record import home_folder
from nrun.search import query_of, search
from nrun.text import columns, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun import ExperimentStatus

PAGE = 50
"""How many experiments the table has unless told otherwise."""
_HEAD = {"id": "id", "title": "title", "state": "state", "created": "created", "size": "size", "jobs": "jobs"}


@click.command("list")
@click.option("--title", metavar="GLOB", help="Only titles like this; it may have wildcards.")
@click.option("--state", multiple=True, help="Only in this state; repeat it, or separate several by commas.")
@click.option("--tag", multiple=True, help="Only with this tag; repeat it for those that have all.")
@click.option("--since", metavar="WHEN", help="Only launched since: a date, or how long ago (2d, 3h).")
@click.option("--until", metavar="WHEN", help="Only launched until then.")
@click.option("--text", help="Only with this in title, notes, names of jobs or command line.")
@click.option("--limit", type=click.IntRange(min=1), help=f"So many (of the table: {PAGE}).")
@click.option("--page", type=click.IntRange(min=1), help="The first so many, the next so many, …")
@click.option("--offset", type=click.IntRange(min=0), help="Leave out the newest so many.")
@click.option("--sizes", is_flag=True, help="Count the bytes of their files.")
@click.option("--json", "as_json", is_flag=True, help="Print them as a JSON array, newest first.")
def list_(
    title: str | None,
    state: tuple[str, ...],
    tag: tuple[str, ...],
    since: str | None,
    until: str | None,
    text: str | None,
    limit: int | None,
    page: int | None,
    offset: int | None,
    sizes: bool,
    as_json: bool,
) -> None:
    """List experiments, newest first, as the record knows them; no backend is asked.

    \b
    Examples:
      nrun list
      nrun list --title 'train-*' --state FAILED --since 2d
      nrun list --tag paper --sizes
      nrun list --json | jq -r '.[] | select(.state == "FAILED") | .id'
    """
    if page is not None and offset is not None:
        msg = "--page and --offset both say where to begin; give one of them"
        raise click.UsageError(msg)
    if limit is None and (page is not None or not as_json):
        limit = PAGE
    first = offset or ((page or 1) - 1) * (limit or 0)
    query = query_of(title=title, state=state, tag=tag, since=since, until=until, text=text)
    found = search(home_folder(), query, limit=limit, offset=first, sizes=sizes)
    if as_json:
        click.echo(_json(found.statuses))
        return
    if not found.statuses:
        click.echo(_nothing(found.total, first, asked=query.looks_inside or title is not None), err=True)
        return
    click.echo(_table(found.statuses, sizes=sizes))
    for status in found.statuses:
        for warning in status.warnings:
            click.echo(f"warning: {status.id}: {printable(warning)}", err=True)
    last = first + len(found.statuses)
    if last < found.total:
        on = f"--page {last // limit + 1}" if limit and last % limit == 0 else f"--offset {last}"
        click.echo(f"{len(found.statuses)} of {found.total}; {on} shows more", err=True)


def _nothing(total: int, first: int, *, asked: bool) -> str:
    if total:
        return f"there are only {total}, and {first} of them are left out"
    return "no experiment is like that" if asked else "no experiments yet"


def _json(statuses: Sequence[ExperimentStatus]) -> str:
    """An array with a line for each: quick to write, and easy to cut."""
    return "[" + ",\n ".join(json.dumps(_form(status)) for status in statuses) + "]"


def _form(status: ExperimentStatus) -> dict[str, object]:
    jobs = [{"name": job.name, "state": job.state.value} for job in status.jobs.values()]
    return status.to_json() | {"jobs": jobs}


def _table(statuses: Sequence[ExperimentStatus], *, sizes: bool) -> str:
    """Each on one line; what does not fit the terminal is cut, where there is one."""
    rows = [_HEAD, *map(_row, statuses)]
    shown = [[row[name] for name in _HEAD if name != "size" or sizes] for row in rows]
    table = columns(shown)
    if not sys.stdout.isatty():
        return table
    width = shutil.get_terminal_size().columns
    return "\n".join(line if len(line) <= width else f"{line[: width - 1]}…" for line in table.splitlines())


def _row(status: ExperimentStatus) -> dict[str, str]:
    counts = collections.Counter(job.state.value.lower() for job in status.jobs.values())
    about = [", ".join(f"{count} {state}" for state, count in counts.items())]
    about += [f"[{tag}]" for tag in status.tags]
    about += [note.text.partition("\n")[0] for note in status.notes[:1]]
    return {
        "id": status.id or "",
        "title": printable(status.title),
        "state": status.state.value,
        "created": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(status.created)) if status.created else "",
        "size": "" if status.size is None else size_text(status.size),
        "jobs": printable("  ".join(about)),
    }
