"""The command line: a root command whose every subcommand is a plugin's, and what scripts say about their functions."""

from __future__ import annotations

from nrun.cli.entrypoint import RunContext, entrypoint, factory, group, main
from nrun.entrypoints import Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Link", "RunContext", "entrypoint", "factory", "group", "main"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - what a plugin declares is known only when it is installed
    if name.startswith("_"):
        raise AttributeError(f"module 'nrun.cli' has no attribute {name!r}")
    from nrun.provided import provided

    return provided(f"cli.{name}")
