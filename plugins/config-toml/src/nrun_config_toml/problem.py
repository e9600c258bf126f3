"""Errors that point into a text, or at a value that cannot be written."""

from __future__ import annotations

from typing import TypeAlias

from nrun.errors import ConfigError

Path: TypeAlias = "tuple[str | int, ...]"
Place: TypeAlias = "tuple[int, int]"

_BEFORE, _SHOWN = 60, 100


def problem(text: str, place: Place, message: str, *, hint: str | None = None) -> ConfigError:
    """The error for a line and column of `text`, both from 1, with that line and a caret under the column."""
    line, column = place
    whole = text.split("\n")[line - 1]
    start = max(0, column - 1 - _BEFORE)
    shown = "".join(char if char.isprintable() else " " for char in whole[start : start + _SHOWN])
    caret = " " * (column - 1 - start) + "^"
    return ConfigError(f"line {line}, column {column}: {message}\n  {shown}\n  {caret}", hint=hint)


def unwritable(path: Path, what: str, hint: str | None = None) -> ConfigError:
    """The error for a value that TOML cannot hold."""
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    return ConfigError(f"{where or 'the document'}: {what}", hint=hint)
