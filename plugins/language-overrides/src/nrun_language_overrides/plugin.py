"""What this distribution provides, declared without importing it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from nrun import CommandSpec, LanguageSpec, NameSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click

    from nrun import Language

_NAMES = {
    "parse_partial": "The task of a function with items taken into it",
    "parse_config": "As parse_partial, for what is to be built",
    "parse_cli_args": "As one of these, by type",
    "resolve_factory": "The factory of a name for arguments of a type",
    "list_factories": "The factories for arguments of a type",
}


@hookimpl
def nrun_languages() -> Iterable[LanguageSpec]:
    """Typed overrides."""
    yield LanguageSpec(
        name="overrides", summary="model.layers+=2 optimizer=adam(lr=3e-4) run.executor=local", language=_overrides
    )


@hookimpl
def nrun_names() -> Iterable[NameSpec]:
    """What is typed, for Python programs: functions of `nrun_language_overrides.python`."""
    for name, summary in _NAMES.items():
        yield NameSpec(name=f"cli.{name}", summary=summary, load=functools.partial(_load, name))


def _load(name: str) -> object:
    from nrun_language_overrides import python

    return getattr(python, name)


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
