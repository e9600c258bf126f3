"""Text that a process can be given: arguments and environment, checked before anything is planned."""

from __future__ import annotations

import os
from collections.abc import Mapping

from nrun.errors import ConfigError


def text_of(value: object, what: str) -> str:
    """`value` as text that a process can be given. Raises ConfigError for anything but text or a path."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        msg = f"{what} must be text, not {type(value).__name__}: {value!r}"
        raise ConfigError(msg, hint=f"write {str(value)!r}")
    if "\0" in value:
        msg = f"{what} contains a NUL character, which no process can be given: {value!r}"
        raise ConfigError(msg)
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        msg = f"{what} contains a lone surrogate, which cannot be written: {value!r}"
        raise ConfigError(msg) from error
    return value


def environment(values: object, what: str) -> dict[str, str]:
    """`values` as environment variables. Raises ConfigError for names and values no process can be given."""
    if not isinstance(values, Mapping):
        msg = f"{what} must be a dict of names and texts, not {type(values).__name__}: {values!r}"
        raise ConfigError(msg)
    env: dict[str, str] = {}
    for name, value in values.items():
        text = text_of(name, f"{what}: a name")
        if not text or "=" in text:
            msg = f"{what}: {text!r} cannot name an environment variable"
            raise ConfigError(msg)
        env[text] = text_of(value, f"{what}[{name!r}]")
    return env
