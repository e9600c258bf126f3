"""The command line: a root command whose every subcommand is a plugin's, and what scripts say about their functions."""

from __future__ import annotations

from nrun.cli.entrypoint import RunContext, entrypoint, factory, group, main

__all__ = ["RunContext", "entrypoint", "factory", "group", "main"]
