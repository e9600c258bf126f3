"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nrun import TransportSpec, Tunnel


@hookimpl
def nrun_transports() -> Iterable[TransportSpec]:
    """Hosts that are reached over SSH."""
    from nrun import TransportSpec  # not for jobs that stay here

    yield TransportSpec(name="ssh", summary="Over SSH, by one connection", class_name="SSHTunnel", tunnel=_tunnel)


def _tunnel() -> type[Tunnel]:
    from nrun_transport_ssh.tunnel import SSHTunnel

    return SSHTunnel
