"""Says on stderr how far the reading of files is, if it takes long."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from nrun.amounts import size_text

if TYPE_CHECKING:
    from typing import Self

QUIET_S = 2.0
"""What takes no longer is not worth a word."""
_PAUSE_S = 0.2


class Reading:
    """A context manager, called with the bytes that were read. On a terminal its line is kept up to date."""

    def __init__(self, files: int, size: int) -> None:
        self._what = f"reading {files:,} files, {size_text(size)}"
        self._next = time.monotonic() + QUIET_S
        self._last = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._last and sys.stderr.isatty():
            self._write("\r\x1b[K")

    def __call__(self, read: int, _whole: int) -> None:
        """So many bytes were read."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _PAUSE_S
        if sys.stderr.isatty():
            self._write(f"\r\x1b[K{self._what}: {size_text(read)}")
        elif not self._last:
            self._write(f"{self._what}\n")

    def _write(self, text: str) -> None:
        self._last = text
        sys.stderr.write(text)
        sys.stderr.flush()
