"""What is on disk now, as a bundle: survey what a packager selected, read what has changed, keep it."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import itertools
import os
import stat
import struct
import time
from typing import TYPE_CHECKING, NamedTuple

import attrs

from nrun.amounts import size_text
from nrun.data import Data
from nrun.errors import PackagingError
from nrun.packaging.seen import Seen
from nrun.packaging.store import LARGE, PIECE, Entry, Store, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from io import FileIO
    from pathlib import Path

    from nrun.model import Files
    from nrun.packaging.store import PackWriter

_STAT = struct.Struct(">QqqQ")
_ABOUT = struct.Struct(">xcH")
_TAIL = _ABOUT.size + _STAT.size
"""What follows the name in a packed row. It begins with the byte that no name has, so that rows sort by their names."""
TICK_NS = 2_000_000_000
"""File systems tell times of change no finer than this: what was read so soon after a change may change unseen."""
_TRIES = 3
_NAMED = 5
"""So many of the largest files are named when there is too much."""


class Row(NamedTuple):
    """A file as it was when it was looked at."""

    name: bytes
    """Where it stands in the bundle."""
    kind: str
    """As in a manifest."""
    part: int
    """The number of the part of the selection that it comes from."""
    stat: bytes
    """Its size, times and inode, packed: equal as long as it has not changed."""

    @property
    def size(self) -> int:
        """In bytes."""
        return int.from_bytes(self.stat[:8], "big")

    @property
    def changed_ns(self) -> int:
        """When it was last changed, in nanoseconds since the epoch."""
        return int.from_bytes(self.stat[16:24], "big")


@attrs.frozen(eq=False, repr=False)
class Survey(Data):
    """What would travel."""

    parts: Sequence[Files]
    """Without their names, which the lines have."""
    lines: list[bytes]
    """A packed row for each file, the last name first. Whoever bundles them takes them off the end."""
    skipped: Sequence[str]
    """What is neither a file nor a link, and stays behind."""

    @property
    def size(self) -> int:
        """Of all files, in bytes."""
        return sum(_row(line).size for line in self.lines)

    def largest(self) -> list[Row]:
        """The largest first."""
        return sorted(map(_row, self.lines), key=lambda row: (-row.size, row.name))


def survey(parts: Sequence[Files]) -> Survey:
    """Look at everything that a packager selected. Raises PackagingError for what cannot travel."""
    lines: list[bytes] = []
    skipped = []
    for number, part in enumerate(parts):
        root, prefix = os.fsencode(part.root), _prefix(part)
        for name in map(os.fsencode, part.names):
            path = root + b"/" + name
            try:
                status = os.lstat(path)
            except OSError as error:
                raise unreadable(path, error) from error
            mode = status.st_mode
            if stat.S_ISREG(mode):
                kind = b"x" if mode & stat.S_IXUSR else b"f"
            elif stat.S_ISLNK(mode):
                kind = b"l"
                _check_link(path, root)
            else:
                skipped.append(shown(prefix + name))
                continue
            lines.append(prefix + name + _ABOUT.pack(kind, number) + _stat(status))
    lines.sort()
    lines = _compatible(lines, parts)
    lines.reverse()
    return Survey([attrs.evolve(part, names=()) for part in parts], lines, skipped)


def check_size(found: Survey, limit: int | None) -> None:
    """Refuse what is too much. Raises PackagingError that names the largest files and how to leave them out."""
    if limit is None or found.size <= limit:
        return
    largest = found.largest()[:_NAMED]
    before = itertools.accumulate((row.size for row in largest), initial=0)
    named = "\n".join(f"  {size_text(row.size):>9}  {shown(row.name)}" for row in largest)
    msg = f"{size_text(found.size)} of code would travel, more than {size_text(limit)}. The largest:\n{named}"
    lines = " ".join(
        f"/{shown(row.name)}" for row, less in zip(largest, before, strict=False) if found.size - less > limit
    )
    raise PackagingError(msg, hint=f"leave out what jobs do not need: lines in .nrunignore such as {lines}")


def keep(found: Survey, store: Path, progress: Callable[[int, int], None] = lambda *_: None) -> str:
    """Keep these files as a bundle, and give its id. `progress` is told the bytes read. Uses up `found`.

    What has not changed since it was last read is not read again. Raises PackagingError if a file cannot be read, or
    changes all the while; OSError if the store cannot be written; Damaged if it lacks what it had.
    """
    bundles = Store(str(store))
    with bundles.write() as pack, _seen(found, store) as seen:
        manifest = _manifest(found, seen, pack, progress)
        bundle = hashlib.sha256(manifest).hexdigest()
        if bundles.has(bundle):
            bundles.touch(bundle)
        else:
            pack.finish()
            bundles.keep(manifest, pack.contents)
        for part, one in zip(found.parts, seen, strict=True):  # only now: whoever believes it finds the contents
            if store not in part.root.parents:  # what was made for this once is never met again
                one.keep()
    return bundle


def identify(found: Survey, store: Path, progress: Callable[[int, int], None] = lambda *_: None) -> str:
    """The id of the bundle that these files make; they are not kept. Raises as `keep` does, and uses up `found`."""
    with _seen(found, store) as seen:
        return hashlib.sha256(_manifest(found, seen, None, progress)).hexdigest()


def shown(name: bytes) -> str:
    """A name for people, whatever is in it."""
    return name.decode("utf-8", "backslashreplace")


@contextlib.contextmanager
def _seen(found: Survey, store: Path) -> Iterator[list[Seen]]:
    """What is known of the files of each part."""
    with contextlib.ExitStack() as stack:
        keys = [f"{part.root}\0{part.into}" for part in found.parts]
        yield [stack.enter_context(Seen(store, key, _STAT.size)) for key in keys]


def _manifest(
    found: Survey, seen: Sequence[Seen], pack: PackWriter | None, progress: Callable[[int, int], None]
) -> bytearray:
    """The manifest of these files, whose new contents go into `pack`."""
    roots = [os.fsencode(part.root) + b"/" for part in found.parts]
    prefixes = [len(_prefix(part)) for part in found.parts]
    settled, manifest, read = time.time_ns() - TICK_NS, bytearray(), 0
    while found.lines:
        row = _row(found.lines.pop())
        name = row.name[prefixes[row.part] :]
        if row.kind == "l":
            target = _target(roots[row.part] + name)
            manifest += written(Entry(row.name, "l", len(target), target))
            continue
        digest = seen[row.part].digest(name, row.stat)
        if digest is None:
            status, digest = read_file(roots[row.part] + name, pack)
            row = row._replace(stat=status)
            read += row.size
            progress(read, 0)
        if row.changed_ns < settled:
            seen[row.part].note(name, row.stat, digest)
        manifest += written(Entry(row.name, row.kind, row.size, digest))
    return manifest


def _row(line: bytes) -> Row:
    kind, part = _ABOUT.unpack_from(line, len(line) - _TAIL)
    return Row(line[:-_TAIL], kind.decode(), part, line[-_STAT.size :])


def read_file(path: bytes, pack: PackWriter | None) -> tuple[bytes, bytes]:
    """What the system says of a file, packed, and the digest of its content, which goes into `pack`."""
    for _ in range(_TRIES):
        with _opened(path) as file:
            before = os.fstat(file.fileno())
            digest = _content(functools.partial(_piece, file, path), before.st_size, pack)
            after = os.fstat(file.fileno())
        if _stat(after) == _stat(before):
            return _stat(before), digest
    msg = f"{shown(path)} changes while it is read"
    raise PackagingError(msg, hint="stop what writes to it, or leave it out by a line in .nrunignore")


def _content(read: Callable[[int], bytes], size: int, pack: PackWriter | None) -> bytes:
    """The digest of what `read` gives. Raises OSError if it cannot be written, and whatever `read` raises."""
    if size >= LARGE and pack is not None:
        return pack.add_large(read)
    if size >= LARGE:
        found = hashlib.sha256()
        for piece in iter(lambda: read(PIECE), b""):
            found.update(piece)
        return found.digest()
    data = read(-1)
    digest = hashlib.sha256(data).digest()
    if pack is not None:
        pack.add(data, digest)
    return digest


def _opened(path: bytes) -> FileIO:
    try:
        return open(path, "rb", buffering=0, opener=_opener)
    except OSError as error:
        raise unreadable(path, error) from error


def _piece(file: FileIO, path: bytes, size: int) -> bytes:
    """The next bytes of a file, all if `size` is -1. Raises PackagingError; OSError is for what cannot be written."""
    try:
        return file.read(size) or b""
    except OSError as error:
        raise unreadable(path, error) from error


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)  # what was a file may be a link or a pipe by now


def _stat(status: os.stat_result) -> bytes:
    return _STAT.pack(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _prefix(part: Files) -> bytes:
    into = os.fsencode(part.into).strip(b"/")
    return into + b"/" if into else b""


def unreadable(path: bytes, error: OSError) -> PackagingError:
    """What is to be said of a file, or a folder, that cannot be read."""
    msg = f"{shown(path)} cannot be read: {error.strerror}"
    return PackagingError(msg, hint="make it readable, or leave it out by a line in .nrunignore")


def _target(path: bytes) -> bytes:
    try:
        return os.readlink(path)
    except OSError as error:
        raise unreadable(path, error) from error


def _check_link(path: bytes, root: bytes) -> None:
    """Refuse a link that leads out, or round and round. One that leads nowhere inside is as it was."""
    try:
        os.stat(path)
    except OSError as error:
        if error.errno == errno.ELOOP:
            msg = f"the link {shown(path)} leads to itself"
            raise PackagingError(msg, hint="mend it, or leave it out by a line in .nrunignore") from error
    target, inside, where = _target(path), os.path.realpath(root), os.path.realpath(path)
    if target.startswith(b"/") or not (where + b"/").startswith(inside + b"/"):
        msg = f"the link {shown(path)} leads out of what travels, to {shown(target)}"
        raise PackagingError(msg, hint="link by a relative path to something inside, or leave it out by .nrunignore")


def _compatible(lines: list[bytes], parts: Sequence[Files]) -> list[bytes]:
    """The rows, each name once. Raises PackagingError for names that would get into each other's way."""
    if any(line.startswith(before[:-_TAIL]) for before, line in itertools.pairwise(lines)):
        lines = _apart(lines, parts)
    _check_case(lines)
    return lines


def _check_case(lines: Sequence[bytes]) -> None:
    """Refuse names that differ only in case, of files and of folders. Raises PackagingError."""
    above: list[tuple[bytes, dict[str, bytes]]] = [(b"", {})]  # folders from the top down, with what is in them
    for line in lines:
        while not line.startswith(above[-1][0]):
            above.pop()
        folder, names = above[-1]
        rest, goes_on = line[len(folder) : -_TAIL], True
        while goes_on:
            name, slash, rest = rest.partition(b"/")
            other = names.setdefault(name.decode("utf-8", "surrogateescape").casefold(), name)
            if other != name:
                both = f"{shown(folder + other)} and {shown(folder + name)}"
                msg = f"{both} differ only in case: some systems take them for one"
                raise PackagingError(msg, hint="rename one, or leave it out by a line in .nrunignore")
            if goes_on := bool(slash):
                folder, names = folder + name + slash, {}
                above.append((folder, names))


def _apart(lines: Sequence[bytes], parts: Sequence[Files]) -> list[bytes]:
    """The rows without those that were selected twice. Raises PackagingError where two would be in one place."""
    kept: list[bytes] = []
    above: list[Row] = []
    for line in lines:
        row = _row(line)
        while above and not row.name.startswith(above[-1].name):
            above.pop()
        for other in above:
            if row.name == other.name and _path(row, parts) == _path(other, parts):
                break
            if row.name == other.name or row.name.startswith(other.name + b"/"):
                msg = f"{_path(other, parts)} and {_path(row, parts)} would both be {shown(other.name)} in the bundle"
                raise PackagingError(msg, hint="give them folders of their own, or leave one out")
        else:
            kept.append(line)
            above.append(row)
    return kept


def _path(row: Row, parts: Sequence[Files]) -> str:
    part = parts[row.part]
    return shown(os.fsencode(part.root) + b"/" + row.name[len(_prefix(part)) :])
