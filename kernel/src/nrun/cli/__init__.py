"""The command line: a root command whose every subcommand is a plugin's."""

from __future__ import annotations
