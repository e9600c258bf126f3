"""The user's own `ssh`: one connection for this process, others, and the user's shell (ControlMaster)."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from nrun import TransportError
from nrun_transport_ssh import faults, prompts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nrun.errors import Fault
    from nrun_transport_ssh.tunnel import SSHTunnel

PERSIST_S = 600
"""How long the connection is kept when nobody uses it."""
LOGIN_S = 130
CHECK_S = 5
OWN_FAULT = 255
"""How `ssh` ends when it failed itself."""
_PIPE = asyncio.subprocess.PIPE
_NULL = asyncio.subprocess.DEVNULL

_SAYS: dict[str, Fault] = {
    "could not resolve hostname": "unknown host",
    "connection refused": "refused",
    "host key verification failed": "host key",
    "host identification has changed": "host key",
    "permission denied": "authentication",
    "too many authentication failures": "authentication",
    "timed out": "timeout",
    "no route to host": "timeout",
    "network is unreachable": "timeout",
}


class OpenSSHLink:
    """Every session is an `ssh` process that goes through the shared connection. `Link` says what its methods do."""

    def __init__(self, tunnel: SSHTunnel) -> None:
        self._tunnel = tunnel
        self._words: list[str] | None = None
        self._works = False

    def connected(self) -> bool:
        """Whether the last session could use it."""
        return self._works

    async def connect(self) -> None:
        """Have a master, by joining the one that runs or logging in; `ssh` asks at the terminal by itself."""
        words = self._words = self._words or await self.words()
        batch = () if prompts.possible() else ("-oBatchMode=yes",)
        shared = ("-oControlMaster=auto", f"-oControlPersist={PERSIST_S}", *batch)
        code, told = await _ended([*words, *shared, self._tunnel.host, "exit"], LOGIN_S)
        if code:
            raise self._fault(told)
        self._works = True

    async def words(self) -> list[str]:
        """The words that every call begins with; the socket of the user's own configuration is used if it has one."""
        tunnel = self._tunnel
        words = ["ssh", "-oServerAliveInterval=10", "-oServerAliveCountMax=3", "-oConnectTimeout=10", "-T"]
        words += ["-F", str(Path(tunnel.config).expanduser())] if tunnel.config else []
        words += ["-p", str(tunnel.port)] if tunnel.port else []
        words += ["-l", tunnel.user] if tunnel.user else []
        words += ["-i", str(Path(tunnel.identity).expanduser()), "-oIdentitiesOnly=yes"] if tunnel.identity else []
        code, told = await _ended([*words, "-G", tunnel.host], LOGIN_S)
        if code:
            raise TransportError(f"ssh cannot be used: {told.strip()}", fault="failed", hint="is OpenSSH installed?")
        if any(line.lower().startswith("controlpath ") and line.split()[1] != "none" for line in told.splitlines()):
            return words
        Path("~/.ssh").expanduser().mkdir(mode=0o700, exist_ok=True)
        return [*words, "-oControlPath=~/.ssh/nrun-%C"]

    def _through(self) -> list[str]:
        """Words for a session: over the master or not at all."""
        return [*(self._words or ["ssh"]), "-oControlMaster=no", "-oBatchMode=yes", "-oProxyCommand=false"]

    async def start(self, line: str) -> OpenSSHSession | None:
        """Start a command line."""
        return OpenSSHSession(*await _begun([*self._through(), self._tunnel.host, line], _PIPE), self._still_there)

    async def _still_there(self) -> bool:
        """Whether the connection has outlived a session that `ssh` calls failed, as it does when a signal ended it."""
        code, _ = await _ended([*self._through(), "-O", "check", self._tunnel.host], CHECK_S)
        self._works = self._works and code == 0
        return self._works

    async def dial(self, host: str, port: int) -> OpenSSHPipe:
        """Connect to a port."""
        to = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return OpenSSHPipe(*await _begun([*self._through(), "-W", to, self._tunnel.host], _NULL))

    async def close(self) -> None:
        """Nothing: the connection is there for others too, and ends by itself when nobody uses it."""
        self._works = False

    def _fault(self, told: str) -> TransportError:
        host, low = self._tunnel.host, told.lower()
        fault: Fault = next((fault for text, fault in _SAYS.items() if text in low), "lost")
        last = told.strip().splitlines()[-1] if told.strip() else "ssh said nothing"
        if fault == "authentication":
            return faults.not_let_in(self._tunnel, last, asks=prompts.possible())
        if fault == "unknown host":
            return faults.unknown_host(host)
        if fault == "refused":
            return faults.refused(host, last)
        if fault == "host key":
            return TransportError(f"the key of {host} is not trusted", fault=fault, hint=" ".join(told.split()))
        return faults.silent(host, last) if fault == "timeout" else faults.Lost(host, f"logging in: {last}")


class _Process:
    """An `ssh` process with pipes, which the master holds too: they need not end when the process does."""

    def __init__(self, process: asyncio.subprocess.Process, transport: asyncio.SubprocessTransport) -> None:
        self._process = process
        self._transport = transport

    async def write(self, data: bytes) -> None:
        """Give it more input."""
        pipe = self._process.stdin
        if pipe is not None:
            pipe.write(data)
            await pipe.drain()

    async def close(self) -> None:
        """End it."""
        self._transport.close()
        await self._process.wait()


class OpenSSHSession(_Process):
    """An `ssh` process that runs a command."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        transport: asyncio.SubprocessTransport,
        still_there: Callable[[], Awaitable[bool]],
    ) -> None:
        super().__init__(process, transport)
        self._still_there = still_there

    def end(self) -> None:
        """Give it the end of its input."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def read_out(self, most: int) -> bytes:
        """The next of its output."""
        return await self._process.stdout.read(most) if self._process.stdout else b""

    async def read_err(self, most: int) -> bytes:
        """The next of its error output."""
        return await self._process.stderr.read(most) if self._process.stderr else b""

    async def ended(self) -> int | None:
        """How it ended."""
        code = await self._process.wait()
        if code != OWN_FAULT:
            return code if code >= 0 else None
        return code if await self._still_there() else None


class OpenSSHPipe(_Process):
    """An `ssh` process that is a connection to a port."""

    async def read(self, most: int) -> bytes:
        """The next bytes from there."""
        return await self._process.stdout.read(most) if self._process.stdout else b""

    async def write(self, data: bytes) -> None:
        """Send bytes, or the end of them."""
        with contextlib.suppress(OSError):
            if data:
                await super().write(data)
            elif self._process.stdin is not None:
                self._process.stdin.close()


async def _begun(words: list[str], stderr: int) -> tuple[asyncio.subprocess.Process, asyncio.SubprocessTransport]:
    """A process that no signal of the terminal reaches, with what closes its pipes."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.subprocess_exec(
        lambda: asyncio.subprocess.SubprocessStreamProtocol(1 << 18, loop),
        *words,
        stdin=_PIPE,
        stdout=_PIPE,
        stderr=stderr,
        start_new_session=True,
    )
    return asyncio.subprocess.Process(transport, protocol, loop), transport


async def _ended(words: list[str], timeout_s: float) -> tuple[int, str]:
    """How a command of this machine ended, and all it said."""
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=_NULL, stdout=_PIPE, stderr=asyncio.subprocess.STDOUT
        )
    except OSError as error:
        return 127, str(error)
    try:
        async with asyncio.timeout(timeout_s):
            told, _ = await process.communicate()
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        if isinstance(error, TimeoutError):
            return OWN_FAULT, "timed out"
        raise
    return await process.wait(), told.decode(errors="replace")
