"""`nrun package show`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from nrun import PackagingError, UsageError
from nrun.amounts import parse_size, size_text
from nrun.cli.root import hooks_of
from nrun.packaging.bundling import selected
from nrun.packaging.snapshot import check_size, identify, shown
from nrun.record import bundles_folder, home_folder
from nrun.text import printable
from nrun_command_package.bundles import count_text
from nrun_command_package.choose import chosen, complete_packager
from nrun_command_package.progress import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun import Packager
    from nrun.packaging.snapshot import Row
    from nrun.plugins import Hooks

SHORT_LIST_FILES = 20
_KINDS = {"f": "file", "x": "executable", "l": "link"}


@attrs.frozen
class Preview:
    """What would travel, the largest first."""

    packager: Packager
    files: Sequence[Row]
    skipped: Sequence[str]
    refused: PackagingError | None
    """Why it would not travel: it is too much."""
    bundle: str | None
    """The id that it would have; of what is too much nothing is read."""

    @property
    def size(self) -> int:
        """Of all files, in bytes."""
        return sum(row.size for row in self.files)


@click.command()
@click.argument(
    "source", metavar="[PATH]", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path()
)
@click.option(
    "-p", "--packager", metavar="PACKAGER", shell_complete=complete_packager, help="What this one would ship."
)
@click.option("--for", "script", metavar="FILE[:NAME]", type=click.Path(), help="What jobs of this script would ship.")
@click.option("-s", "--sizes", is_flag=True, help="Say how large each file is.")
@click.option(
    "-a", "--all", "everything", is_flag=True, help=f"List every file, not only the largest {SHORT_LIST_FILES}."
)
@click.option("--json", "as_json", is_flag=True, help="Print an array with an object for each packager.")
@click.pass_context
def show(
    context: click.Context,
    source: Path,
    packager: str | None,
    script: str | None,
    sizes: bool,
    everything: bool,
    as_json: bool,
) -> int:
    """Show what code would travel if jobs were launched from PATH (default: here), the largest file first.

    In a git repository that is the working tree, unless a packager is written down, as after `executor.packager=`, or
    the ones are asked for that the jobs of a script have. Nothing is kept or sent.

    Exits with 0 if it would travel, 2 if it is more than the packager allows; then it says how to leave out some.

    \b
    Examples:
      nrun package show --sizes
      nrun package show --for train.py
      nrun package show --packager 'pattern(include_pattern="src/**/*.py")' --all
      nrun package show --json | jq -r '.[0].bundle'
    """
    if packager is not None and script is not None:
        raise UsageError("--packager and --for cannot both be given")
    hooks, source = hooks_of(context), source.absolute()
    previews = [_preview(one, source, hooks) for one in chosen(packager, script, source, hooks)]
    if as_json:
        click.echo(json.dumps([_form(one, source) for one in previews], indent=2))
    for one in () if as_json else previews:
        if len(previews) > 1:
            click.echo(printable(repr(one.packager)))
        click.echo(_text(one, len(one.files) if everything else SHORT_LIST_FILES, sizes=sizes))
    refused = [one.refused for one in previews if one.refused is not None]
    for error in refused:
        click.echo(f"error: {error}", err=True)
    return refused[0].exit_code if refused else 0


def _preview(packager: Packager, source: Path, hooks: Hooks) -> Preview:
    return asyncio.run(_previewed(packager, source, bundles_folder(home_folder()), hooks))


async def _previewed(packager: Packager, source: Path, store: Path, hooks: Hooks) -> Preview:
    refused = None
    async with selected(packager.clone(max_size=None), source, store, hooks) as found:
        files = found.largest()
        try:
            check_size(found, None if packager.max_size is None else parse_size(packager.max_size))
        except PackagingError as error:
            refused = error
        bundle = None
        if refused is None:
            with Reading(len(files), found.size) as progress:
                bundle = await asyncio.to_thread(identify, found, store, progress)
        return Preview(packager, files, found.skipped, refused, bundle)


def _text(preview: Preview, most: int, *, sizes: bool) -> str:
    lines = [
        f"{size_text(row.size):>9}  {_name(row)}" if sizes else _name(row)
        for row in preview.files[:most]
    ]  # fmt: skip
    if len(preview.files) > most:
        lines.append(f"and {len(preview.files) - most:,} more (--all lists them)")
    lines += [f"stays behind, for it is neither a file nor a link: {printable(name)}" for name in preview.skipped]
    total = f"{count_text(len(preview.files))}, {size_text(preview.size)}"
    return "\n".join((*lines, f"{total}, bundle {preview.bundle}" if preview.bundle else total))


def _name(row: Row) -> str:
    return printable(shown(row.name))


def _form(preview: Preview, source: Path) -> dict[str, object]:
    refused = preview.refused
    return {
        "packager": repr(preview.packager),
        "source": str(source),
        "bundle": preview.bundle,
        "size": preview.size,
        "max_size": preview.packager.max_size,
        "files": [{"name": shown(row.name), "size": row.size, "kind": _KINDS[row.kind]} for row in preview.files],
        "skipped": list(preview.skipped),
        "refused": None if refused is None else {"message": refused.message, "hint": refused.hint},
    }
