"""`nrun package list`."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import TYPE_CHECKING

import attrs
import click

from nrun.amounts import size_text
from nrun.packaging.store import Damaged, Store, entries
from nrun.record import bundles_folder, experiments, home_folder
from nrun.record.table import duration
from nrun.text import columns, printable
from nrun_command_package.bundles import SHORT_ID, bundle_ids, packed_by

if TYPE_CHECKING:
    from pathlib import Path

    from nrun.record import ExperimentFolder


@attrs.frozen
class Kept:
    """A bundle in the store."""

    bundle: str
    packed: float
    """When it was last packed."""
    sizes: list[int] | None
    """Of its files; None if its manifest is damaged."""
    experiments: list[ExperimentFolder]


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as a JSON array.")
def list_(as_json: bool) -> None:
    """List the code that is kept, that packed last first: how much it is, and which experiments were given it.

    Bundles share what they have in common, so that together they take less room than their sizes say. `nrun
    experiment gc` removes those that no experiment has.

    \b
    Examples:
      nrun package list
      nrun package list --json | jq -r '.[] | select(.experiments == []) | .bundle'
    """
    found = _kept(home_folder())
    if as_json:
        click.echo(json.dumps([_form(one) for one in found], indent=2))
        return
    rows = [("bundle", "files", "size", "packed", "given to")]
    for one in found:
        titles = Counter(folder.title for folder in one.experiments)
        given = ", ".join(
            f"{printable(title)} ({count})" if count > 1 else printable(title) for title, count in titles.items()
        )
        many = ("damaged", "") if one.sizes is None else (f"{len(one.sizes):,}", size_text(sum(one.sizes)))
        rows.append((one.bundle[:SHORT_ID], *many, f"{duration(time.time() - one.packed)} ago", given))
    click.echo(columns(rows))


def _kept(home: Path) -> list[Kept]:
    """Every bundle. Raises RecordError."""
    given: dict[str, list[ExperimentFolder]] = {}
    for folder in experiments(home):
        for bundle in dict.fromkeys(packed_by(folder).values() if _mentions_code(folder) else ()):
            given.setdefault(bundle, []).append(folder)
    store = bundles_folder(home)
    found = [
        Kept(id_, (store / f"{id_}.manifest").stat().st_mtime, _sizes(store, id_), given.get(id_, []))
        for id_ in bundle_ids(home)
    ]
    return sorted(found, key=lambda one: one.packed, reverse=True)


def _mentions_code(folder: ExperimentFolder) -> bool:
    """Whether it is worth reading the whole journal."""
    try:
        return b'"packed"' in folder.journal.read_bytes()
    except FileNotFoundError:
        return False


def _sizes(store: Path, bundle: str) -> list[int] | None:
    try:
        return [entry.size for entry in entries(Store(str(store)).manifest(bundle))]
    except Damaged:
        return None


def _form(one: Kept) -> dict[str, object]:
    return {
        "bundle": one.bundle,
        "files": None if one.sizes is None else len(one.sizes),
        "size": None if one.sizes is None else sum(one.sizes),
        "packed": one.packed,
        "experiments": [{"id": folder.id, "title": folder.title} for folder in one.experiments],
    }
