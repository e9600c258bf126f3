"""Notices what Python code does to the world: files, processes, connections."""

from __future__ import annotations

import contextlib
import functools
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_DOINGS = ("open", "os.", "shutil.", "socket.", "subprocess.", "tempfile.", "urllib.")
_recordings: list[list[str]] = []


@contextlib.contextmanager
def doings() -> Iterator[list[str]]:
    """Fills a list with what is done within, one text for each file, process or connection touched."""
    _install()
    recording: list[str] = []
    _recordings.append(recording)
    try:
        yield recording
    finally:
        _recordings.remove(recording)


@functools.cache
def _install() -> None:
    """Python's audit hooks stay for the life of the process; this one is idle while nobody records."""
    sys.addaudithook(_note)


def _note(event: str, args: tuple[object, ...]) -> None:
    if _recordings and event.startswith(_DOINGS):
        for recording in _recordings:
            recording.append(f"{event}{args!r:.200}")
