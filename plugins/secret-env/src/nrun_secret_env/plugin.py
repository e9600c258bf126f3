"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import SecretSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@hookimpl
def nrun_secrets() -> Iterable[SecretSpec]:
    """`env:NAME`: a variable of the environment."""
    yield SecretSpec(
        name="env", summary="A variable of the environment of whoever submits: env:NAME", resolver=_resolver
    )


def _resolver() -> Callable[[str], str]:
    from nrun_secret_env.resolver import resolve

    return resolve
