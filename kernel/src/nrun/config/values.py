"""Which values an argument may hold, checked when it is set: what can be written down and read back.

A value of a type such as `datetime` exists only where its module is loaded, so such types are known by
name: nothing is imported here to recognise them.
"""
# ruff: noqa: ANN401 - any value at all is judged here

from __future__ import annotations

import enum
import sys
import types
from typing import TYPE_CHECKING, Any

from nrun.config.target import symbol_of
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeGuard

PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes})
"""Types whose values are kept as they are."""
_NAMED = frozenset(
    {"decimal.Decimal", "uuid.UUID", *(f"datetime.{n}" for n in ("datetime", "date", "time", "timedelta"))}
)
_REDUCED: tuple[type[Any], ...] = (int, float, complex, str, bytes)
"""Types whose subclasses, such as numpy's float64, are kept as the type itself: only that can be written down."""


class Refused(Exception):  # noqa: N818 - caught before any user sees it
    """A value that an argument cannot hold. `steps` lead to it from the value that was to be set."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.steps: list[Any] = []


def name_of_type(kind: type) -> str:
    """The full name of a type, by which those are known that are not imported here."""
    return f"{kind.__module__}.{kind.__qualname__}"


def is_path(value: object) -> TypeGuard[Path]:
    """Whether `value` is a `pathlib.Path`."""
    pathlib = sys.modules.get("pathlib")
    return pathlib is not None and isinstance(value, pathlib.Path)


def is_data_class(cls: type) -> bool:
    """Whether `cls` is an attrs class or a dataclass."""
    return hasattr(cls, "__attrs_attrs__") or hasattr(cls, "__dataclass_fields__")


def fields_of(value: Any) -> dict[str, Any]:
    """The arguments that would make an equal instance of a data class."""
    kind = type(value)
    if hasattr(kind, "__attrs_attrs__"):
        return {field.alias or field.name: getattr(value, field.name) for field in kind.__attrs_attrs__ if field.init}
    return {
        name: getattr(value, name)
        for name, field in kind.__dataclass_fields__.items()
        if field.init and field._field_type.name == "_FIELD"  # noqa: SLF001 - as dataclasses.fields does, unimported
    }


def is_symbol(value: object) -> bool:
    """Whether `value` is a function or class, which travels by name."""
    return isinstance(value, type | types.FunctionType | types.BuiltinFunctionType)


def is_special(value: object) -> bool:
    """Whether `value` stands for one that is found later; its class says so with `__nrun_special__ = True`."""
    return getattr(type(value), "__nrun_special__", False) is True


def admit(value: Any, nodes: frozenset[type]) -> Any:
    """`value` as an argument keeps it: containers are copied, other numbers and texts become Python's own.

    `nodes` are the kinds of node that may be in it. Raises Refused for what could not be written down.
    """
    kind = type(value)
    if kind in PLAIN or kind in nodes:
        return value
    if kind in _CONTAINERS:
        try:
            return _CONTAINERS[kind](value, nodes)
        except RecursionError:
            raise Refused(f"this {kind.__name__} contains itself, or is nested too deeply") from None
    if _is_scalar(value) or is_special(value):
        return value
    if is_symbol(value):
        _find_again(value)
        return value
    if getattr(kind, "__nrun_node__", False):
        if nodes:
            raise Refused("Fresh is made anew at each call of a Partial, so it belongs in one", "use Config here")
        raise Refused("an instance cannot hold what is yet to be built", "describe the instance with Config too")
    if is_data_class(kind):
        _find_again(kind)
        for name, item in fields_of(value).items():
            _inside(item, name, frozenset())
        return value
    for base in _REDUCED:
        if isinstance(value, base):
            return base(value)
    raise Refused(
        f"a {kind.__module__}.{kind.__qualname__} object cannot be part of a configuration",
        f"describe how to make it: Config({kind.__qualname__}, ...)",
    )


def _inside(value: Any, step: object, nodes: frozenset[type]) -> Any:
    try:
        return admit(value, nodes)
    except Refused as refused:
        refused.steps.insert(0, step)
        raise


def _items(value: list[Any] | tuple[Any, ...], nodes: frozenset[type]) -> list[Any]:
    return [item if type(item) in PLAIN else _inside(item, index, nodes) for index, item in enumerate(value)]


_CONTAINERS: dict[type, Callable[[Any, frozenset[type]], Any]] = {
    list: _items,
    tuple: lambda value, nodes: tuple(_items(value, nodes)),
    dict: lambda value, nodes: {_key(key): _inside(item, (key,), nodes) for key, item in value.items()},
    set: lambda value, _nodes: {_key(item) for item in value},
    frozenset: lambda value, _nodes: frozenset(_key(item) for item in value),
}


def _is_scalar(value: object) -> bool:
    if isinstance(value, enum.Enum):
        _find_again(type(value))
        if value.name not in type(value).__members__:
            raise Refused(f"{value!r} combines flags; it cannot be written down", "pass the flags in a list")
        return True
    return name_of_type(type(value)) in _NAMED or is_path(value)


def _find_again(symbol: object) -> None:
    """Raise Refused for a class or function that another process could not find."""
    try:
        symbol_of(symbol)
    except ConfigError as error:
        raise Refused(error.message, error.hint) from None


def _key(key: Any) -> Any:
    if type(key) in PLAIN:
        return key
    if type(key) is tuple:
        return tuple(_key(item) for item in key)
    if _is_scalar(key) or is_special(key):
        return key
    raise Refused(f"{key!r} cannot be a key or member; use text, numbers, enum members or tuples of them")
