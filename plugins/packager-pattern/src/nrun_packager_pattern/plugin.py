"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import PackagerSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nrun import Packager


@hookimpl
def nrun_packagers() -> Iterable[PackagerSpec]:
    """`PatternPackager`."""
    yield PackagerSpec(
        name="pattern", summary="The files that patterns name", class_name="PatternPackager", packager=_packager
    )


def _packager() -> type[Packager]:
    from nrun_packager_pattern.packager import PatternPackager

    return PatternPackager
