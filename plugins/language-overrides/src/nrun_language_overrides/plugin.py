"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import CommandSpec, LanguageSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click

    from nrun import Language


@hookimpl
def nrun_languages() -> Iterable[LanguageSpec]:
    """Typed overrides."""
    yield LanguageSpec(
        name="overrides", summary="model.layers+=2 optimizer=adam(lr=3e-4) run.executor=local", language=_overrides
    )


@hookimpl
def nrun_commands() -> Iterable[CommandSpec]:
    """`nrun completion`."""
    yield CommandSpec(name="completion", summary="Let a shell complete what is typed", command=_completion)


def _overrides() -> type[Language]:
    from nrun_language_overrides.language import Overrides

    return Overrides


def _completion() -> click.Command:
    from nrun_language_overrides.completion.command import completion

    return completion
