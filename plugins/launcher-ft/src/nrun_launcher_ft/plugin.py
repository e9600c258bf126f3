"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import LauncherSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nrun import Launcher


@hookimpl
def nrun_launchers() -> Iterable[LauncherSpec]:
    """The launcher of the package nvidia-resiliency-ext."""
    yield LauncherSpec(
        name="ft",
        summary="Start under torchrun's kin that ends what hangs",
        class_name="FaultTolerance",
        launcher=_load,
    )


def _load() -> type[Launcher]:
    from nrun_launcher_ft.launcher import FaultTolerance

    return FaultTolerance
