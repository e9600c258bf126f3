"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import CommandSpec, NameSpec, ViewSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click

    from nrun import View
    from nrun_config_view.explain import Explanation


@hookimpl
def nrun_commands() -> Iterable[CommandSpec]:
    """`nrun config`."""
    yield CommandSpec(name="config", summary="Show, compare, explain and check configurations", command=_config)


@hookimpl
def nrun_names() -> Iterable[NameSpec]:
    """`run.explain`."""
    yield NameSpec(name="explain", summary="Why an argument has the value it has", load=_explain)


@hookimpl
def nrun_views() -> Iterable[ViewSpec]:
    """`cfg.diff`, `cfg.visualize`, `cfg.save_config_img`."""
    yield ViewSpec(name="view", summary="Differences as text, pictures as SVG", view=_view)


def _config() -> click.Command:
    from nrun_config_view.command import config

    return config


def _view() -> type[View]:
    from nrun_config_view.view import ConfigView

    return ConfigView


def _explain() -> Callable[..., Explanation]:
    from nrun_config_view.explain import explain

    return explain
