"""Which values an argument may hold, checked when it is set: what can be written down and read back."""

from __future__ import annotations

import datetime
import decimal
import enum
import pathlib
import types
import uuid
from typing import TYPE_CHECKING, Any

import attrs

from nrun.config.target import symbol_of
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

_SCALARS = frozenset(
    {
        *(type(None), bool, int, float, complex, str, bytes),
        *(datetime.datetime, datetime.date, datetime.time, datetime.timedelta),
        *(decimal.Decimal, uuid.UUID),
    }
)
_REDUCED: tuple[type[Any], ...] = (int, float, complex, str, bytes)
"""Types whose subclasses, such as numpy's float64, are kept as the type itself: only that can be written down."""


def is_instance_of_data_class(value: object) -> bool:
    """Whether `value` is an instance (not the class) of an attrs class or a dataclass."""
    return not isinstance(value, type) and (attrs.has(type(value)) or hasattr(type(value), "__dataclass_fields__"))


def is_symbol(value: object) -> bool:
    """Whether `value` is a function or class, which travels by name."""
    return isinstance(value, type | types.FunctionType | types.BuiltinFunctionType)


def admit(value: Any, where: str) -> Any:  # noqa: ANN401 - any value at all is judged here
    """`value` as an argument keeps it: containers are copied, other numbers and texts become Python's own.

    Raises ConfigError, naming `where`, for what could not be written down.
    """
    kind = type(value)
    if _is_scalar(value) or getattr(kind, "__nrun_node__", False) or is_instance_of_data_class(value):
        return value
    if kind in _CONTAINERS:
        try:
            return _CONTAINERS[kind](value, where)
        except RecursionError:
            msg = f"{where[:200]}: this {kind.__name__} contains itself, or is nested too deeply"
            raise ConfigError(msg) from None
    if is_symbol(value):
        symbol_of(value)
        return value
    for base in _REDUCED:
        if isinstance(value, base):
            return base(value)
    msg = f"{where}: a {kind.__module__}.{kind.__qualname__} object cannot be part of a configuration"
    raise ConfigError(msg, hint=f"describe how to make it: Config({kind.__qualname__}, ...)")


_CONTAINERS: dict[type, Callable[[Any, str], Any]] = {
    list: lambda value, where: [admit(item, f"{where}[{index}]") for index, item in enumerate(value)],
    tuple: lambda value, where: tuple(admit(item, f"{where}[{index}]") for index, item in enumerate(value)),
    dict: lambda value, where: {_key(key, where): admit(item, f"{where}[{key!r}]") for key, item in value.items()},
    set: lambda value, where: {_key(item, where) for item in value},
    frozenset: lambda value, where: frozenset(_key(item, where) for item in value),
}


def _is_scalar(value: object) -> bool:
    return type(value) in _SCALARS or isinstance(value, enum.Enum | pathlib.Path)


def _key(key: Any, where: str) -> Any:  # noqa: ANN401 - as in admit
    if type(key) is tuple:
        return tuple(_key(item, where) for item in key)
    if _is_scalar(key):
        return key
    msg = f"{where}: {key!r} cannot be a key or member; use text, numbers, enum members or tuples of them"
    raise ConfigError(msg)
