"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import CommandSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click


@hookimpl
def nrun_commands() -> Iterable[CommandSpec]:
    """`nrun host …`."""
    yield CommandSpec(name="host", summary="Say what works on a host, and what to do about the rest", command=_host)


def _host() -> click.Command:
    from nrun_command_host.group import host

    return host
