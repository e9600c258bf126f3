"""Files to a host and back: each way in one stream, which goes on where it was when the connection breaks."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from nrun import HostCommand, TransportError
from nrun_transport_ssh.archive import Entry, Pieces, entries, members, pack, padding
from nrun_transport_ssh.faults import Lost
from nrun_transport_ssh.link import feed, stopped

if TYPE_CHECKING:
    import tarfile
    from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator, Mapping
    from pathlib import Path

    from nrun_transport_ssh.transport import SSHTransport

FOLLOW_BYTES = 1 << 20
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 2.0
CLEAN_S = 10

APPEND = 'exec cat >> "$1"'
SIZES = '[ ! -d "$1" ] || exec find "$1" -type f -printf "%s %P\\0"'
UNPACK = """
mkdir -p -- "$1" && tar -x -p --no-same-owner -f - -C "$1" || exit
if [ ! -e "$2" ]; then mv -T -- "$1" "$2" && exit; fi
find "$1" -mindepth 1 -maxdepth 1 -exec cp -Rl --remove-destination -t "$2" -- {} + 2>/dev/null ||
  find "$1" -mindepth 1 -maxdepth 1 -exec cp -Rp --remove-destination -t "$2" -- {} + || exit
rm -rf -- "$1"
"""
LIST = """
cd -- "$1" 2>/dev/null || exit 0
exec xargs -0 -r sh -c 'for one do
  [ ! -e "$one" ] && [ ! -L "$one" ] || find "$one" -printf "%y %s %T@ %p\\0" || exit 1
done' sh
"""
PACK = 'cd -- "$1" && exec tar -c --format=gnu --hard-dereference --no-recursion --null -f - -T -'
REST = 'cd -- "$1" && tail -c +"$2" -- "$3" | head -c "$4"'
NEWS = """
[ -e "$1" ] || exit 0
[ -r "$1" ] && [ ! -d "$1" ] || { echo "$1 cannot be read" >&2; exit 1; }
tail -c +"$2" -- "$1" | head -c "$3"
"""


def there(path: str) -> str:
    """A path for commands, which start in the home folder."""
    return "./" + path[2:] if path.startswith("~/") else "." if path == "~" else path


async def _sh(host: SSHTransport, script: str, *words: str, stdin: bytes = b"") -> bytes:
    """The output of a script that may be repeated. Raises TransportError with what it complains of."""
    done = await host.completed(HostCommand(("sh", "-c", script, "sh", *words), stdin, repeatable=True))
    if done.exit_code:
        raise _failed(host, done.stderr, done.exit_code)
    return done.stdout


def _failed(host: SSHTransport, told: bytes, code: int) -> TransportError:
    why = told.decode(errors="replace").strip()[-500:] or f"it ended with {code}"
    return TransportError(
        f"on {host.host}: {why}", fault="failed", hint="look at the folder there: space, quota, rights"
    )


# ---- there


async def send(host: SSHTransport, files: Mapping[str, bytes | Path], folder: str) -> None:
    """Fill a folder beside the wanted one, then move it, or what is in it, to its place."""
    wanted = await asyncio.to_thread(entries, {harmless(name): source for name, source in files.items()})
    target = there(folder)
    stage = f"{target.rstrip('/')}.{os.urandom(8).hex()}.part"
    try:
        have: dict[str, int] | None = {}
        while have is not None:
            have = await _fill(host, wanted, stage, target, have)
    except BaseException:
        with contextlib.suppress(TransportError, TimeoutError):
            async with asyncio.timeout(CLEAN_S):
                await _sh(host, 'rm -rf -- "$1"', stage)
        raise


async def _fill(
    host: SSHTransport, wanted: list[Entry], stage: str, target: str, have: dict[str, int]
) -> dict[str, int] | None:
    """Send what is missing; None when all is in its place, else the sizes of what was there when the connection broke.

    Where it broke after all was in its place nothing is left beside it, and everything is sent again.
    """
    missing = [entry for entry in wanted if not entry.info.isreg() or have.get(entry.info.name) != entry.info.size]
    begun = next((entry for entry in missing if 0 < have.get(entry.info.name, 0) < entry.info.size), None)
    if begun is not None:
        path = f"{stage}/{begun.info.name}"
        if not await _pour(host, begun.content(have[begun.info.name]), APPEND, path):
            return await _sizes(host, stage)
        missing.remove(begun)
    return None if await _pour(host, pack(missing), UNPACK, stage, target) else await _sizes(host, stage)


async def _sizes(host: SSHTransport, stage: str) -> dict[str, int]:
    lines = (await _sh(host, SIZES, stage)).split(b"\0")[:-1]
    return {os.fsdecode(name): int(size) for size, _, name in (line.partition(b" ") for line in lines)}


async def _pour(host: SSHTransport, pieces: Iterator[bytes], script: str, *words: str) -> bool:
    """Give pieces to a script as its input; False if the connection broke. Raises TransportError if it fails."""

    async def ahead() -> AsyncIterator[bytes]:
        try:
            while piece := await asyncio.to_thread(next, pieces, b""):
                yield piece
        except OSError as error:
            raise TransportError(f"a file cannot be read here: {error}", fault="failed") from error

    try:
        async with host.session(("sh", "-c", script, "sh", *words)) as running:
            feeding = asyncio.ensure_future(feed(running.session, ahead()))
            ending = asyncio.ensure_future(running.out.all())
            complaint = asyncio.ensure_future(running.err.all())
            try:
                await asyncio.wait((feeding, ending), return_when=asyncio.FIRST_COMPLETED)
                if feeding.done():
                    feeding.result()
                await ending
                code = await host.code(running, "writing")
                if code:
                    raise _failed(host, await complaint, code)
            finally:
                await stopped(feeding, ending, complaint)
    except Lost as error:
        await host.kill(error.token, error.group)
        return False
    return True


# ---- and back


async def fetch(host: SSHTransport, names: Collection[str], folder: str, dest: Path) -> None:
    """Ask what there is, then for all of it; after a break, for the rest."""
    dest.mkdir(parents=True, exist_ok=True)
    fetching = _Fetch(host, there(folder), dest)
    asked = b"".join(os.fsencode(f"./{harmless(name)}") + b"\0" for name in names)
    try:
        while not await fetching.attempt(asked):
            pass
    finally:
        fetching.part.unlink(missing_ok=True)


class _Fetch:
    """How far one fetch has come. A file is written to `part` and takes its place when it is whole."""

    def __init__(self, host: SSHTransport, source: str, dest: Path) -> None:
        self.part = dest / f".{os.urandom(8).hex()}.part"
        self._host = host
        self._source = source
        self._dest = dest
        self._there: dict[str, str] = {}
        """What there is, each with its kind, size and time of change."""
        self._done: set[str] = set()
        self._begun: tuple[tarfile.TarInfo, str] | None = None
        """The file that `part` has the beginning of, and what it was like then."""

    async def attempt(self, asked: bytes) -> bool:
        """Whether everything is here now; False if the connection broke before."""
        listed = (await _sh(self._host, LIST, self._source, stdin=asked)).split(b"\0")[:-1]
        self._there = dict(map(_listed, listed))
        begun, self._begun = self._begun, None
        if begun and self._there.get(_name(begun[0])) == begun[1] and not await self._rest(*begun):
            return False
        missing = [name for name in self._there if name not in self._done]
        return not missing or await self._unpack(missing)

    async def _rest(self, info: tarfile.TarInfo, stamp: str) -> bool:
        """The rest of a file that has not changed since it was begun."""
        self._begun = info, stamp
        offset = self.part.stat().st_size
        words = (self._source, str(offset + 1), f"./{_name(info)}", str(info.size - offset))
        try:
            async with self._host.session(("sh", "-c", REST, "sh", *words)) as running:
                complaint = asyncio.ensure_future(running.err.all())
                try:
                    with self.part.open("ab") as file:
                        async for piece in running.out.pieces():
                            file.write(piece)
                    code = await self._host.code(running, "tail")
                    if code or self.part.stat().st_size != info.size:
                        raise _failed(self._host, await complaint, code)
                finally:
                    await stopped(complaint)
                self._finish(info)
                return True
        except Lost as error:
            await self._host.kill(error.token, error.group)
            return False

    async def _unpack(self, missing: list[str]) -> bool:
        names = b"".join(os.fsencode(f"./{name}") + b"\0" for name in missing)
        try:
            async with self._host.session(("sh", "-c", PACK, "sh", self._source)) as running:
                feeding = asyncio.ensure_future(feed(running.session, names))
                complaint = asyncio.ensure_future(running.err.all())
                try:
                    pieces = Pieces(running.out.pieces())
                    with contextlib.suppress(EOFError):  # the end of the command tells why
                        async for info in members(pieces):
                            await self._take(info, pieces)
                    while await pieces.some(FOLLOW_BYTES):
                        pass
                    code = await self._host.code(running, "tar")
                    if code > 1:  # with 1 a file changed while it was read, as logs do
                        raise _failed(self._host, await complaint, code)
                finally:
                    await stopped(feeding, complaint)
                return True
        except Lost as error:
            await self._host.kill(error.token, error.group)
            return False

    async def _take(self, info: tarfile.TarInfo, pieces: Pieces) -> None:
        name = _name(info)
        target = self._dest / name
        within = target == self._dest or target.parent.resolve().is_relative_to(self._dest.resolve())
        if name not in self._there or not within:
            raise TransportError(f"{self._host.host} sent {name!r}, which was not asked for", fault="failed")
        if info.isdir():
            target.mkdir(parents=True, exist_ok=True)
            self._done.add(name)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if info.issym():
            self.part.unlink(missing_ok=True)
            self.part.symlink_to(info.linkname)
            self.part.replace(target)
            self._done.add(name)
            return
        self.part.unlink(missing_ok=True)
        self._begun = info, self._there[name]
        left = info.size
        with self.part.open("xb") as file:
            while left:
                piece = await pieces.some(left)
                if not piece:
                    raise EOFError
                file.write(piece)
                left -= len(piece)
        self._finish(info)
        await pieces.exactly(padding(info.size))

    def _finish(self, info: tarfile.TarInfo) -> None:
        self.part.chmod(info.mode & 0o777)
        os.utime(self.part, (info.mtime, info.mtime))
        self.part.replace(self._dest / _name(info))
        self._done.add(_name(info))
        self._begun = None


def _listed(line: bytes) -> tuple[str, str]:
    kind, size, changed, name = line.split(b" ", 3)
    return str(PurePosixPath(os.fsdecode(name))), os.fsdecode(b" ".join((kind, size, changed)))


def _name(info: tarfile.TarInfo) -> str:
    return str(PurePosixPath(info.name))


def harmless(name: str) -> str:
    """A name that stays within the folder. Raises TransportError."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise TransportError(f"{name!r} does not lie within its folder", fault="failed")
    return str(path)


# ---- following


async def follow(
    host: SSHTransport, path: str, offset: int, *, wait: bool, timeout_s: float
) -> AsyncGenerator[bytes, None]:
    """Ask for what is new, soon again while something comes, less often while nothing does."""
    pause = FIRST_PAUSE_S
    while True:
        async with host.deadline(f"reading {path}", timeout_s):
            piece = await _sh(host, NEWS, there(path), str(offset + 1), str(FOLLOW_BYTES))
        if piece:
            offset += len(piece)
            yield piece
            pause = FIRST_PAUSE_S
        elif not wait:
            return
        if len(piece) < FOLLOW_BYTES and wait:
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
