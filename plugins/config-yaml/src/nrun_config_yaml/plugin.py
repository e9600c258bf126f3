"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import FormatSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nrun import Format


@hookimpl
def nrun_formats() -> Iterable[FormatSpec]:
    """YAML."""
    yield FormatSpec(name="yaml", summary="YAML files", suffixes=(".yaml", ".yml"), format=_format, shares=True)


def _format() -> type[Format]:
    from nrun_config_yaml.format import YamlFormat

    return YamlFormat
