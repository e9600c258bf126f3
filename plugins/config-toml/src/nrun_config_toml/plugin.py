"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import FormatSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nrun import Format


@hookimpl
def nrun_formats() -> Iterable[FormatSpec]:
    """TOML."""
    yield FormatSpec(name="toml", summary="TOML files", suffixes=(".toml",), format=_format)


def _format() -> type[Format]:
    from nrun_config_toml.format import TomlFormat

    return TomlFormat
