"""`SSHTunnel`: what users write to say how a host is reached."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import attrs
from attrs.validators import in_, instance_of, optional

from nrun import Tunnel
from nrun.text import text_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from nrun import Transport


def _path(value: str | PathLike[str] | None) -> str | None:
    return None if value is None else text_of(value, "SSHTunnel: a path")


def _name(_tunnel: object, field: attrs.Attribute[str], value: object) -> None:
    """Raises ValueError for what `ssh` would take for an option, or for nothing."""
    if value is not None and (
        not isinstance(value, str) or not value or value.startswith("-") or value.split() != [value]
    ):
        msg = f"'{field.name}' must be a name without spaces, not {value!r}"
        raise ValueError(msg)


@attrs.frozen(kw_only=True)
class SSHTunnel(Tunnel):
    """Reaches a host over SSH. Whatever is not given here is as `~/.ssh/config` has it for that host.

    Keys of hosts are checked against `known_hosts`: one that is not there, or another, is an error. Passwords and
    one-time codes are asked for at a terminal, and nowhere else.
    """

    host: str = attrs.field(validator=_name)
    """A name or address, or an alias in `~/.ssh/config`."""
    user: str | None = attrs.field(default=None, validator=_name)
    port: int | None = attrs.field(default=None, validator=optional(instance_of(int)))
    identity: str | None = attrs.field(default=None, converter=_path)
    """File with the private key; it alone is tried."""
    config: str | None = attrs.field(default=None, converter=_path)
    """A file to read in place of `~/.ssh/config`."""
    pre_command: str | None = None
    """Shell text that goes before every command, such as `module load slurm`. What it prints is left out."""
    via: str = attrs.field(default="asyncssh", validator=in_(("asyncssh", "openssh")))
    """What connects. "openssh" is the `ssh` program with a connection that outlives this process and is shared with
    your own `ssh` (ControlMaster), for sites where every login asks for a code."""

    def transport(self) -> Transport:
        """A connection that is not open yet."""
        from nrun_transport_ssh.transport import SSHTransport

        if self.via == "openssh":
            from nrun_transport_ssh.openssh import OpenSSHLink

            return SSHTransport(self, OpenSSHLink(self))
        from nrun_transport_ssh.own import OwnLink

        return SSHTransport(self, OwnLink(self))

    async def at_terminal(self, argv: Sequence[str], *, terminal: bool) -> list[str]:
        """The words of this machine's `ssh` by which a person runs a program there, in a `terminal` or without one.

        They use the connection that is shared with your own `ssh`, if there is one. Raises TransportError.
        """
        from nrun_transport_ssh.openssh import OpenSSHLink

        line = f"{self.pre_command}\nexec {shlex.join(argv)}" if self.pre_command else f"exec {shlex.join(argv)}"
        return [*await OpenSSHLink(self).words(), *(("-t",) if terminal else ()), self.host, line]
