"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import LanguageSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nrun import Language


@hookimpl
def nrun_languages() -> Iterable[LanguageSpec]:
    """Typed overrides."""
    yield LanguageSpec(
        name="overrides", summary="model.layers+=2 optimizer=adam(lr=3e-4) run.executor=local", language=_overrides
    )


def _overrides() -> type[Language]:
    from nrun_language_overrides.language import Overrides

    return Overrides
