"""`nrun package list` and `nrun package restore`: code that has travelled."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from nrun.amounts import size_text
from nrun.cli.words import complete_experiment
from nrun.errors import RecordError, UsageError
from nrun.events import CodePacked
from nrun.packaging.store import PACKING, Damaged, Store, entries
from nrun.record import bundles_folder, find_experiment, home_folder, read_journal

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORTEST_PREFIX = 4


@attrs.frozen
class Kept:
    """A bundle in the store."""

    id: str
    files: int
    size: int
    """In bytes; contents that other bundles have as well are counted."""
    used_at: float
    """When it was last packed or sent, in seconds since the epoch."""


@click.command("list", short_help="List the code that is kept")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def list_(as_json: bool) -> None:
    """List the bundles in the store, the last used first. `nrun experiment gc` removes what no experiment has.

    \b
    Examples:
      nrun package list
      nrun package list --json | jq '.[0].id'
    """
    found = sorted(map(_kept, _ids()), key=lambda one: -one.used_at)
    if as_json:
        click.echo(json.dumps([attrs.asdict(one) for one in found], indent=2))
        return
    for one in found:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.used_at))
        click.echo(f"{one.id[:16]}  {one.files:>7} files  {size_text(one.size):>9}  {when}")


@click.command(short_help="Have back the code of an experiment, or of a bundle")
@click.option("--json", "as_json", is_flag=True, help="Print what was restored as JSON.")
@click.argument("id_", metavar="ID", shell_complete=complete_experiment)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def restore(id_: str, folder: Path, as_json: bool) -> None:
    """Write the code that travelled with an experiment, or a bundle, into the new folder DIR.

    ID is the id of a bundle, or its beginning; or an experiment, by its id, its title or `latest`.

    \b
    Examples:
      nrun package restore latest ./as-it-was
      nrun package restore 3f786850e387 ./as-it-was
    """
    bundle = _bundle(id_)
    restored(bundle, folder)
    count = _kept(bundle).files
    click.echo(
        json.dumps({"id": bundle, "files": count}) if as_json else f"{count} files of bundle {bundle[:16]} in {folder}"
    )


def restored(bundle: str, folder: Path) -> None:
    """Write the files of a bundle into `folder`, all or none. Raises UsageError if that is in use; RecordError."""
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        msg = f"{folder} is in use"
        raise UsageError(msg, hint="name a folder that does not exist, or is empty")
    store = Store(str(bundles_folder(home_folder())))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=PACKING, dir=folder.parent))
        try:
            store.lay_out(bundle, str(beside / "code"))
            (beside / "code").rename(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except (OSError, Damaged) as error:
        msg = f"bundle {bundle} cannot be restored into {folder}: {error}"
        raise RecordError(msg) from error


def _ids() -> list[str]:
    return [path.stem for path in bundles_folder(home_folder()).glob("*.manifest")]


def _kept(bundle: str) -> Kept:
    """Raises RecordError."""
    store = bundles_folder(home_folder())
    try:
        found = list(entries(Store(str(store)).manifest(bundle)))
        used_at = (store / f"{bundle}.manifest").stat().st_mtime
    except (OSError, Damaged) as error:
        msg = f"bundle {bundle} cannot be read: {error}"
        raise RecordError(msg) from error
    return Kept(bundle, len(found), sum(entry.size for entry in found), used_at)


def _bundle(word: str) -> str:
    """The bundle that is meant. Raises UsageError if several may be, RecordError if none is."""
    begin = [bundle for bundle in _ids() if len(word) >= SHORTEST_PREFIX and bundle.startswith(word)]
    if not begin:
        folder = find_experiment(home_folder(), word)
        packed = (event.bundle for event in read_journal(folder.journal).events if isinstance(event, CodePacked))
        begin = list(dict.fromkeys(packed))
        if not begin:
            msg = f"no code travelled with experiment {folder.id}"
            raise RecordError(msg, hint="its jobs ran in the folder they were launched from")
    return _one_of(begin, word)


def _one_of(bundles: Sequence[str], word: str) -> str:
    if len(bundles) > 1:
        msg = f"{word!r} may be {len(bundles)} bundles: {', '.join(bundle[:16] for bundle in bundles[:5])}"
        raise UsageError(msg, hint="give one of these")
    return bundles[0]
