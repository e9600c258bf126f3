"""`nrun experiment archive` and `nrun experiment restore`."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nrun.amounts import size_text
from nrun.cli.words import complete_experiment
from nrun.engine.look import read_view
from nrun.errors import PlanError, UsageError
from nrun.record import find_experiment, home_folder
from nrun.text import printable
from nrun_command_housekeeping.packing import default_name, write_archive
from nrun_command_housekeeping.removal import remove

if TYPE_CHECKING:
    from nrun.engine.view import View
    from nrun.record import ExperimentFolder


@click.command()
@click.argument("experiments", nargs=-1, required=True, shell_complete=complete_experiment, metavar="EXPERIMENT...")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file (default: made of title and id).")
@click.option("--remove", "removes", is_flag=True, help="Remove them from the record once the file is whole.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def archive(experiments: tuple[str, ...], output: Path | None, removes: bool, as_json: bool) -> None:
    """Put experiments that have ended, and the code they were given, into one file.

    It has a digest of every file. The same experiments give the same bytes. No file is overwritten.

    \b
    Examples:
      nrun experiment archive latest
      nrun experiment archive train evaluate -o may.tar.gz --remove
    """
    home = home_folder()
    folders = list({(one := find_experiment(home, word)).id: one for word in experiments}.values())
    for folder in folders:
        if not read_view(folder).state.ended:
            msg = f"experiment {folder.id} has not ended"
            raise PlanError(msg, hint=f"nrun attach {folder.id} waits for its end; nrun cancel {folder.id} stops it")
    if output is None and len(folders) > 1:
        msg = "say what the file is to be called: -o FILE"
        raise UsageError(msg, hint="several experiments go into one file")
    file = (output or default_name(folders[0])).absolute()
    sizes = [folder.journal.stat().st_size for folder in folders]
    manifest = write_archive(folders, file)
    for name, why in manifest.left_out.items():
        click.echo(f"left out: {printable(name)}: {printable(why)}", err=True)
    if removes:
        for folder, size in zip(folders, sizes, strict=True):
            asyncio.run(remove(folder, partial(_changed, folder, size)))
    ids = [folder.id for folder in folders]
    size = file.stat().st_size
    if as_json:
        done = {"file": str(file), "size": size, "experiments": ids, "removed": removes}
        click.echo(json.dumps(done | {"left_out": manifest.left_out}, indent=2))
    else:
        click.echo(f"{file}: {len(ids)} experiments, {len(manifest.files)} files, {size_text(size)}")


def _changed(folder: ExperimentFolder, size: int, view: View) -> str:
    """Why an experiment must stay: somebody wrote into its journal after that had `size` bytes."""
    del view
    return "" if folder.journal.stat().st_size == size else "has changed meanwhile"


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def restore(file: Path, as_json: bool) -> None:
    """Take the experiments in an archive back into the record, if every file is as its digest says.

    An experiment that is there already is left alone, and so is everything else then. An archive with anything in it
    that does not belong into one is refused.

    \b
    Examples:
      nrun experiment restore may.tar.gz
    """
    # imported here, for archiving needs none of it
    from nrun_command_housekeeping.unpacking import restore_archive

    ids, left_out = restore_archive(file, home_folder())
    for name, why in left_out.items():
        click.echo(f"not in the archive: {printable(name)}: {printable(why)}", err=True)
    click.echo(json.dumps({"experiments": ids, "left_out": left_out}, indent=2) if as_json else "\n".join(ids))
