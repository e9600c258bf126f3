"""The last line that a running job wrote, where its logs are in the record while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

from nrun.plugins import installed
from nrun.record import ExperimentFolder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TAIL_BYTES = 4096
SHORTEST = 6
"""So much of the beginning of a value is not shown either, where the rest is still to be written."""


def values_to_hide(folder: Path) -> tuple[str, ...]:
    """The values of the secrets of the experiment in `folder`, as they may be written, the longest first."""
    from nrun.engine.secrets import recorded_secrets

    experiment = ExperimentFolder(folder.parents[2], folder.parent.name, folder.name)
    return asyncio.run(recorded_secrets(experiment, installed())).hidden


def last_line(attempt: Path, hidden: Sequence[str] = ()) -> str:
    """The end of the log in the folder of an attempt that was written to last, without what is to be hidden.

    Empty if there is none.
    """
    written: list[tuple[float, Path]] = []
    for log in attempt.glob("**/*.log"):
        with contextlib.suppress(OSError):
            status = log.stat()
            if status.st_size:
                written.append((status.st_mtime, log))
    for _, log in sorted(written, reverse=True):
        with contextlib.suppress(OSError), log.open("rb") as file:
            begin = file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
            text = _covered(file.read().decode("utf-8", "replace"), hidden, cut=begin > 0)
            # A progress bar draws over its own line: what counts is what it shows now.
            return next(
                (line for piece in reversed(text.replace("\r", "\n").split("\n")) if (line := piece.strip())), ""
            )
    return ""


def _covered(text: str, hidden: Sequence[str], *, cut: bool) -> str:
    """The text without the values; nor, where it was cut and where it ends, pieces of them."""
    begun = max((n for one in hidden for n in range(SHORTEST, len(one)) if text.endswith(one[:n])), default=0)
    text = text[: len(text) - begun]
    for one in hidden:
        text = text.replace(one, "***")
    return text[max(map(len, hidden), default=0) :] if cut else text
