"""How hosts are reached: a tunnel is data, its transport acts. Plugins bring them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

import attrs

from nrun.arguments import Extensible
from nrun.data import Data
from nrun.declare import Spec

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Collection, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from nrun.errors import TransportError
    from nrun.packaging.send import Line


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TransportSpec(Spec):
    """How hosts can be reached. `run.<class_name>` gives the class of its tunnels, which need no more than a host."""

    class_name: str
    tunnel: Callable[[], type[Tunnel]]


@attrs.frozen(eq=False, repr=False)
class HostCommand(Data):
    """A program with exactly these arguments and this input; no shell reads them."""

    argv: Sequence[str]
    stdin: bytes | AsyncIterable[bytes] = b""
    repeatable: bool = attrs.field(default=False, kw_only=True)
    """Whether it may run again when nobody knows if it ran: the connection broke before it answered."""


@attrs.frozen(eq=False, repr=False)
class Completed(Data):
    """How a command ended: as shells tell it, 128 and the number of the signal that killed it."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class Transport(contextlib.AbstractAsyncContextManager["Transport"], Protocol):
    """Acts on one host for all who reach it by the same tunnel, as a context manager.

    Promises: 1. Paths are absolute, or begin with `~/`. 2. A command starts at most once, unless it is `repeatable`.
    3. When a connection breaks another is made, and what was sent, fetched or followed goes on where it was. 4. A call
    that takes longer than `timeout_s`, or cannot be done, raises TransportError; a cancelled one leaves the transport
    usable; a command that is given up is killed there with its process group. 5. Opening connects, or raises
    TransportError; closing leaks nothing.
    """

    async def run(self, commands: Sequence[HostCommand], *, timeout_s: float) -> Sequence[Completed | TransportError]:
        """Run commands side by side; each is answered, by what went wrong if it could not be carried out."""
        ...

    def talk(self, argv: Sequence[str], *, timeout_s: float) -> AbstractAsyncContextManager[Line]:
        """A program that is talked to over what it reads and writes, until its input ends with this."""
        ...

    async def send(self, files: Mapping[str, bytes | Path], folder: str, *, timeout_s: float) -> None:
        """Write files, or trees of them, under their names in `folder`, with the modes they have here.

        Each file is there whole or not at all, and a new folder only with all of them.
        """
        ...

    async def fetch(self, names: Collection[str], folder: str, dest: Path, *, timeout_s: float) -> None:
        """Bring files, or trees of them, from `folder` to `dest` by their names; what does not exist is left out."""
        ...

    def follow(
        self, path: str, *, offset: int = 0, wait: bool = True, timeout_s: float = 60
    ) -> AsyncGenerator[bytes, None]:
        """What is in a file from `offset` on, and what is added while one can `wait`. One that is missing is empty.

        `timeout_s` is for reaching the host; waiting has no end but `aclose`.
        """
        ...

    def forward(self, host: str, port: int) -> AbstractAsyncContextManager[tuple[str, int]]:
        """An address here whose connections go to `host` and `port` as the other side names them."""
        ...


@attrs.frozen(kw_only=True)
class Tunnel(Extensible):
    """How a host is reached. Tunnels that differ in nothing but `job_dir` share one connection."""

    host: str
    job_dir: str
    """The folder there in which nrun works."""

    def transport(self) -> Transport:
        """What acts, not yet connected. Every tunnel overrides it."""
        raise TypeError(f"{type(self).__name__} does not say what reaches its host; override transport()")

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[Transport]:
        """The transport for this tunnel and event loop: opened for the first who asks, closed after the last."""
        import asyncio  # descriptions of jobs have tunnels too, and connect to nothing

        opened = _shared.setdefault(asyncio.get_running_loop(), {})
        key = self.clone(job_dir="")
        shared = opened.setdefault(key, _Shared(asyncio.Lock()))
        shared.users += 1
        try:
            async with shared.lock:
                if shared.transport is None:
                    shared.transport = await self.transport().__aenter__()
            yield shared.transport
        finally:
            shared.users -= 1
            if not shared.users:
                del opened[key]
                if shared.transport is not None:
                    await shared.transport.__aexit__(None, None, None)


@attrs.define(eq=False, repr=False)
class _Shared:
    lock: asyncio.Lock
    users: int = 0
    transport: Transport | None = None


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Tunnel, _Shared]] = WeakKeyDictionary()
"""What is open. A process has one connection to a host, however many experiments use it."""
