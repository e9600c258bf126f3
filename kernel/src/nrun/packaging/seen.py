"""What is known of files since they were last read, so that nothing is read twice."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from nrun.packaging.store import PACKING

if TYPE_CHECKING:
    from typing import BinaryIO, Self

_DIGEST_BYTES = 32
_PIECE = 1 << 18


class Seen:
    """The digests of the files of one selection, each with what the system told of the file when it was read.

    It is asked, and told, in the order of names, and walks through the old as it does, so that it needs little memory.
    A context manager; what is new counts only once it is kept.
    """

    def __init__(self, folder: Path, key: str, stat_bytes: int) -> None:
        self._path = folder / hashlib.sha256(os.fsencode(key)).hexdigest()
        self._value_bytes = stat_bytes + _DIGEST_BYTES
        self._stack = contextlib.ExitStack()
        self._old: BinaryIO | None = None
        with contextlib.suppress(OSError):
            self._old = self._stack.enter_context(self._path.open("rb"))
        self._new: BinaryIO | None = None
        self._beside = ""
        self._buffer, self._at = b"", 0
        self._name: bytes | None = b""
        self._value = b""
        self._same = 0
        """So many bytes of the old are noted again, as they are."""
        self._passed = 0
        """So many bytes of the old were gone through."""
        self._advance()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        if self._new is not None:
            self._new.close()
            Path(self._beside).unlink(missing_ok=True)

    def digest(self, name: bytes, status: bytes) -> bytes | None:
        """The digest of a file that has not changed; None if it must be read."""
        while self._name is not None and self._name < name:
            self._advance()
        if self._name == name and self._value.startswith(status):
            return self._value[-_DIGEST_BYTES:]
        return None

    def note(self, name: bytes, status: bytes, digest: bytes) -> None:
        """A file as it was read."""
        line = b"%b\0%b%b" % (name, status, digest)
        if self._name == name and self._passed == self._same + len(line) and self._value == line[len(name) + 1 :]:
            self._same = self._passed
        else:
            self._opened().write(line)

    def keep(self) -> None:
        """Make what was noted count. That it cannot be written harms nobody: then files are read again."""
        if self._new is None and self._old is not None and self._same == self._old.seek(0, os.SEEK_END):
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(exist_ok=True, mode=0o700)
            self._opened().close()
            Path(self._beside).rename(self._path)

    def _opened(self) -> BinaryIO:
        if self._new is None:
            descriptor, self._beside = tempfile.mkstemp(prefix=PACKING, dir=self._path.parent.parent)
            self._new = open(descriptor, "wb")
            if self._same:
                self._new.write(self._path.read_bytes()[: self._same])
            self._same = -1
        return self._new

    def _advance(self) -> None:
        """Go to the next of the old."""
        while True:
            end = self._buffer.find(b"\0", self._at)
            after = end + 1 + self._value_bytes
            if end >= 0 and after <= len(self._buffer):
                break
            more = self._old.read(_PIECE) if self._old is not None else b""
            if not more:
                self._name = None
                return
            self._buffer, self._at = self._buffer[self._at :] + more, 0
        self._name, self._value = self._buffer[self._at : end], self._buffer[end + 1 : after]
        self._passed += after - self._at
        self._at = after
