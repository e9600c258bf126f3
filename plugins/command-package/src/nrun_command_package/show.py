"""`nrun package show`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

import nrun
from nrun import Packager, PackagingError
from nrun.amounts import parse_size, size_text
from nrun.packaging import selected
from nrun.packaging.snapshot import Row, check_size, identify, shown
from nrun.plugins import installed
from nrun.record import bundles_folder, home_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

SCREENFUL = 40
LONG_BYTES = 100_000_000
"""So much takes long enough to read that somebody wants to see how far it is."""


@attrs.frozen
class Preview:
    """What would travel."""

    bundle: str
    rows: Sequence[Row]
    """The largest first."""
    size: int
    """In bytes."""
    skipped: Sequence[str]
    """What is neither a file nor a link."""
    refused: str | None
    """Why it would not be sent as it is."""


@click.command(short_help="List what would travel, the largest first")
@click.option(
    "--packager", "-p", metavar="PACKAGER", default="git", show_default=True, help="As in run.executor.packager."
)
@click.option("--sizes", "-s", is_flag=True, help="Say how large each file is.")
@click.option("--all", "-a", "everything", is_flag=True, help=f"List all files, not only the {SCREENFUL} largest.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, with all files.")
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
def show(folder: Path, packager: str, sizes: bool, everything: bool, as_json: bool) -> None:
    """List the files that would travel with a job launched from FOLDER, the largest first, and the bundle's id.

    Nothing is sent. Without another word it is what git has and does not ignore, as it is on disk.

    \b
    Examples:
      nrun package show --sizes
      nrun package show -p "git(ref=HEAD)" --json
      nrun package show -p "pattern(include_pattern='**/*.py')" ../project
    """
    found = asyncio.run(preview(_packager(packager), folder.absolute()))
    if as_json:
        files = [{"name": shown(row.name), "size": row.size, "kind": row.kind} for row in found.rows]
        facts = {"id": found.bundle, "size": found.size, "files": files}
        click.echo(json.dumps({**facts, "skipped": found.skipped, "refused": found.refused}, indent=2))
        return
    listed = found.rows if everything else found.rows[:SCREENFUL]
    for row in listed:
        click.echo(f"{size_text(row.size):>9}  {shown(row.name)}" if sizes else shown(row.name))
    if len(found.rows) > len(listed):
        rest = found.rows[len(listed) :]
        click.echo(f"and {len(rest)} more, {size_text(sum(row.size for row in rest))}; --all lists them")
    click.echo(f"\n{len(found.rows)} files, {size_text(found.size)}: bundle {found.bundle}")
    for name in found.skipped:
        click.echo(f"stays behind: {name} is neither a file nor a link", err=True)
    if found.refused:
        click.echo(f"it would be refused: {found.refused}", err=True)


async def preview(packager: Packager, folder: Path) -> Preview:
    """What `packager` would ship from `folder`. Raises PackagingError, RecordError."""
    store = bundles_folder(home_folder())
    async with selected(packager.clone(max_size=None), folder, store, installed()) as found:
        rows, size, refused = found.largest(), found.size, None
        try:
            check_size(found, None if packager.max_size is None else parse_size(packager.max_size))
        except PackagingError as error:
            refused = str(error)
        watched = size > LONG_BYTES and sys.stderr.isatty()
        bar = click.progressbar(length=size, label="reading", file=sys.stderr, hidden=not watched)
        with bar:
            bundle = await asyncio.to_thread(identify, found, store, bar.update)
        return Preview(bundle, rows, size, found.skipped, refused)


def _packager(text: str) -> Packager:
    """What was typed, read as it is in `run.executor.packager=`. Raises ConfigError, UsageError."""
    ships: _Ships = nrun.build(nrun.cli.parse_config(_Ships, f"packager={text}"))
    return ships.packager


@attrs.frozen
class _Ships:
    """Something with a packager, so that one can be typed."""

    packager: Packager
