"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import NameSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable


@hookimpl
def nrun_names() -> Iterable[NameSpec]:
    """`nrun.autoconvert` and `nrun.eager`."""
    yield NameSpec(name="autoconvert", summary="A function that describes what it makes", load=_autoconvert)
    yield NameSpec(name="eager", summary="A function that makes even where others describe", load=_eager)


def _autoconvert() -> object:
    from nrun_config_autoconvert.autoconvert import autoconvert

    return autoconvert


def _eager() -> object:
    from nrun_config_autoconvert.autoconvert import eager

    return eager
