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

    yield ContainerSpec(name="podman", summary="Run images with Podman", class_name="PodmanContainer", container=_load)


def _load() -> type[Container]:
    from nrun_container_podman.container import PodmanContainer

    return PodmanContainer
