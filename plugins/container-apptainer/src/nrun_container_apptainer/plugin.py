"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nrun import Container, ContainerSpec


@hookimpl
def nrun_containers() -> Iterable[ContainerSpec]:
    """One runtime."""
    from nrun import ContainerSpec  # few jobs run in one

    yield ContainerSpec(
        name="apptainer", summary="Run images with Apptainer", class_name="ApptainerContainer", container=_load
    )


def _load() -> type[Container]:
    from nrun_container_apptainer.container import ApptainerContainer

    return ApptainerContainer
