"""Errors that point into a text."""

from __future__ import annotations

import re

from nrun.errors import ConfigError

_BREAKS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # what YAML counts as the end of a line
_BEFORE, _SHOWN = 60, 100


def problem(text: str, place: tuple[int, int], message: str, *, hint: str | None = None) -> ConfigError:
    """The error for a line and column of `text`, both from 1, with that line and a caret under the column."""
    line, column = place
    lines = _BREAKS.split(text)
    whole = lines[line - 1] if line <= len(lines) else ""
    start = max(0, column - 1 - _BEFORE)
    shown = "".join(char if char.isprintable() else " " for char in whole[start : start + _SHOWN])
    caret = " " * (column - 1 - start) + "^"
    return ConfigError(f"line {line}, column {column}: {message}\n  {shown}\n  {caret}", hint=hint)
