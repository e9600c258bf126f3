"""What no record needs: code that no experiment was given, and what crashes left half done."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

import attrs

from nrun.errors import RecordError
from nrun.record.catalogue import names
from nrun.record.folder import CLAIMED
from nrun.search import folder_size
from nrun_command_housekeeping.removal import TRASH, empty, move_to_trash
from nrun_command_housekeeping.unpacking import RESTORING

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

GRACE_S = 86400.0
"""How long code stays after it was last packed, and what is half done after it was begun: somebody may be at it."""
PACKING = ".packing-"
_DIGEST = re.compile(rb"[0-9a-f]{64}")


@attrs.frozen
class Leftover:
    """A folder that is to go, and why."""

    path: Path
    reason: str
    size: int


def leftovers(home: Path, without: Collection[str]) -> list[Leftover]:
    """What no record but those of the experiments `without` needs. Raises RecordError if a record cannot be read."""
    store = home / "experiments"
    found = [(path, "was removed before") for path in _below(store / TRASH)]
    found += [(path, "half restored") for path in _below(store) if path.name.startswith(RESTORING) and _is_old(path)]
    claimed = [path for title in _below(store) for path in _below(title) if path.name.startswith(CLAIMED)]
    found += [(path, "half launched") for path in claimed if _is_old(path)]
    bundles = [path for path in _below(home / "bundles") if _is_old(path)]
    found += [(path, "half packed") for path in bundles if path.name.startswith(PACKING)]
    whole = [path for path in bundles if _DIGEST.fullmatch(os.fsencode(path.name))]
    if whole:
        needed = _named_in_records(home, without)
        found += [(path, "no experiment has this code") for path in whole if path.name not in needed]
    return [Leftover(path, reason, folder_size(str(path))) for path, reason in found]


def sweep(found: Leftover, home: Path) -> bool:
    """Remove what is left over; False if it came into use meanwhile. Raises RecordError if it cannot be deleted."""
    gone = found.path
    if gone.parent.name != TRASH:
        gone = move_to_trash(gone, home / "experiments")
        if not _is_old(gone):  # whoever packs the same code again says so by its time
            gone.rename(found.path)
            return False
    empty(gone)
    return True


def _named_in_records(home: Path, without: Collection[str]) -> set[str]:
    """Every digest that stands anywhere in a record: also in a line that cannot be read."""
    digests: set[bytes] = set()
    for id_, title in names(home):
        if id_ in without:
            continue
        for name in ("experiment.json", "journal.jsonl"):
            path = home / "experiments" / title / id_ / name
            try:
                digests.update(_DIGEST.findall(path.read_bytes()))
            except FileNotFoundError:
                continue
            except OSError as error:
                msg = f"cannot read {path}: {error.strerror}"
                raise RecordError(msg, hint="no code is removed, for it may be needed there") from error
    return {digest.decode() for digest in digests}


def _below(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > GRACE_S
    except OSError:
        return False
