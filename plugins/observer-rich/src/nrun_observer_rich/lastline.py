"""The last line that a running job wrote, where its logs are in the record while it runs."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TAIL_BYTES = 4096


def last_line(attempt: Path) -> str:
    """The end of the log in the folder of an attempt that was written to last; empty if there is none."""
    written: list[tuple[float, Path]] = []
    for log in attempt.glob("**/*.log"):
        with contextlib.suppress(OSError):
            status = log.stat()
            if status.st_size:
                written.append((status.st_mtime, log))
    for _, log in sorted(written, reverse=True):
        with contextlib.suppress(OSError), log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
            # A progress bar draws over its own line: what counts is what it shows now.
            pieces = file.read().replace(b"\r", b"\n").split(b"\n")
            return next((text for piece in reversed(pieces) if (text := piece.decode("utf-8", "replace").strip())), "")
    return ""
