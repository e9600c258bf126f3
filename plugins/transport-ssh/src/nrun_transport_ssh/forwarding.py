"""A port of loopback whose connections go to a port that the host can reach."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from nrun import TransportError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from nrun_transport_ssh.link import Pipe

PIECE_BYTES = 1 << 16
DIAL_S = 30


@contextlib.asynccontextmanager
async def forward(dial: Callable[[str, int], Awaitable[Pipe]], host: str, port: int) -> AsyncIterator[tuple[str, int]]:
    """The address; connections to it are dialled one by one, so they outlive a broken link only as new ones."""
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(DIAL_S):
                pipe = await dial(host, port)
        except (TransportError, TimeoutError):
            writer.transport.abort()  # as a port is refused through a tunnel
            return
        try:
            await asyncio.gather(_outward(reader, pipe), _inward(pipe, writer))
        finally:
            await pipe.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)
        task.add_done_callback(lambda _: writer.close())  # also if it is cancelled before it has begun

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield "127.0.0.1", server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tuple(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def _outward(reader: asyncio.StreamReader, pipe: Pipe) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE_BYTES):
            await pipe.write(piece)
    await pipe.write(b"")


async def _inward(pipe: Pipe, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await pipe.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
