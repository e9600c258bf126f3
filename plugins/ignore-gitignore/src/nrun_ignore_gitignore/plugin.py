"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from nrun import IgnoreRule


@hookimpl(trylast=True)
def nrun_ignore_rule(root: Path) -> IgnoreRule:
    """`.nrunignore` over `.gitignore`, unless another plugin has a rule of its own."""
    from nrun_ignore_gitignore.rule import GitignoreRule

    return GitignoreRule(root)
