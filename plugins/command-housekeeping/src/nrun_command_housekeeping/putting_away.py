"""Experiments into one file, and out of the record."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nrun.engine.look import read_view
from nrun.errors import PlanError, UsageError
from nrun.sync import run_sync
from nrun_command_housekeeping.packing import Manifest, default_name, write_archive
from nrun_command_housekeeping.removal import remove as remove_one

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from nrun.engine.view import View
    from nrun.record import ExperimentFolder


def archive_experiments(
    folders: Sequence[ExperimentFolder], file: str | os.PathLike[str] | None, *, remove: bool
) -> tuple[Path, Manifest]:
    """Put experiments that have ended into `file`, and with `remove` out of the record. Gives the file and its list.

    Raises PlanError if one has not ended, UsageError if several are to go into a file without a name, RecordError.
    """
    for folder in folders:
        if not read_view(folder).state.ended:
            msg = f"experiment {folder.id} has not ended"
            raise PlanError(msg, hint=f"nrun attach {folder.id} waits for its end; nrun cancel {folder.id} stops it")
    if file is None and len(folders) > 1:
        msg = "say what the file is to be called: -o FILE"
        raise UsageError(msg, hint="several experiments go into one file")
    path = Path(file or default_name(folders[0])).absolute()
    sizes = [folder.journal.stat().st_size for folder in folders]
    manifest = write_archive(folders, path)
    for folder, size in zip(folders, sizes, strict=True) if remove else ():
        run_sync(remove_one(folder, partial(_changed, folder, size)))
    return path, manifest


def _changed(folder: ExperimentFolder, size: int, view: View) -> str:
    """Why an experiment must stay: somebody wrote into its journal after that had `size` bytes."""
    del view
    return "" if folder.journal.stat().st_size == size else "has changed meanwhile"
