"""Which values an argument may hold, checked when it is set: what can be written down and read back."""

from __future__ import annotations

import datetime
import decimal
import enum
import pathlib
import types
import uuid
from typing import Any

import attrs

from nrun.config.target import symbol_of
from nrun.errors import ConfigError

SCALARS = (
    *(type(None), bool, int, float, complex, str, bytes),
    *(datetime.datetime, datetime.date, datetime.time, datetime.timedelta),
    *(decimal.Decimal, uuid.UUID, pathlib.PurePath, enum.Enum),
)
_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes})


def is_instance_of_data_class(value: object) -> bool:
    """Whether `value` is an instance (not the class) of an attrs class or a dataclass."""
    return not isinstance(value, type) and (attrs.has(type(value)) or hasattr(type(value), "__dataclass_fields__"))


def is_symbol(value: object) -> bool:
    """Whether `value` is a function or class, which travels by name."""
    return isinstance(value, type | types.FunctionType | types.BuiltinFunctionType)


def admit(value: Any, where: str) -> Any:  # noqa: ANN401 - any value at all is judged here
    """`value` as an argument keeps it: containers are copied, everything else is itself.

    Raises ConfigError, naming `where`, for what could not be written down.
    """
    kind = type(value)
    if kind in _PLAIN or getattr(kind, "__nrun_node__", False):
        return value
    if kind is list:
        return [admit(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if kind is dict:
        return {_key(key, where): admit(item, f"{where}[{key!r}]") for key, item in value.items()}
    if kind is tuple:
        return tuple(admit(item, f"{where}[{i}]") for i, item in enumerate(value))
    if kind in (set, frozenset):
        return kind(_key(item, where) for item in value)
    if isinstance(value, SCALARS):
        return value
    if is_symbol(value):
        symbol_of(value)
        return value
    if is_instance_of_data_class(value):
        return value
    msg = f"{where}: a {kind.__module__}.{kind.__qualname__} object cannot be part of a configuration"
    raise ConfigError(msg, hint=f"describe how to make it: Config({kind.__qualname__}, ...)")


def _key(key: Any, where: str) -> Any:  # noqa: ANN401 - as in admit
    if isinstance(key, tuple):
        return tuple(_key(item, where) for item in key)
    if isinstance(key, SCALARS):
        return key
    msg = f"{where}: {key!r} cannot be a key or member; use text, numbers, enum members or tuples of them"
    raise ConfigError(msg)
