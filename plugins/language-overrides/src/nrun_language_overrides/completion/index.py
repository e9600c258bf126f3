"""What is kept for completion: where it is, what it depends on, whether that is as it was.

An index is one file. Its first line says what it is of; one line follows for every file on which it depends, with the
time and size that the file had; after an empty line comes one JSON document. It is looked at whenever an entrypoint is
run, so this imports next to nothing.
"""

from __future__ import annotations

import os
import sys
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

NRUN = "nrun"
"""What the index of the command line itself is of; `nrun GROUP COMMAND` for an installed entrypoint."""
NOTHING = "null"
"""The document of what cannot be described: it is not looked at again until it is run, or its files change."""
_FORM = "nrun completion 1"
_ENVIRONMENT = ("NRUN_PLUGINS", "NRUN_DISABLE_PLUGINS", "NRUN_LANGUAGE", "PYTHONPATH")


def document(of: str) -> str | None:
    """The document about `of`, as it was written; None if there is none, or something it depends on has changed."""
    try:
        with open(_path(of), encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - pathlib takes long
            head, _, text = file.read().partition("\n\n")
    except OSError:
        return None
    first, *stamps = head.split("\n")
    fresh = first == _title(of) and all(_stamp(stamp.split(" ", 2)[-1]) == stamp for stamp in stamps)
    return text if fresh else None


def keep(of: str, files: Iterable[str], text: str) -> None:
    """Keep a document about `of`, which is true while `files` and the installed plugins stay as they are.

    Raises OSError. Readers see the whole of it or what was there before.
    """
    path = _path(of)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120 - as above
    stamps = [_stamp(file) for file in sorted({*files, *_sites()}) if "\n" not in file]
    beside = f"{path}.{os.getpid()}"
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123 - as above
        file.write("\n".join([_title(of), *stamps, "", text]).encode("utf-8", "surrogateescape"))
    os.replace(beside, path)  # noqa: PTH105 - as above


def _path(of: str) -> str:
    home = os.path.abspath(os.path.expanduser(os.environ.get("NRUN_HOME") or "~/.nrun"))  # noqa: PTH100, PTH111 - as above
    number = zlib.crc32(_title(of).encode("utf-8", "surrogateescape"))  # two of the same number take turns
    return f"{home}/cache/completion/{number:08x}"


def _title(of: str) -> str:
    return "\t".join([_FORM, of, sys.prefix, *(os.environ.get(name, "") for name in _ENVIRONMENT)]).replace("\n", " ")


def _stamp(path: str) -> str:
    try:
        found = os.stat(path)  # noqa: PTH116 - as above
    except OSError:
        return f"- - {path}"
    return f"{found.st_mtime_ns} {found.st_size} {path}"


def _sites() -> list[str]:
    """The folders in which distributions are installed: they change when a plugin comes or goes."""
    return [path for path in sys.path if path.endswith("-packages")]
