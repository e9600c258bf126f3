"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import LauncherSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nrun import Launcher


@hookimpl
def nrun_launchers() -> Iterable[LauncherSpec]:
    """PyTorch's own launcher."""
    yield LauncherSpec(
        name="torchrun",
        summary="Start processes that find each other, by PyTorch",
        class_name="Torchrun",
        launcher=_load,
    )


def _load() -> type[Launcher]:
    from nrun_launcher_torchrun.launcher import Torchrun

    return Torchrun
