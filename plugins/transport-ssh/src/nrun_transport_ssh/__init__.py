"""Reaches hosts over SSH."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nrun_transport_ssh.tunnel import SSHTunnel

__all__ = ["SSHTunnel"]


def __getattr__(name: str) -> object:
    if name == "SSHTunnel":
        from nrun_transport_ssh.tunnel import SSHTunnel

        return SSHTunnel
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
