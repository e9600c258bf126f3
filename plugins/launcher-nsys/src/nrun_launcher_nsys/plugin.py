"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import LauncherSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nrun import Launcher


@hookimpl
def nrun_launchers() -> Iterable[LauncherSpec]:
    """The profiler `nsys`, around whatever else starts a job."""
    yield LauncherSpec(name="nsys", summary="Profile with Nsight Systems", class_name="Nsys", launcher=_load)


def _load() -> type[Launcher]:
    from nrun_launcher_nsys.launcher import Nsys

    return Nsys
