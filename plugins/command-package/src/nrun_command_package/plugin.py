"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import CommandSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click


@hookimpl
def nrun_commands() -> Iterable[CommandSpec]:
    """`nrun package …`."""
    yield CommandSpec(name="package", summary="Show what code would travel, and restore what did", command=_package)


def _package() -> click.Command:
    from nrun_command_package.group import package

    return package
