"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import SecretSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@hookimpl
def nrun_secrets() -> Iterable[SecretSpec]:
    """`file:PATH`: the content of a file."""
    yield SecretSpec(name="file", summary="A file that only you can read: file:PATH", resolver=_resolver)


def _resolver() -> Callable[[str], str]:
    from nrun_secret_file.resolver import resolve

    return resolve
