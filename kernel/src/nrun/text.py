"""Text for processes and for people.

What a process can be given, arguments and environment, is checked before anything is planned.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeGuard


def text_of(value: object, what: str) -> str:
    """`value` as text that a process can be given. Raises ConfigError for anything but text or a path."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        raise ConfigError(f"{what} must be text, not {type(value).__name__}: {value!r}", hint=f"write {str(value)!r}")
    if "\0" in value:
        raise ConfigError(f"{what} contains a NUL character, which no process can be given: {value!r}")
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise ConfigError(f"{what} contains a lone surrogate, which cannot be written: {value!r}") from error
    return value


def environment(values: object, what: str) -> dict[str, str]:
    """`values` as environment variables, some of which may be secrets. Raises ConfigError for what no process takes."""
    if not isinstance(values, Mapping):
        raise ConfigError(f"{what} must be a dict of names and texts, not {type(values).__name__}: {values!r}")
    env: dict[str, str] = {}
    for name, value in values.items():
        text = text_of(name, f"{what}: a name")
        if not text or "=" in text:
            raise ConfigError(f"{what}: {text!r} cannot name an environment variable")
        env[text] = value if _is_secret(value) else text_of(value, f"{what}[{name!r}]")
    return env


def _is_secret(value: object) -> TypeGuard[Any]:
    """Whether it is a `Secret`, which stands for text; known by name, as it is imported only where there is one."""
    kind = type(value)
    return (kind.__module__, kind.__name__) == ("nrun.secret", "Secret")


def printable(text: str) -> str:
    """`text` without anything that could move a terminal's cursor or change its colours."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows under each other, every column as wide as its widest cell."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
