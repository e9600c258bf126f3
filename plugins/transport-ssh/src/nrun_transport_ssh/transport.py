"""Commands over sessions of a link: exact, at most once, killed when given up, and again after a broken connection."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING

from nrun import Completed, HostCommand, Transport, TransportError
from nrun_transport_ssh import faults
from nrun_transport_ssh.files import fetch, follow, send
from nrun_transport_ssh.forwarding import forward
from nrun_transport_ssh.line import Line, Marked
from nrun_transport_ssh.link import feed, stopped

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path
    from typing import Self

    from nrun_transport_ssh.link import Link, Pipe, Session
    from nrun_transport_ssh.tunnel import SSHTunnel

SESSIONS = 8
"""How many commands run at once over one connection. OpenSSH allows ten by default; two stay for stopping."""
KILL_S = 10
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
SETTLED = frozenset({"host key", "authentication"})
"""Troubles that another attempt does not mend."""

KILL = """
read -r group token || exit
if [ "$group" = - ]; then  # it was stopped before it could tell
  group=$(printf '%s\\n' "$token" | grep -lFf - /proc/[0-9]*/cmdline 2>/dev/null | head -n 1)
  group=${group#/proc/}; group=${group%/cmdline}
  [ -n "$group" ] || exit 0
elif [ -e "/proc/$group" ]; then  # unless somebody else has this number by now
  printf '%s\\n' "$token" | grep -qFf - "/proc/$group/cmdline" || exit 0
fi
kill -s TERM -- "-$group" 2>/dev/null || exit 0
for _ in 1 2 3 4 5 6 7 8 9 10; do
  kill -s 0 -- "-$group" 2>/dev/null || exit 0
  sleep 0.1
done
kill -s KILL -- "-$group" 2>/dev/null
exit 0
"""


class Running:
    """One command in its session."""

    def __init__(self, line: Line, session: Session) -> None:
        self.token = line.token
        self.session = session
        self.out = Marked(line.token, session.read_out)
        self.err = Marked(line.token, session.read_err)

    @property
    def group(self) -> int | None:
        """Its process group there, once that is known."""
        return self.out.pid or self.err.pid

    @property
    def over(self) -> bool:
        """Whether it is known to have ended."""
        return self.out.code is not None or self.err.code is not None


class Talk:
    """What a program there reads and writes, line by line."""

    def __init__(self, host: str, running: Running) -> None:
        self._host = host
        self._running = running
        self._pieces = running.out.pieces()
        self._held = b""

    async def write(self, data: bytes) -> None:
        """Send bytes. Raises Lost if it, or the connection, has ended."""
        try:
            await self._running.session.write(data)
        except OSError as error:
            raise faults.Lost(self._host, "a program there was talked to") from error

    async def readline(self) -> bytes:
        """The next line, with its end; what there is if it, or the connection, has ended."""
        parts = [self._held]
        while b"\n" not in parts[-1]:
            piece = await anext(self._pieces, b"")
            if not piece:
                break
            parts.append(piece)
        line, end, self._held = b"".join(parts).partition(b"\n")
        return line + end


class SSHTransport(contextlib.AbstractAsyncContextManager["Transport"]):
    """Acts on a host over SSH. `nrun.Transport` says what its methods promise."""

    def __init__(self, tunnel: SSHTunnel, link: Link) -> None:
        self.host = tunnel.host
        self._pre_command = tunnel.pre_command
        self._link = link
        self._room = asyncio.Semaphore(SESSIONS)
        self._reaching = asyncio.Lock()
        self._trouble: TransportError | None = None

    async def __aenter__(self) -> Self:
        """Connect."""
        await self._link.connect()
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Disconnect."""
        await self._link.close()

    # ---- commands

    async def run(self, commands: Sequence[HostCommand], *, timeout_s: float) -> Sequence[Completed | TransportError]:
        """As many at once as the host takes."""
        return await asyncio.gather(*(self._answer(command, timeout_s) for command in commands))

    async def _answer(self, command: HostCommand, timeout_s: float) -> Completed | TransportError:
        try:
            async with self.deadline(command.argv[0], timeout_s):
                return await self.completed(command)
        except TransportError as error:
            return error

    async def completed(self, command: HostCommand) -> Completed:
        """How a command ended. Raises TransportError."""
        while True:
            try:
                async with self.session(command.argv) as running:
                    feeding = asyncio.ensure_future(feed(running.session, command.stdin))
                    try:
                        out, err = await asyncio.gather(running.out.all(), running.err.all())
                    finally:
                        await stopped(feeding)
                    return Completed(await self.code(running, command.argv[0]), out, err)
            except faults.Lost as error:
                if not command.repeatable or not isinstance(command.stdin, bytes):
                    raise
                await self.kill(error.token, error.group)

    async def code(self, running: Running, name: str) -> int:
        """How a command ended whose output was read to its end. Raises TransportError if that is not known."""
        code = running.out.code if running.out.code is not None else running.err.code
        if code is not None:
            return code
        ended = await running.session.ended()
        if ended is None:
            raise faults.Lost(self.host, f"{name} ran", running.token, running.group)
        if running.group is None:
            noise = (running.out.noise + running.err.noise).decode(errors="replace").strip()[-500:]
            raise TransportError(
                f"{name} was not started on {self.host}: the shell there ended with {ended}: {noise}",
                fault="failed",
                hint="look at the start-up files of your shell there, and at pre_command",
            )
        return ended  # it killed its own shell

    @contextlib.asynccontextmanager
    async def session(self, argv: Sequence[str]) -> AsyncIterator[Running]:
        """A command that has been started; killed if this is left by an error before it has ended.

        Where the connection breaks it is left alone, for it may do what it was to do. Raises Lost.
        """
        line = Line(argv, self._pre_command)
        async with self._room:
            try:
                running = Running(line, await self._started(line.text))
            except faults.Lost as error:
                error.token = line.token
                raise
            try:
                yield running
            except faults.Lost:
                raise
            except BaseException:
                if not running.over:
                    await self._give_up(running)
                raise
            finally:
                await running.session.close()

    async def _started(self, line: str) -> Session:
        pause = FIRST_PAUSE_S
        while True:
            await self._reach()
            session = await self._link.start(line)
            if session is not None:
                return session
            await asyncio.sleep(random.uniform(0.5, 1) * pause)  # noqa: S311 - only so that not all come at once
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _give_up(self, running: Running) -> None:
        """Kill a command that nobody waits for any more."""
        await running.session.close()
        if self._link.connected():
            with contextlib.suppress(TransportError, TimeoutError):
                async with asyncio.timeout(KILL_S):
                    await self.kill(running.token, running.group)

    async def kill(self, token: str, group: int | None) -> None:
        """Kill what a command has left in its process group; nothing if that has ended."""
        line = Line(("sh", "-c", KILL, "sh"))
        session = await self._started(line.text)
        try:
            out = Marked(line.token, session.read_out)
            await feed(session, f"{group or '-'} {token}\n".encode())
            await out.all()
        finally:
            await session.close()

    async def _reach(self) -> None:
        """Have a connection, trying again and again with growing pauses. Raises TransportError where that is no use."""
        pause = FIRST_PAUSE_S
        async with self._reaching:
            while not self._link.connected():
                try:
                    await self._link.connect()
                except TransportError as error:
                    if error.fault in SETTLED:
                        raise
                    self._trouble = error
                    await asyncio.sleep(random.uniform(0.5, 1) * pause)  # noqa: S311 - as above
                    pause = min(2 * pause, LONGEST_PAUSE_S)
            self._trouble = None

    @contextlib.asynccontextmanager
    async def deadline(self, doing: str, timeout_s: float) -> AsyncIterator[None]:
        """Within a limit of time. Raises TransportError that says what was waited for."""
        try:
            async with asyncio.timeout(timeout_s):
                yield
        except TimeoutError as error:
            if (trouble := self._trouble) is not None:
                msg = f"{doing}: for {timeout_s:g} s there was no connection: {trouble.message}"
                raise TransportError(msg, fault=trouble.fault, hint=trouble.hint) from error
            msg = f"{doing} on {self.host} took longer than {timeout_s:g} s"
            raise TransportError(msg, fault="timeout", hint="give it more time, or look at the load there") from error
        except OSError as error:
            raise TransportError(f"{doing} failed here: {error}", fault="failed") from error

    @contextlib.asynccontextmanager
    async def talk(self, argv: Sequence[str], *, timeout_s: float) -> AsyncIterator[Talk]:
        """In one session, which a broken connection ends."""
        async with self.deadline(argv[0], timeout_s), self.session(argv) as running:
            complaint = asyncio.ensure_future(running.err.all())
            try:
                yield Talk(self.host, running)
            finally:
                await stopped(complaint)

    # ---- files and ports

    async def send(self, files: Mapping[str, bytes | Path], folder: str, *, timeout_s: float) -> None:
        """In one stream."""
        async with self.deadline(f"sending to {folder}", timeout_s):
            await send(self, files, folder)

    async def fetch(self, names: Collection[str], folder: str, dest: Path, *, timeout_s: float) -> None:
        """In one stream."""
        async with self.deadline(f"fetching from {folder}", timeout_s):
            await fetch(self, names, folder, dest)

    def follow(
        self, path: str, *, offset: int = 0, wait: bool = True, timeout_s: float = 60
    ) -> AsyncGenerator[bytes, None]:
        """By asking for what is new, so that any number of files can be followed over one connection."""
        return follow(self, path, offset, wait=wait, timeout_s=timeout_s)

    def forward(self, host: str, port: int) -> AbstractAsyncContextManager[tuple[str, int]]:
        """A port of this machine's loopback; each connection is a channel."""
        return forward(self._dial, host, port)

    async def _dial(self, host: str, port: int) -> Pipe:
        await self._reach()
        return await self._link.dial(host, port)
