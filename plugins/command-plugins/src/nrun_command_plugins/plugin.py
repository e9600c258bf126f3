"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import CommandSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click


@hookimpl
def nrun_commands() -> Iterable[CommandSpec]:
    """`nrun plugins …`."""
    yield CommandSpec(name="plugins", summary="Show what is installed and whether it is well", command=_plugins)


def _plugins() -> click.Command:
    from nrun_command_plugins.group import plugins

    return plugins
