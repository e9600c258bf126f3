"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import PackagerSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nrun import Packager


@hookimpl
def nrun_packagers() -> Iterable[PackagerSpec]:
    """`GitArchivePackager`."""
    yield PackagerSpec(
        name="git",
        summary="The working tree of a git repository as it is, or a commit",
        class_name="GitArchivePackager",
        packager=_packager,
    )


def _packager() -> type[Packager]:
    from nrun_packager_git.packager import GitArchivePackager

    return GitArchivePackager
