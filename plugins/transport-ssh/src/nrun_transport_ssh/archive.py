"""Files as a stream of tar, made and read piece by piece; nothing is held in memory but one piece."""

from __future__ import annotations

import os
import stat
import tarfile
from typing import TYPE_CHECKING

import attrs

from nrun import TransportError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator, Mapping
    from pathlib import Path

PIECE_BYTES = 1 << 18
_LONG = {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}


@attrs.frozen
class Entry:
    """A file, folder or symbolic link to send. `info` is its header."""

    info: tarfile.TarInfo
    source: bytes | Path

    def content(self, offset: int = 0) -> Iterator[bytes]:
        """Exactly as many bytes as the header promised. Raises TransportError if they are not there any more."""
        left = self.info.size - offset
        if isinstance(self.source, bytes):
            yield self.source[offset:]
            return
        with self.source.open("rb") as file:
            file.seek(offset)
            while left:
                piece = file.read(min(left, PIECE_BYTES))
                if not piece:
                    raise TransportError(f"{self.source} became shorter while it was sent", fault="failed")
                left -= len(piece)
                yield piece


def entries(files: Mapping[str, bytes | Path]) -> list[Entry]:
    """What is to be sent, trees with all that is in them, in an order that is always the same. Raises OSError."""
    return [entry for name, source in sorted(files.items()) for entry in _entries(name, source)]


def _entries(name: str, source: bytes | Path) -> Iterator[Entry]:
    info = tarfile.TarInfo(name)
    if isinstance(source, bytes):
        info.size, info.mode = len(source), 0o600
        yield Entry(info, source)
        return
    found = source.lstat()
    info.mtime, info.mode = int(found.st_mtime), stat.S_IMODE(found.st_mode)
    if stat.S_ISLNK(found.st_mode):
        info.type, info.linkname = tarfile.SYMTYPE, str(source.readlink())
        yield Entry(info, source)
    elif stat.S_ISDIR(found.st_mode):
        info.type = tarfile.DIRTYPE
        yield Entry(info, source)
        for child in sorted(source.iterdir()):
            yield from _entries(f"{name}/{child.name}", child)
    elif stat.S_ISREG(found.st_mode):
        info.size = found.st_size
        yield Entry(info, source)
    else:
        raise TransportError(f"{source} is neither a file nor a folder nor a link", fault="failed")


def pack(found: Iterable[Entry]) -> Iterator[bytes]:
    """The archive, in pieces of about the same size."""
    held = bytearray()
    for entry in found:
        held += entry.info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
        for piece in entry.content() if entry.info.isreg() else ():
            held += piece
            if len(held) >= PIECE_BYTES:
                yield bytes(held)
                held.clear()
        held += bytes(-entry.info.size % tarfile.BLOCKSIZE)
    yield bytes(held) + bytes(2 * tarfile.BLOCKSIZE)


class Pieces:
    """Bytes that come in pieces, read in exact amounts."""

    def __init__(self, pieces: AsyncIterable[bytes]) -> None:
        self._pieces = aiter(pieces)
        self._held = b""

    async def some(self, most: int) -> bytes:
        """Between one and `most` bytes; none at the end."""
        if not self._held:
            self._held = await anext(self._pieces, b"")
        piece, self._held = self._held[:most], self._held[most:]
        return piece

    async def exactly(self, count: int) -> bytes:
        """`count` bytes. Raises EOFError."""
        found = bytearray()
        while len(found) < count:
            piece = await self.some(count - len(found))
            if not piece:
                raise EOFError
            found += piece
        return bytes(found)


async def members(pieces: Pieces) -> AsyncGenerator[tarfile.TarInfo, None]:
    """The headers of an archive that GNU tar writes; whoever gets one of a file reads its content before the next.

    Raises EOFError where the archive breaks off, tarfile.TarError for what is none.
    """
    names: dict[bytes, str] = {}
    while True:
        block = await pieces.exactly(tarfile.BLOCKSIZE)
        if not any(block):
            return
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        if info.type in _LONG:
            names[info.type] = os.fsdecode((await pieces.exactly(_blocks(info.size)))[: info.size].rstrip(b"\0"))
            continue
        info.name = names.pop(tarfile.GNUTYPE_LONGNAME, info.name)
        info.linkname = names.pop(tarfile.GNUTYPE_LONGLINK, info.linkname)
        yield info


def padding(size: int) -> int:
    """How many bytes follow a content of `size` bytes before the next header."""
    return _blocks(size) - size


def _blocks(size: int) -> int:
    return size + -size % tarfile.BLOCKSIZE
