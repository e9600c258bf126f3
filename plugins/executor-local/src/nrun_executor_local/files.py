"""The files of a job, which nobody else may read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from nrun.planning import SECRETS_FILE

if TYPE_CHECKING:
    from nrun.model import Bundle


def write_file(path: str, text: str) -> None:
    """Write a file, readable for its owner alone. Raises OSError."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        data = text.encode("utf-8", "surrogateescape")
        while data:  # at once, as a rule; a file object asks the system three things first
            data = data[os.write(file, data) :]
    finally:
        os.close(file)


def remove_secrets(folder: str) -> None:
    """Remove the files with secrets that a job has not taken: it was stopped too soon, or never started."""
    for path in (Path(folder, SECRETS_FILE), *Path(folder).glob(f"task-*/{SECRETS_FILE}")):
        path.unlink(missing_ok=True)


def lay_out(bundle: Bundle, folder: Path) -> None:
    """The code of a job, as a copy of its own. Raises OSError; ValueError if the store is damaged."""
    import shutil  # it imports every kind of compression, and few jobs ship code

    from nrun.packaging.store import Store

    code = folder / "code"
    shutil.rmtree(code, ignore_errors=True)  # whoever tried before may have died half way
    Store(str(bundle.store)).lay_out(bundle.id, str(code))
