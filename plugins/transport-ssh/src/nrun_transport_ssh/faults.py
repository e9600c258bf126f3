"""The errors of connections: what is wrong, and what to do about it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from nrun import TransportError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun_transport_ssh.tunnel import SSHTunnel


def unknown_host(host: str) -> TransportError:
    """Nobody knows the name."""
    return TransportError(
        f"there is no host {host!r}: its name has no address",
        fault="unknown host",
        hint="check the name, your network or VPN, and `Host` and `HostName` in ~/.ssh/config",
    )


def refused(host: str, why: object) -> TransportError:
    """Nothing listens."""
    return TransportError(
        f"{host} refused the connection: {why}",
        fault="refused",
        hint="check the port; the SSH server there may be down, or behind a VPN or a jump host",
    )


def silent(host: str, why: object) -> TransportError:
    """No answer."""
    return TransportError(
        f"{host} did not answer: {why}", fault="timeout", hint="check your network or VPN, and whether the host is up"
    )


class Lost(TransportError):  # noqa: N818 - reads as what it says
    """The connection broke. `group` and `token` tell what may still run there: its process group, if that is known."""

    def __init__(self, host: str, doing: str, token: str = "", group: int | None = None) -> None:
        super().__init__(
            f"the connection to {host} broke while {doing}",
            fault="lost",
            hint="whether it was done there is not known: look before it is done again",
        )
        self.token = token
        self.group = group


def not_let_in(tunnel: SSHTunnel, why: str, *, asks: bool) -> TransportError:
    """Authentication failed. `asks`: whether somebody could have been asked."""
    terminal = "" if asks else "; passwords and codes are only asked for at a terminal"
    key = f"is {tunnel.identity} the right key" if tunnel.identity else "is your key there (`ssh-add -l`)"
    return TransportError(
        f"{tunnel.host} does not let you in: {why}",
        fault="authentication",
        hint=f"{key}, and is the user name right? Try `{_ssh(tunnel)} true`{terminal}",
    )


def unknown_key(tunnel: SSHTunnel, name: str, key: tuple[str, str], scan: tuple[str, int] | None) -> TransportError:
    """The host's key, given as type and fingerprint, is not among the known ones.

    `scan` is the address and port at which it is listed; None for a host with a name of its own for that.
    """
    kind, fingerprint = key
    hint = f"if your site tells the same fingerprint, accept it: `{_ssh(tunnel)} true`"
    if scan is not None:
        address, port = scan
        hint += f", or `ssh-keyscan -p {port} -t {_short(kind)} {shlex.quote(address)} >> ~/.ssh/known_hosts`"
    return TransportError(f"the key of {name} is not known: {kind} {fingerprint}", fault="host key", hint=hint)


def changed_key(name: str, key: tuple[str, str], files: Sequence[str]) -> TransportError:
    """The host has another key than before; `name` is what it is listed under in `files`."""
    kind, fingerprint = key
    default = str(Path("~/.ssh/known_hosts").expanduser())
    where = f" -f {shlex.quote(files[0])}" if files and files[0] != default else ""
    return TransportError(
        f"the key of {name} has changed: it is now {kind} {fingerprint}",
        fault="host key",
        hint="somebody may be listening in. If your site tells the same fingerprint, forget the old key: "
        f"`ssh-keygen -R {shlex.quote(name)}{where}`, then accept the new one",
    )


def _short(kind: str) -> str:
    return "ecdsa" if kind.startswith("ecdsa") else kind.removeprefix("ssh-")


def _ssh(tunnel: SSHTunnel) -> str:
    words = ["ssh"]
    words += ["-F", tunnel.config] if tunnel.config else []
    words += ["-p", str(tunnel.port)] if tunnel.port else []
    words += ["-i", tunnel.identity] if tunnel.identity else []
    return shlex.join([*words, f"{tunnel.user}@{tunnel.host}" if tunnel.user else tunnel.host])
