"""nrun's own connection, made with asyncssh."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh
import attrs

from nrun import TransportError
from nrun_transport_ssh import faults, prompts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun_transport_ssh.tunnel import SSHTunnel

CONNECT_S = 10
LOGIN_S = 120
"""How long a login may take, with somebody who looks for a code."""
KEEP_ALIVE_S = 10
KEEP_ALIVE_MISSES = 3
CLOSE_S = 3


@attrs.frozen
class Hop:
    """One host on the way: a jump host, or the last one."""

    host: str
    user: str | None
    port: int | None
    identity: str | None = None


class OwnLink:
    """One connection, and those to the jump hosts before it. `Link` says what its methods do."""

    def __init__(self, tunnel: SSHTunnel) -> None:
        self._tunnel = tunnel
        self._hops: list[asyncssh.SSHClientConnection] = []

    def connected(self) -> bool:
        """Whether no hop has broken."""
        return bool(self._hops) and not any(hop.is_closed() for hop in self._hops)

    async def connect(self) -> None:
        """Connect to each hop through the one before."""
        await self.close()
        tunnel = self._tunnel
        last = Hop(tunnel.host, tunnel.user, tunnel.port, tunnel.identity)
        try:
            for hop in (*await self._jumps(last), last):
                self._hops.append(await self._login(hop, self._hops[-1] if self._hops else None))
        except BaseException:
            await self.close()
            raise

    async def _jumps(self, last: Hop) -> list[Hop]:
        options = await self._options(last)
        return [_hop(text) for text in options.tunnel.split(",")] if isinstance(options.tunnel, str) else []

    async def _options(self, hop: Hop) -> asyncssh.SSHClientConnectionOptions:
        """What the user's configuration says of a hop."""
        given: dict[str, object] = {"host": hop.host}
        given |= {"username": hop.user} if hop.user else {}
        given |= {"port": hop.port} if hop.port else {}
        config = Path(self._tunnel.config or "~/.ssh/config").expanduser()
        if self._tunnel.config or config.is_file():  # left out, it is read when connecting only
            given["config"] = [str(config)]
        if hop.identity:
            given |= {"client_keys": [str(Path(hop.identity).expanduser())], "agent_path": None}
        if prompts.possible():
            given["passphrase"] = self._passphrase
        try:
            return await asyncio.to_thread(asyncssh.SSHClientConnectionOptions, **given)
        except asyncssh.KeyEncryptionError as error:
            raise faults.not_let_in(self._tunnel, f"the key has a passphrase: {error}", asks=False) from error
        except (asyncssh.KeyImportError, asyncssh.ConfigParseError, OSError, ValueError) as error:
            raise TransportError(
                f"{hop.host}: the configuration or a key cannot be used: {error}",
                fault="authentication",
                hint=f"look at {self._tunnel.config or '~/.ssh/config'} and the identity",
            ) from error

    def _passphrase(self, filename: str) -> str:
        return prompts.ask(filename, (), [("passphrase:", False)])[0]

    async def _login(self, hop: Hop, through: asyncssh.SSHClientConnection | None) -> asyncssh.SSHClientConnection:
        options = await self._options(hop)
        files = _known_hosts(options)
        client = _Client(hop.host)
        try:
            return await asyncssh.connect(
                hop.host,
                tunnel=through,
                options=options,
                known_hosts=files or b"",  # none at all would mean that every key is welcome
                client_factory=lambda: client,
                connect_timeout=options.connect_timeout or CONNECT_S,
                login_timeout=LOGIN_S,
                keepalive_interval=options.keepalive_interval or KEEP_ALIVE_S,
                keepalive_count_max=KEEP_ALIVE_MISSES,
            )
        except asyncssh.HostKeyNotVerifiable as error:
            raise self._about_key(client, options, files, error) from error
        except asyncssh.PermissionDenied as error:
            raise faults.not_let_in(self._tunnel, error.reason, asks=prompts.possible()) from error
        except socket.gaierror as error:
            raise faults.unknown_host(options.host or hop.host) from error
        except ConnectionRefusedError as error:
            raise faults.refused(hop.host, error) from error
        except asyncssh.ChannelOpenError as error:  # a jump host could not reach it
            raise faults.refused(hop.host, error.reason) from error
        except (TimeoutError, OSError) as error:
            raise faults.silent(hop.host, str(error) or "no answer") from error
        except asyncssh.ConnectionLost as error:
            raise faults.Lost(hop.host, "logging in") from error
        except asyncssh.Error as error:
            raise TransportError(f"{hop.host}: {error}", fault="failed", hint="the server may be too old") from error

    def _about_key(
        self,
        client: _Client,
        options: asyncssh.SSHClientConnectionOptions,
        files: Sequence[str],
        error: asyncssh.HostKeyNotVerifiable,
    ) -> TransportError:
        if client.seen is None:
            return TransportError(str(error), fault="host key", hint="ask your site for its key")
        host, address, port, key = client.seen
        told = (key.get_algorithm(), key.get_fingerprint())
        name = options.host_key_alias or host
        known = asyncssh.match_known_hosts(list(files) or b"", name, address, None if port == 22 else port)  # noqa: PLR2004 - the port of SSH
        if known[0]:
            listed = name if options.host_key_alias or port == 22 else f"[{host}]:{port}"  # noqa: PLR2004 - as above
            return faults.changed_key(listed, told, files)
        return faults.unknown_key(self._tunnel, name, told, None if options.host_key_alias else (host, port))

    async def start(self, line: str) -> OwnSession | None:
        """Start a command line."""
        if not self.connected():
            return None
        try:
            process = await self._hops[-1].create_process(line, encoding=None)
        except asyncssh.ChannelOpenError:  # it was never asked for
            return None
        except (asyncssh.Error, OSError) as error:
            raise faults.Lost(self._tunnel.host, "a command was started") from error
        return OwnSession(process)

    async def dial(self, host: str, port: int) -> OwnPipe:
        """Connect to a port."""
        try:
            return OwnPipe(*await self._hops[-1].open_connection(host, port))
        except (asyncssh.Error, OSError, IndexError) as error:
            raise faults.refused(f"{host}:{port}, seen from {self._tunnel.host},", error) from error

    async def close(self) -> None:
        """Close the connections, last hop first."""
        hops, self._hops = self._hops[::-1], []
        for hop in hops:
            hop.close()
        for hop in hops:
            with contextlib.suppress(TimeoutError, asyncssh.Error, OSError):
                async with asyncio.timeout(CLOSE_S):
                    await hop.wait_closed()


class _Client(asyncssh.SSHClient):
    """What one login needs from outside: answers, and somebody who notes the key that was not trusted."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._asked = 0
        self.seen: tuple[str, str, int, asyncssh.SSHKey] | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Called for a key that is not known; it stays untrusted."""
        self.seen = (host, addr, port, key)
        return False

    async def password_auth_requested(self) -> str | None:
        """Ask, if somebody is there."""
        answers = await self._ask((), [("password:", False)])
        return answers[0] if answers else None

    def kbdint_auth_requested(self) -> str | None:
        """Any kind of question will do, if somebody is there."""
        return "" if prompts.possible() else None

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        """Ask what the host asks."""
        del lang
        return await self._ask((name, instructions), prompts)

    async def _ask(self, texts: Sequence[str], questions: Sequence[tuple[str, bool]]) -> list[str] | None:
        self._asked += 1
        if not prompts.possible() or self._asked > prompts.MOST_QUESTIONS:
            return None
        return await asyncio.to_thread(prompts.ask, self._host, texts, questions)


class OwnSession:
    """A channel of the connection."""

    def __init__(self, process: asyncssh.SSHClientProcess[bytes]) -> None:
        self._process = process

    def end(self) -> None:
        """Give it the end of its input."""
        self._process.stdin.write_eof()

    async def write(self, data: bytes) -> None:
        """Give it more input."""
        try:
            self._process.stdin.write(data)
            await self._process.stdin.drain()
        except asyncssh.Error as error:
            raise BrokenPipeError(str(error)) from error

    async def read_out(self, most: int) -> bytes:
        """The next of its output."""
        return await _next(self._process.stdout, most)

    async def read_err(self, most: int) -> bytes:
        """The next of its error output."""
        return await _next(self._process.stderr, most)

    async def ended(self) -> int | None:
        """How it ended."""
        await self._process.wait_closed()
        code = self._process.returncode
        return code if code is None or code >= 0 else 128 - code

    async def close(self) -> None:
        """Close the channel."""
        self._process.close()


class OwnPipe:
    """A forwarded connection."""

    def __init__(self, reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, most: int) -> bytes:
        """The next bytes from there."""
        return await _next(self._reader, most)

    async def write(self, data: bytes) -> None:
        """Send bytes, or the end of them."""
        with contextlib.suppress(OSError, asyncssh.Error):
            if data:
                self._writer.write(data)
                await self._writer.drain()
            else:
                self._writer.write_eof()

    async def close(self) -> None:
        """Close the channel."""
        self._writer.close()


async def _next(reader: asyncssh.SSHReader[bytes], most: int) -> bytes:
    try:
        return await reader.read(most)
    except (OSError, asyncssh.Error):
        return b""


def _known_hosts(options: asyncssh.SSHClientConnectionOptions) -> list[str]:
    """The files with keys of hosts, those that exist. For asyncssh, no file in a configuration means no check."""
    named = options.known_hosts if isinstance(options.known_hosts, list) else []
    if not named and options.known_hosts is not None:
        named = ["~/.ssh/known_hosts"]
    return [path for path in (str(Path(str(one)).expanduser()) for one in named) if Path(path).is_file()]


def _hop(text: str) -> Hop:
    """A jump host as a configuration has it: user@host:port. Raises TransportError."""
    user, _, place = text.strip().rpartition("@")
    host, colon, port = place.rpartition(":")
    if not colon or (host and host.count(":") and not host.startswith("[")):
        host, port = place, ""
    if port and not port.isdigit():
        raise TransportError(f"ProxyJump {text!r} has no number for its port", fault="failed", hint="user@host:port")
    return Hop(host.strip("[]"), user or None, int(port) if port else None)
