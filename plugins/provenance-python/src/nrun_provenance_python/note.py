"""Writes down the interpreter and the packages of the process that launches."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING

from nrun.record import write_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FOLDER = "provenance"


def note(folder: Path) -> None:
    """Note them for the experiment in `folder`, unless that has been done. Raises RecordError."""
    file = folder / FOLDER / "python.json"
    if file.exists():
        return
    file.parent.mkdir(mode=0o700, exist_ok=True)
    told = {"executable": sys.executable, "version": sys.version, "packages": packages(sys.path)}
    write_file(file, json.dumps(told) + "\n")


def packages(path: Sequence[str]) -> dict[str, str]:
    """The version of every distribution on `path`, by its name.

    Read from the names of their metadata folders: a thousand take a millisecond. One that occurs twice counts where it
    is found first, as for imports.
    """
    found: dict[str, str] = {}
    for folder in path:
        try:
            entries = os.listdir(folder or ".")  # noqa: PTH208 - there are many
        except OSError:
            continue
        for entry in entries:
            stem, _, suffix = entry.rpartition(".")
            name, dash, version = stem.partition("-")
            if dash and suffix in {"dist-info", "egg-info"}:
                found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), version.partition("-")[0])
    return dict(sorted(found.items()))
