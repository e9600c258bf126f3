"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import PackagerSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nrun import Packager


@hookimpl
def nrun_packagers() -> Iterable[PackagerSpec]:
    """`HybridPackager`."""
    yield PackagerSpec(
        name="hybrid",
        summary="What several packagers select, in folders or together",
        class_name="HybridPackager",
        packager=_packager,
    )


def _packager() -> type[Packager]:
    from nrun_packager_hybrid.packager import HybridPackager

    return HybridPackager
