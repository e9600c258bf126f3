"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import CommandSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click


@hookimpl
def nrun_commands() -> Iterable[CommandSpec]:
    """`nrun config`."""
    yield CommandSpec(name="config", summary="Show, compare, explain and check configurations", command=_config)


def _config() -> click.Command:
    from nrun_config_view.command import config

    return config
