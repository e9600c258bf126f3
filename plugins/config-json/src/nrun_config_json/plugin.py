"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import FormatSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nrun import Format


@hookimpl
def nrun_formats() -> Iterable[FormatSpec]:
    """JSON."""
    yield FormatSpec(name="json", summary="JSON files", suffixes=(".json",), format=_format)


def _format() -> type[Format]:
    from nrun_config_json.format import JsonFormat

    return JsonFormat
