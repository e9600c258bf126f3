"""`nrun experiment archive` and `nrun experiment restore`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from nrun.amounts import size_text
from nrun.cli.words import complete_experiment
from nrun.record import find_experiment, home_folder
from nrun.text import printable
from nrun_command_housekeeping.putting_away import archive_experiments


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
    file, manifest = archive_experiments(folders, output, remove=removes)
    for name, why in manifest.left_out.items():
        click.echo(f"left out: {printable(name)}: {printable(why)}", err=True)
    ids = [folder.id for folder in folders]
    size = file.stat().st_size
    if as_json:
        done = {"file": str(file), "size": size, "experiments": ids, "removed": removes}
        click.echo(json.dumps(done | {"left_out": manifest.left_out}, indent=2))
    else:
        click.echo(f"{file}: {len(ids)} experiments, {len(manifest.files)} files, {size_text(size)}")


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

    folders, left_out = restore_archive(file, home_folder())
    ids = [folder.id for folder in folders]
    for name, why in left_out.items():
        click.echo(f"not in the archive: {printable(name)}: {printable(why)}", err=True)
    click.echo(json.dumps({"experiments": ids, "left_out": left_out}, indent=2) if as_json else "\n".join(ids))
