"""What no record needs: code that no experiment was given, and what crashes left half done."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import attrs

from nrun.errors import RecordError
from nrun.packaging.store import PACKING, Store
from nrun.record import bundles_folder
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
_DIGEST = re.compile(rb"[0-9a-f]{64}")


@attrs.frozen
class Leftover:
    """A file or folder that is to go, and why."""

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
    bundles = _below(bundles_folder(home))
    found += [(path, "half packed") for path in bundles if path.name.startswith(PACKING) and _is_old(path)]
    manifests = [path for path in bundles if path.suffix == ".manifest"]
    if manifests:
        needed = _named_in_records(home, without)
        kept = {path.stem for path in manifests if path.stem in needed or not _is_old(path)}
        gone = [path for path in bundles if path.suffix in {".manifest", ".packs"} and path.stem not in kept]
        code = Store(str(bundles_folder(home)))
        packs = {pack for bundle in kept if code.has(bundle) for pack in code.packs(bundle)}
        gone += [path for path in _below(bundles_folder(home) / "packs") if path.name not in packs]
        gone += [path for path in _below(bundles_folder(home) / "keys") if _text(path) not in kept]
        found += [(path, "no experiment has this code") for path in gone if _is_old(path)]
    return [Leftover(path, reason, _size(path)) for path, reason in found]


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


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, ValueError):
        return ""


def _size(path: Path) -> int:
    return folder_size(str(path)) if path.is_dir() else path.stat().st_size


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
