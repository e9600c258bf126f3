"""Where code is kept: manifests by their digest, and contents in packs.

    <root>/<id>.manifest    what is in a bundle; <id> is the SHA-256 of this file
    <root>/<id>.packs       the packs that hold its contents, one a line
    <root>/packs/<name>     contents, one after another, then an index; <name> is the SHA-256 of the index
    <root>/.packing-*       half written: never read, and swept

A manifest has one entry for each file, `KIND SIZE CONTENT NAME\\0`, sorted by name. KIND is `f` (a file), `x` (an
executable one) or `l` (a symbolic link); CONTENT is the SHA-256 of a file or the target of a link, in hexadecimal;
NAME is any bytes. One pack of twenty thousand files is written in a quarter of the time that as many files take.

Needs nothing but Python 3.8: the same file keeps bundles on hosts where nrun is not installed, with `receive.py`.
"""

from __future__ import annotations

import array
import bisect
import contextlib
import functools
import hashlib
import os
import struct
import tempfile
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO, Self

PACKING = ".packing-"
LARGE = 1 << 20
"""Contents of so many bytes begin at a block, so that file systems which can share blocks do."""
BLOCK = 4096
PIECE = 1 << 18
_FOOTER = struct.Struct(">Q8s")
_MAGIC = b"nrunpack"
_INDEXED = struct.Struct(">32sQQ")
DIGEST_BYTES = 32


class Damaged(ValueError):  # noqa: N818 - reads as what it says
    """A manifest or a pack is not what it should be."""


class Entry(NamedTuple):
    """One file of a bundle."""

    name: bytes
    kind: str
    size: int
    content: bytes
    """The SHA-256 of a file; the target of a link."""


def written(entry: Entry) -> bytes:
    """An entry as it stands in a manifest."""
    return b"%b %d %b %b\0" % (entry.kind.encode(), entry.size, entry.content.hex().encode(), entry.name)


def entries(manifest: bytes | bytearray) -> Iterator[Entry]:
    """What a manifest names. Raises Damaged for one that could write outside its folder, or twice to one place."""
    last, start = b"", 0
    links: set[bytes] = set()
    while start < len(manifest):
        end = manifest.find(b"\0", start)
        line = bytes(manifest[start:end])
        try:
            kind, size, content, name = line.split(b" ", 3)
            entry = Entry(name, kind.decode(), int(size), bytes.fromhex(content.decode()))
        except ValueError as error:
            raise Damaged(f"an entry cannot be read: {line[:100]!r}") from error
        if end < 0 or entry.kind not in ("f", "x", "l") or name <= last or {b"", b".", b".."} & set(name.split(b"/")):
            raise Damaged(f"an entry is not allowed: {line[:100]!r}")
        if links and any(name.startswith(link) for link in links):
            raise Damaged(f"an entry leads through a link: {name!r}")
        if entry.kind == "l":
            links.add(name + b"/")
        elif len(entry.content) != DIGEST_BYTES:
            raise Damaged(f"an entry has no digest: {name!r}")
        yield entry
        last, start = name, end + 1


class Contents:
    """Where contents lie, by digest: 60 bytes of memory for each."""

    def __init__(self) -> None:
        self.packs: list[str] = []
        self._starts: list[int] = []  # the first row of each pack
        self._rows = bytearray()  # as in the indexes of packs
        self._table = array.array("I", [0] * 1024)  # the number of each row, from 1, where its digest says, or behind

    def __contains__(self, digest: bytes) -> bool:
        return self._table[self._slot(digest)] != 0

    def begin(self, pack: str) -> None:
        """What is added from now on is in that pack."""
        self.packs.append(pack)
        self._starts.append(len(self._rows) // _INDEXED.size)

    def add(self, digest: bytes, offset: int, size: int) -> None:
        """A content. Later ones win."""
        self._rows += _INDEXED.pack(digest, offset, size)
        count = len(self._rows) // _INDEXED.size
        if 2 * count > len(self._table):
            self._table = array.array("I", [0]) * (4 * len(self._table))
            for number, (known, *_) in enumerate(_INDEXED.iter_unpack(self._rows), 1):
                self._table[self._slot(known)] = number
        self._table[self._slot(digest)] = count

    def index(self) -> bytes:
        """That of the pack which was begun last."""
        return bytes(self._rows[self._starts[-1] * _INDEXED.size :])

    def place(self, digest: bytes) -> tuple[int, int, int]:
        """The number of the pack that holds a content, its offset and its size. Raises Damaged if there is none."""
        number = self._table[self._slot(digest)]
        if not number:
            raise Damaged(f"the content {digest.hex()} is missing")
        _, offset, size = _INDEXED.unpack_from(self._rows, (number - 1) * _INDEXED.size)
        return bisect.bisect(self._starts, number - 1) - 1, offset, size

    def _slot(self, digest: bytes) -> int:
        """Where in the table the number of the row of this digest stands, or may be put."""
        table, rows, last = self._table, self._rows, len(self._table) - 1
        slot = int.from_bytes(digest[:8], "big") & last
        while table[slot] and not rows.startswith(digest, (table[slot] - 1) * _INDEXED.size):
            slot = (slot + 1) & last
        return slot


class Store:
    """Bundles under a folder."""

    def __init__(self, root: str) -> None:
        self.root = root

    def manifest(self, bundle: str) -> bytes:
        """The manifest of a bundle. Raises OSError if there is none, Damaged if it is not what it was."""
        with open(self._path(bundle + ".manifest"), "rb") as file:
            manifest = file.read()
        if hashlib.sha256(manifest).hexdigest() != bundle:
            raise Damaged(f"the manifest of bundle {bundle} is damaged")
        return manifest

    def packs(self, bundle: str) -> list[str]:
        """The packs that hold the contents of a bundle. Raises OSError."""
        with open(self._path(bundle + ".packs"), encoding="ascii") as file:
            return file.read().split()

    def has(self, bundle: str) -> bool:
        """Whether the bundle is whole here."""
        try:
            return all(map(os.path.exists, self._files(bundle)))
        except OSError:
            return False

    def touch(self, bundle: str) -> None:
        """Say that a bundle is in use: whoever clears the store goes by that. Raises OSError; Damaged if it is gone."""
        try:
            for file in self._files(bundle):
                os.utime(file)
        except FileNotFoundError as error:
            raise Damaged(f"bundle {bundle} is not whole: {error.filename} is gone") from error

    def _files(self, bundle: str) -> list[str]:
        """What a bundle consists of. Raises OSError."""
        return [
            self._path(name)
            for name in (bundle + ".manifest", bundle + ".packs", *("packs/" + pack for pack in self.packs(bundle)))
        ]

    def contents(self, packs: list[str] | None = None) -> Contents:
        """What these packs hold, or all. A damaged one holds nothing. Raises OSError."""
        found = Contents()
        if packs is None:
            packs = os.listdir(self._path("packs")) if os.path.isdir(self._path("packs")) else []
        for pack in packs:
            found.begin(pack)
            with open(self._path("packs/" + pack), "rb") as file:
                for row in _INDEXED.iter_unpack(_index(file)):
                    found.add(*row)
        return found

    def write(self) -> PackWriter:
        """New contents, on their way in."""
        return PackWriter(self)

    def seal(self, file: BinaryIO, beside: str, contents: Contents) -> None:
        """Make the pack that was begun last of a file in the folder of the store. Raises OSError."""
        index = contents.index()
        file.seek(0, os.SEEK_END)
        file.write(index)
        file.write(_FOOTER.pack(len(index) // _INDEXED.size, _MAGIC))
        file.flush()
        os.fsync(file.fileno())
        contents.packs[-1] = hashlib.sha256(index).hexdigest()
        os.makedirs(self._path("packs"), exist_ok=True)
        os.rename(beside, self._path("packs/" + contents.packs[-1]))

    def keep(self, manifest: bytes | bytearray, contents: Contents) -> str:
        """Keep a manifest whose contents are all in packs, and give its id. Raises OSError, Damaged."""
        numbers = {contents.place(entry.content)[0] for entry in entries(manifest) if entry.kind != "l"}
        return self.hold(manifest, [contents.packs[number] for number in numbers])

    def hold(self, manifest: bytes | bytearray, packs: Iterable[str]) -> str:
        """Keep a manifest whose contents are all in these packs, and give its id. Raises OSError, Damaged."""
        bundle = hashlib.sha256(manifest).hexdigest()
        self.put(bundle + ".packs", "".join(pack + "\n" for pack in sorted(packs)).encode())
        self.put(bundle + ".manifest", manifest)
        self.touch(bundle)
        return bundle

    def read(self, bundle: str) -> Iterator[tuple[Entry, Callable[[], bytes]]]:
        """Each file of a bundle, and how to have its bytes. Raises OSError, Damaged."""
        contents = self.contents(self.packs(bundle))
        with self._opened(contents) as files:
            for entry in entries(self.manifest(bundle)):
                yield entry, functools.partial(_bytes, entry, contents, files)

    def stream(self, bundle: str, digests: list[bytes], skip: int = 0) -> Iterator[bytes]:
        """The bytes of contents of a bundle, one after another, without the first `skip`. Raises OSError, Damaged."""
        contents = self.contents(self.packs(bundle))
        with self._opened(contents) as files:
            for digest in digests:
                pack, offset, size = contents.place(digest)
                end = offset + size
                offset, skip = offset + skip, 0
                while offset < end:
                    piece = os.pread(files[pack], min(PIECE, end - offset), offset)
                    if not piece:
                        raise Damaged("a pack ends too soon")
                    yield piece
                    offset += len(piece)

    def verify(self, bundle: str) -> None:
        """See that every content is what its digest says. Raises OSError, Damaged."""
        for entry, content in self.read(bundle):
            if entry.kind != "l" and hashlib.sha256(content()).digest() != entry.content:
                raise Damaged(f"the content of {entry.name!r} in bundle {bundle} is damaged")

    def lay_out(self, bundle: str, dest: str) -> None:
        """Write the files of a bundle into the folder `dest`, which is made. Raises OSError, Damaged.

        Each is a copy of its own: whoever changes it spoils nobody else's. Where the file system can, large ones
        share their blocks with the store until then.
        """
        os.makedirs(dest)
        base, made = os.fsencode(dest), {b""}
        contents = self.contents(self.packs(bundle))
        with self._opened(contents) as files:
            for entry in entries(self.manifest(bundle)):
                path, folder = base + b"/" + entry.name, entry.name.rpartition(b"/")[0]
                if folder not in made:
                    os.makedirs(base + b"/" + folder, exist_ok=True)
                    made.add(folder)
                if entry.kind == "l":
                    os.symlink(entry.content, path)
                    continue
                pack, offset, size = contents.place(entry.content)
                mode = 0o777 if entry.kind == "x" else 0o666
                out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
                try:
                    _copy(files[pack], offset, size, out)
                finally:
                    os.close(out)

    @contextlib.contextmanager
    def _opened(self, contents: Contents) -> Iterator[list[int]]:
        """Descriptors of the packs, by their numbers."""
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(open(self._path("packs/" + pack), "rb")) for pack in contents.packs]
            yield [file.fileno() for file in files]

    def _path(self, name: str) -> str:
        return os.path.join(self.root, name)

    def put(self, name: str, data: bytes | bytearray) -> None:
        """Write a file of the store, whole. Raises OSError."""
        descriptor, beside = tempfile.mkstemp(prefix=PACKING, dir=self.root)
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            os.rename(beside, self._path(name))
        except BaseException:
            os.unlink(beside)
            raise


class PackWriter:
    """New contents on their way into the store, in a pack that does not count until it is finished.

    A context manager; leaving it unfinished removes what was written. Every call may raise OSError.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._file: BinaryIO | None = None
        self._beside = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            discard(self._file, self._beside)

    @functools.cached_property
    def contents(self) -> Contents:
        """What is in the store, looked up when something is new, and what was added."""
        contents = self._store.contents()
        contents.begin(PACKING)
        return contents

    def add(self, data: bytes, digest: bytes) -> None:
        """A small content, whole."""
        if digest not in self.contents:
            file = self._opened()
            self.contents.add(digest, file.tell(), len(data))
            file.write(data)

    def add_large(self, read: Callable[[int], bytes]) -> bytes:
        """A content that is read in pieces, to its end. Gives its digest."""
        file = self._opened()
        last = file.tell()
        start = file.seek(aligned(last))
        digest = hashlib.sha256()
        for piece in iter(lambda: read(PIECE), b""):
            digest.update(piece)
            file.write(piece)
        if digest.digest() in self.contents:
            file.truncate(file.seek(last))
        else:
            self.contents.add(digest.digest(), start, file.tell() - start)
        return digest.digest()

    def finish(self) -> None:
        """Make the pack count; if there is nothing new, there is none."""
        if self._file is not None and self.contents.index():
            self._store.seal(self._file, self._beside, self.contents)
            self._file.close()
            self._file = None

    def _opened(self) -> BinaryIO:
        if self._file is None:
            descriptor, self._beside = tempfile.mkstemp(prefix=PACKING, dir=self._store.root)
            self._file = open(descriptor, "wb", buffering=1 << 20)
        return self._file


def discard(file: BinaryIO, path: str) -> None:
    """Remove a file that was not finished, also if the disk is full: closing it writes what is left."""
    with contextlib.suppress(OSError):
        os.unlink(path)
    with contextlib.suppress(OSError):
        file.close()


def aligned(offset: int) -> int:
    """Where a large content begins that comes after `offset`."""
    return -(-offset // BLOCK) * BLOCK


def _index(file: BinaryIO) -> bytes:
    """The index of a pack; empty if the file is none."""
    end = file.seek(0, os.SEEK_END) - _FOOTER.size
    file.seek(max(0, end))
    count, magic = _FOOTER.unpack(file.read()) if end >= 0 else (0, b"")
    start = end - count * _INDEXED.size
    if magic != _MAGIC or start < 0:
        return b""
    file.seek(start)
    return file.read(end - start)


def _bytes(entry: Entry, contents: Contents, files: list[int]) -> bytes:
    if entry.kind == "l":
        return entry.content
    pack, offset, size = contents.place(entry.content)
    return os.pread(files[pack], size, offset)


def _copy(source: int, offset: int, size: int, dest: int) -> None:
    """Copy bytes of one file to the start of another; the kernel shares blocks where it can."""
    end, shares = offset + size, hasattr(os, "copy_file_range") and size >= LARGE
    while offset < end:
        if shares:
            try:
                count = os.copy_file_range(source, dest, end - offset, offset)
            except OSError:
                shares = False  # another file system, or an old kernel
                continue
        else:
            count = os.write(dest, os.pread(source, min(PIECE, end - offset), offset))
        if not count:
            raise Damaged("a pack ends too soon")
        offset += count
