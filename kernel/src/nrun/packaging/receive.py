"""The other side of `send.py`: takes bundles into a store, as `python3 receive.py ROOT`, from standard input.

Needs nothing but Python 3.8 and `store.py` beside it. What it is told and answers, one line each:

    ID                          have | want
    SIZE, then the manifest     MISSING OFFSET | wrong WHY
    the missing contents        kept | wrong WHY

MISSING has a bit for each content of the manifest, in its order, as a hexadecimal number that begins with one bit more;
OFFSET says how many bytes of the first missing one are here. What came before a connection broke is taken up again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import sys
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

if TYPE_CHECKING or __package__:
    from nrun.packaging.store import LARGE, PACKING, PIECE, Damaged, Store, aligned, entries
else:  # on the other side the two files stand alone
    from store import LARGE, PACKING, PIECE, Damaged, Store, aligned, entries


def receive(store: Store, source: BinaryIO, answer: BinaryIO) -> None:
    """Take the bundles that come from `source`, until it ends."""

    def say(text: str) -> None:
        answer.write(text.encode("utf-8", "backslashreplace") + b"\n")
        answer.flush()

    try:
        for line in iter(source.readline, b""):
            bundle = line.decode("ascii").strip()
            if bundle.isalnum() and store.has(bundle):
                store.touch(bundle)
                say("have")
            else:
                _take(store, bundle, source, say)
    except (OSError, ValueError, zlib.error) as error:
        say(f"wrong {error}")
        raise SystemExit(1) from error


def _take(store: Store, bundle: str, source: BinaryIO, say: Callable[[str], None]) -> None:
    say("want")
    manifest = zlib.decompress(b"".join(_pieces(source, int(source.readline()))))
    if hashlib.sha256(manifest).hexdigest() != bundle:
        raise Damaged(f"it is not the manifest of {bundle}")
    contents = store.contents()
    wanted = dict.fromkeys((entry.content, entry.size) for entry in entries(manifest) if entry.kind != "l")
    with _spool(store, bundle) as (file, path):
        places, end, partial = _resumed(file, [one for one in wanted if one[0] not in contents])
        absent = {one for one in wanted if one[0] not in contents and one[0] not in places}
        bits = "".join("1" if one in absent else "0" for one in wanted)
        say(f"{int('1' + bits, 2):x} {partial}")
        for digest, size in (one for one in wanted if one in absent):
            start = _start(end, size)
            _append(file, source, start, (digest, size), partial)
            places[digest] = (start, size)
            end, partial = start + size, 0
        if places:
            contents.begin(PACKING)
            for digest, place in places.items():
                contents.add(digest, *place)
            store.seal(file, path, contents)
    store.keep(manifest, contents)
    say("kept")


def _resumed(file: BinaryIO, missing: list[tuple[bytes, int]]) -> tuple[dict[bytes, tuple[int, int]], int, int]:
    """What came before: the places of whole contents, where they end, and bytes of the next one behind that."""
    places: dict[bytes, tuple[int, int]] = {}
    there = file.seek(0, os.SEEK_END)
    end = 0
    for digest, size in missing:
        start = _start(end, size)
        if start + size > there:
            return places, end, max(0, there - start)
        if _hashed(file, start, size).digest() != digest:
            break
        places[digest] = (start, size)
        end = start + size
    file.truncate(end)
    return places, end, 0


def _append(file: BinaryIO, source: BinaryIO, start: int, content: tuple[bytes, int], partial: int) -> None:
    """One content, of which some bytes are there. Raises Damaged if it is not what it should be."""
    digest, size = content
    found = _hashed(file, start, partial)
    file.seek(start + partial)
    for piece in _pieces(source, size - partial):
        found.update(piece)
        file.write(piece)
    if found.digest() != digest:
        file.truncate(start)
        raise Damaged(f"the content {digest.hex()} came damaged")


def _start(end: int, size: int) -> int:
    return aligned(end) if size >= LARGE else end


def _hashed(file: BinaryIO, start: int, size: int) -> hashlib._Hash:
    digest = hashlib.sha256()
    file.seek(start)
    for piece in _pieces(file, size):
        digest.update(piece)
    return digest


def _pieces(source: BinaryIO, size: int) -> Iterator[bytes]:
    while size:
        piece = source.read(min(size, PIECE))
        if not piece:
            raise OSError(errno.EPIPE, "the connection ended too soon")
        yield piece
        size -= len(piece)


@contextlib.contextmanager
def _spool(store: Store, bundle: str) -> Iterator[tuple[BinaryIO, str]]:
    """The file that contents of a bundle come into, for one process at a time. It stays if they do not all come."""
    path = os.path.join(store.root, PACKING + bundle)
    while True:
        with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.path.exists(path) and os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                yield file, path
                if os.path.exists(path):
                    os.unlink(path)  # everything was here already
                return
            # whoever had it has made a pack of it


if __name__ == "__main__":
    os.makedirs(sys.argv[1], 0o700, exist_ok=True)
    receive(Store(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer)
