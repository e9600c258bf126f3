"""What is known of files since they were last read, so that nothing is read twice."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from nrun.packaging.store import DIGEST_BYTES, PACKING, PIECE, discard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self


class Seen:
    """The digests of the files of one selection, each with what the system told of the file when it was read.

    It is asked, and told, in the order of names, and goes through the old while the new is written, so that it needs
    little memory. A context manager; what is new counts only once it is kept.
    """

    def __init__(self, store: Path, key: str, stat_bytes: int) -> None:
        self._path = store / "seen" / hashlib.sha256(os.fsencode(key)).hexdigest()
        self._value_bytes = stat_bytes + DIGEST_BYTES
        self._old = open(self._path if self._path.exists() else os.devnull, "rb")
        descriptor, self._beside = tempfile.mkstemp(prefix=PACKING, dir=store)
        self._new = open(descriptor, "wb")
        self._rows = self._read()
        self._row: tuple[bytes, bytes] | None = (b"", b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._old.close()
        discard(self._new, self._beside)

    def digest(self, name: bytes, status: bytes) -> bytes | None:
        """The digest of a file that has not changed; None if it must be read."""
        while self._row is not None and self._row[0] < name:
            self._row = next(self._rows, None)
        if self._row is None or self._row[0] != name or not self._row[1].startswith(status):
            return None
        return self._row[1][-DIGEST_BYTES:]

    def note(self, name: bytes, status: bytes, digest: bytes) -> None:
        """A file as it was read. Raises OSError."""
        self._new.write(b"%b\0%b%b" % (name, status, digest))

    def keep(self) -> None:
        """Make what was noted count. Raises OSError."""
        self._new.flush()
        self._path.parent.mkdir(exist_ok=True, mode=0o700)
        Path(self._beside).rename(self._path)

    def _read(self) -> Iterator[tuple[bytes, bytes]]:
        """The names of the old, each with what is known of it."""
        rest = b""
        while more := self._old.read(PIECE):
            rest, at = rest + more, 0
            while (end := rest.find(b"\0", at) + 1) and (after := end + self._value_bytes) <= len(rest):
                yield rest[at : end - 1], rest[end:after]
                at = after
            rest = rest[at:]
