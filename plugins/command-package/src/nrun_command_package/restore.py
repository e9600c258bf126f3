"""`nrun package restore`."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nrun import RecordError, UsageError
from nrun.amounts import size_text
from nrun.cli.words import complete_experiment
from nrun.packaging.store import Damaged, Store, entries
from nrun.record import bundles_folder, home_folder
from nrun_command_package.bundles import SHORT_ID, bundle_ids, count_text, find_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator


def complete_bundle(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Experiments as everywhere, then bundles once something is typed: nobody reads their ids."""
    found = [id_ for id_ in bundle_ids(home_folder()) if incomplete and id_.startswith(incomplete)]
    return [*complete_experiment(ctx, param, incomplete), *found]


@click.command()
@click.argument("bundle", metavar="ID", shell_complete=complete_bundle)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--job", metavar="JOB", help="The job of the experiment whose code is wanted.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def restore(bundle: str, folder: Path, job: str | None, as_json: bool) -> None:
    """Write the code that travelled into the folder DIR, just as jobs were given it.

    ID is a bundle, as `nrun package show` and `list` give it, or a unique beginning of one; or an experiment, with
    --job if its jobs were given different code. DIR must be empty, or not there; it is whole, or it is not made.

    \b
    Examples:
      nrun package restore latest ./as-it-was
      nrun package restore train --job evaluate /tmp/code
      nrun package restore 3f9a2c ./as-it-was
    """
    home = home_folder()
    store, found = Store(str(bundles_folder(home))), find_bundle(home, bundle, job)
    if not store.has(found):
        msg = f"the code {found[:SHORT_ID]} is not in {store.root}"
        raise RecordError(msg, hint="`nrun experiment restore` takes it out of an archive of the experiment")
    folder = folder.absolute()
    if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir() or any(folder.iterdir())):
        msg = f"{folder} is in use"
        raise UsageError(msg, hint="name a folder that is empty, or not there yet")
    try:
        files = list(entries(store.manifest(found)))
        with _beside(folder) as place:
            store.verify(found)
            store.lay_out(found, str(place / "code"))
            (place / "code").rename(folder)
    except Damaged as error:
        msg = f"the code {found[:SHORT_ID]} in {store.root} is damaged: {error}"
        raise RecordError(msg, hint="nothing was written; an archive of the experiment may have it whole") from error
    except OSError as error:
        msg = f"cannot restore to {folder}: {error.strerror or error}"
        raise RecordError(msg, hint="nothing was written; is the disk full, or read-only?") from error
    size = sum(file.size for file in files)
    if as_json:
        click.echo(json.dumps({"bundle": found, "folder": str(folder), "files": len(files), "size": size}, indent=2))
    else:
        click.echo(f"{folder}: {count_text(len(files))}, {size_text(size)}, bundle {found}")


@contextlib.contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A folder on the file system of `folder`, which goes when this is left."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
