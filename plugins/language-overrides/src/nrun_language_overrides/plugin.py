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
    "cli.parse_partial": "The task of a function with items taken into it",
    "cli.parse_config": "As parse_partial, for what is to be built",
    "cli.parse_cli_args": "As one of these, by type",
    "cli.resolve_factory": "The factory of a name for arguments of a type",
    "cli.list_factories": "The factories for arguments of a type",
    "grid": "Every combination of values for arguments, each made when it is asked for",
    "Sweep": "Several values for one argument, of which a run uses one",
    "reference": "The value of another argument, as `${model.layers}` is when it is typed",
    "sample": "Points drawn at random from values for arguments, each made when it is asked for",
}


@hookimpl
def nrun_languages() -> Iterable[LanguageSpec]:
    """Typed overrides."""
    yield LanguageSpec(
        name="overrides", summary="model.layers+=2 optimizer=adam(lr=3e-4) run.executor=local", language=_overrides
    )


@hookimpl
def nrun_names() -> Iterable[NameSpec]:
    """What is typed, for Python programs: functions of `nrun_language_overrides.python`, and sweeps."""
    for name, summary in _NAMES.items():
        yield NameSpec(name=name, summary=summary, load=functools.partial(_load, name))


def _load(name: str) -> object:
    if name in ("grid", "sample"):
        from nrun_language_overrides import grids

        return getattr(grids, name)
    if name in ("Sweep", "reference"):
        from nrun.config.special import Reference, Sweep

        return (lambda points: Sweep(tuple(points))) if name == "Sweep" else Reference.parse
    from nrun_language_overrides import python

    return getattr(python, name.removeprefix("cli."))


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
