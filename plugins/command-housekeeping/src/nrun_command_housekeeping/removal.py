"""Removing experiments: each goes at once, by a rename, and only while nobody looks after it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from nrun.engine.charge import charge
from nrun.engine.look import read_view
from nrun.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nrun.engine.view import View
    from nrun.record import ExperimentFolder

TRASH = ".trash"


async def remove(folder: ExperimentFolder, objection: Callable[[View], str]) -> None:
    """Remove an experiment, whatever becomes of this process on the way.

    `objection` is asked when nobody else can take it up any more: what it answers is why it must stay. Raises
    InCharge if somebody looks after it, RecordError if it must stay.
    """
    async with charge(folder):
        view = read_view(folder)
        if why := "has not ended" if not view.state.ended else objection(view):
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
        if gone.is_dir():
            shutil.rmtree(gone)
        else:
            gone.unlink()
    except FileNotFoundError:
        return  # another process was faster
    except OSError as error:
        msg = f"cannot delete all of {gone}: {error}"
        raise RecordError(msg, hint="it is out of sight; nrun experiment gc tries again") from error
