"""Removing experiments: each goes at once, by a rename, and only while nobody looks after it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from nrun.engine.charge import charge
from nrun.engine.look import read_view
from nrun.errors import RecordError

if TYPE_CHECKING:
    from pathlib import Path

    from nrun.record import ExperimentFolder

TRASH = ".trash"
KEEP = "keep"
"""The tag of what is never removed."""


async def remove(folder: ExperimentFolder, journal_size: int | None = None) -> None:
    """Remove an experiment, whatever becomes of this process on the way.

    With `journal_size`, only if its journal has still so many bytes. Raises InCharge if somebody looks after it,
    RecordError if it has not ended, is tagged `keep`, or changed.
    """
    async with charge(folder):  # from here on nobody else can take it up
        view = read_view(folder)
        why = "has not ended" if not view.state.ended else "is tagged `keep`" if KEEP in view.tags else ""
        if journal_size is not None and folder.journal.stat().st_size != journal_size:
            why = "has changed meanwhile"
        if why:
            msg = f"experiment {folder.id} {why}; it was left as it is"
            raise RecordError(msg)
        gone = move_to_trash(folder.path, folder.home / "experiments")
    empty(gone)


def move_to_trash(path: Path, store: Path) -> Path:
    """Take a folder out of sight: by one rename, into the trash of its store. Raises RecordError."""
    trash = store / TRASH
    try:
        trash.mkdir(exist_ok=True, mode=0o700)
        return path.rename(trash / f"{path.name}.{os.getpid()}")
    except OSError as error:
        msg = f"cannot remove {path}: {error.strerror}"
        raise RecordError(msg, hint="nothing of it was removed") from error


def empty(gone: Path) -> None:
    """Delete what is in the trash. Raises RecordError for what cannot be; the next `gc` tries again."""
    try:
        shutil.rmtree(gone)
    except FileNotFoundError:
        return  # another process was faster
    except OSError as error:
        msg = f"cannot delete all of {gone}: {error}"
        raise RecordError(msg, hint="it is out of sight; nrun experiment gc tries again") from error
