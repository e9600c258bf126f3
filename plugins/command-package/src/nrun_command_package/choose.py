"""Which packagers a preview is asked of: one that is named, those of a script, or the one for a repository."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from nrun import Packager, UsageError, build
from nrun.cli.load import load_experiments
from nrun.launching import session
from nrun.provided import provided

if TYPE_CHECKING:
    from pathlib import Path

    import click

    from nrun.plugins import Hooks

DEFAULT = "git"


def chosen(named: str | None, script: str | None, source: Path, hooks: Hooks) -> list[Packager]:
    """The packager `named`, those of the jobs that `script` builds, or without both the one for the working tree.

    Raises UsageError for what names none, and what the script raises.
    """
    if script is not None:
        return _packagers_of(script)
    if named is None and not _in_repository(source):
        msg = f"{source} is in no git repository, so it must be said what would travel"
        raise UsageError(
            msg, hint="""--packager 'pattern(include_pattern="src")' names a packager, --for train.py has a script's"""
        )
    return [_read(named or DEFAULT, hooks)]


def complete_packager(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The packagers that are installed."""
    del param
    from nrun.cli.root import hooks_of

    return [one.spec.name for one in hooks_of(ctx).packagers if one.spec.name.startswith(incomplete)]


def _read(text: str, hooks: Hooks) -> Packager:
    """A packager as it is written after `executor.packager=`. Raises UsageError."""
    if text.isidentifier():
        hooks.packagers.get(text)  # says what to install
    packager: Packager = build(provided("cli.parse_config", hooks)(_same, f"packager={text}"))
    if not packager.ships:
        raise UsageError(f"{text} ships no code")
    return packager


def _same(packager: Packager) -> Packager:
    return packager


def _packagers_of(script: str) -> list[Packager]:
    with session(plan_only=True) as collected, contextlib.redirect_stdout(sys.stderr):
        load_experiments(script, (), collected)
        plans = [exp.plan(sequential=id(exp) in collected.sequential) for exp in collected.experiments]
    found: list[Packager] = []
    for executor in (executor for plan in plans for executor in plan.executors()):
        if executor.packager.ships and executor.packager not in found:
            found.append(executor.packager)
    if not found:
        msg = f"the jobs of {script} ship no code"
        raise UsageError(msg, hint="they run in the folder they are launched from; executors have a `packager`")
    return found


def _in_repository(source: Path) -> bool:
    return "GIT_DIR" in os.environ or any((folder / ".git").exists() for folder in (source, *source.parents))
