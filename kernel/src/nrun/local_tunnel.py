"""This machine, reached as any host."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from nrun.errors import TransportError
from nrun.tunnels import Completed, Transport, Tunnel

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Collection, Mapping, Sequence

    from nrun.packaging.send import Line
    from nrun.tunnels import HostCommand

PIECE_BYTES = 1 << 20
FOLLOW_PAUSE_S = 0.2
COMMANDS_AT_ONCE = 16
LONGEST_LINE_BYTES = 1 << 24
_PIPE = asyncio.subprocess.PIPE


@attrs.frozen(kw_only=True)
class LocalTunnel(Tunnel):
    """No way at all: the host is this machine."""

    host: str = "localhost"

    def transport(self) -> Transport:
        """What acts on this machine."""
        return _LocalTransport()


class _LocalTransport(Transport):
    """Acts on this machine. `Transport` says what its methods promise."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(COMMANDS_AT_ONCE)

    async def __aexit__(self, *_error: object) -> None:
        """There is nothing to close."""

    async def run(self, commands: Sequence[HostCommand], *, timeout_s: float) -> Sequence[Completed | TransportError]:
        return await asyncio.gather(*(self._answer(command, timeout_s) for command in commands))

    async def _answer(self, command: HostCommand, timeout_s: float) -> Completed | TransportError:
        try:
            async with _deadline(command.argv[0], timeout_s), self._room:
                return await _completed(command)
        except TransportError as error:
            return error

    @contextlib.asynccontextmanager
    async def talk(self, argv: Sequence[str], *, timeout_s: float) -> AsyncIterator[Line]:
        async with _deadline(argv[0], timeout_s):
            process = await asyncio.create_subprocess_exec(
                *argv, stdin=_PIPE, stdout=_PIPE, start_new_session=True, limit=LONGEST_LINE_BYTES
            )
            try:
                yield _LocalLine(process)
            except BaseException:
                _kill(process)
                raise
            finally:
                await process.communicate(b"")

    async def send(self, files: Mapping[str, bytes | Path], folder: str, *, timeout_s: float) -> None:
        target = Path(folder).expanduser()
        stage = target if target.exists() else target.with_name(f"{target.name}.{os.urandom(8).hex()}.part")
        async with _deadline(f"writing to {target}", timeout_s):
            try:
                for name, source in files.items():
                    await asyncio.to_thread(_put, source, stage / name)
                if stage is not target:
                    stage.rename(target)
            except BaseException:
                if stage is not target:
                    shutil.rmtree(stage, ignore_errors=True)
                raise

    async def fetch(self, names: Collection[str], folder: str, dest: Path, *, timeout_s: float) -> None:
        async with _deadline(f"reading from {folder}", timeout_s):
            for name in names:
                source = Path(folder, name).expanduser()
                if os.path.lexists(source):
                    await asyncio.to_thread(_put, source, dest / name)

    async def follow(
        self, path: str, *, offset: int = 0, wait: bool = True, timeout_s: float = 60
    ) -> AsyncGenerator[bytes, None]:
        del timeout_s
        while True:
            piece = await asyncio.to_thread(_piece, Path(path).expanduser(), offset)
            if piece:
                offset += len(piece)
                yield piece
            elif wait:
                await asyncio.sleep(FOLLOW_PAUSE_S)
            else:
                return

    @contextlib.asynccontextmanager
    async def forward(self, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
        yield host, port


@contextlib.asynccontextmanager
async def _deadline(doing: str, timeout_s: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as error:
        raise TransportError(f"{doing} took longer than {timeout_s:g} s", fault="timeout") from error
    except OSError as error:
        raise TransportError(f"{doing} failed: {error}", fault="failed") from error


async def _completed(command: HostCommand) -> Completed:
    try:
        process = await asyncio.create_subprocess_exec(
            *command.argv, stdin=_PIPE, stdout=_PIPE, stderr=_PIPE, start_new_session=True
        )
    except OSError as error:  # as a shell tells it
        return Completed(126 if isinstance(error, PermissionError) else 127, b"", f"{error}\n".encode())
    feeding = asyncio.ensure_future(_feed(process, command.stdin))
    try:
        told = await process.communicate()
    except BaseException:
        _kill(process)
        await process.wait()
        raise
    finally:
        feeding.cancel()
    code = await process.wait()
    return Completed(code if code >= 0 else 128 - code, *told)


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class _LocalLine:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def write(self, data: bytes) -> None:
        if self._process.stdin:
            self._process.stdin.write(data)
            await self._process.stdin.drain()

    async def readline(self) -> bytes:
        return await self._process.stdout.readline() if self._process.stdout else b""


async def _feed(process: asyncio.subprocess.Process, data: bytes | AsyncIterable[bytes]) -> None:
    pipe = process.stdin
    if pipe is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # a command need not read its input
        if isinstance(data, bytes):
            pipe.write(data)
        else:
            async for piece in data:
                pipe.write(piece)
                await pipe.drain()
    pipe.close()


def _put(source: bytes | Path, target: Path) -> None:
    """A copy at `target`, where it appears whole."""
    if isinstance(source, Path) and source.is_dir() and not source.is_symlink():
        target.mkdir(parents=True, exist_ok=True)
        for each in sorted(source.iterdir()):
            _put(each, target / each.name)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name[:200]}.{os.urandom(4).hex()}.part")
    if isinstance(source, bytes):
        part.touch(0o600)
        part.write_bytes(source)
    else:
        shutil.copy2(source, part, follow_symlinks=False)
    part.replace(target)


def _piece(path: Path, offset: int) -> bytes:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        file.seek(offset)
        return file.read(PIECE_BYTES)
    return b""
