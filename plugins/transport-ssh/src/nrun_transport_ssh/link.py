"""What carries sessions to a host: nrun's own connection, or the `ssh` program."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterable


async def stopped(*tasks: asyncio.Future[Any]) -> None:
    """Stop what still reads from or writes to a session."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Session(Protocol):
    """One command line that runs there. Reading gives nothing more when it, or the connection, has ended."""

    async def write(self, data: bytes) -> None:
        """Give it more input. Raises OSError or TransportError if it, or the connection, has ended."""
        ...

    def end(self) -> None:
        """Give it the end of its input."""
        ...

    async def read_out(self, most: int) -> bytes:
        """The next of its output."""
        ...

    async def read_err(self, most: int) -> bytes:
        """The next of its error output."""
        ...

    async def ended(self) -> int | None:
        """How it ended, as shells tell it; None if the connection broke."""
        ...

    async def close(self) -> None:
        """Have nothing more to do with it. What runs there is not told."""
        ...


async def feed(session: Session, data: bytes | AsyncIterable[bytes]) -> None:
    """Give a session all of its input, and the end of it. That nobody reads it is no error."""
    with contextlib.suppress(OSError):
        if isinstance(data, bytes):
            await session.write(data)
        else:
            async for piece in data:
                await session.write(piece)
        session.end()


class Pipe(Protocol):
    """Two directions of bytes to a port."""

    async def read(self, most: int) -> bytes:
        """The next bytes from there; none at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Send bytes; none ends this direction."""
        ...

    async def close(self) -> None:
        """Close both directions."""
        ...


class Link(Protocol):
    """A connection that may break and be made again. Errors are TransportErrors."""

    def connected(self) -> bool:
        """Whether it is believed to work."""
        ...

    async def connect(self) -> None:
        """Make it, by one attempt."""
        ...

    async def start(self, line: str) -> Session | None:
        """Start a command line; None if the host takes no more sessions now, or the connection had broken before."""
        ...

    async def dial(self, host: str, port: int) -> Pipe:
        """Connect to a port as the host names it."""
        ...

    async def close(self) -> None:
        """Close what belongs to this process."""
        ...
