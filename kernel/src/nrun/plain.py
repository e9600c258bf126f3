"""Plain classes and dataclasses that become data of the kernel's kind: imported when there is one."""

from __future__ import annotations

import inspect
import sys
import types
from typing import TYPE_CHECKING, Any

import attrs

from nrun.data import Data
from nrun.errors import ConfigError

if TYPE_CHECKING:
    import dataclasses


def make_data(cls: type[Any]) -> None:
    """Make an attrs class of `cls`, in place. What it annotates are its fields, as for a dataclass.

    What a dataclass has made of it already is taken back. Raises ConfigError for a class with an `__init__`.
    """
    fields = vars(cls).get("__dataclass_fields__", {})
    for name in inspect.get_annotations(cls):
        default = fields.get(name, vars(cls).get(name))
        if "dataclasses" in sys.modules and isinstance(default, sys.modules["dataclasses"].Field):
            setattr(cls, name, _field(default))
        elif isinstance(default, list | dict | set):
            setattr(cls, name, attrs.field(factory=default.copy))
    if fields:
        for name in [name for name, value in vars(cls).items() if _is_of_dataclass(name, value)]:
            delattr(cls, name)
    if "__init__" in vars(cls):
        msg = f"{cls.__qualname__} has an __init__, but its instances are data"
        raise ConfigError(msg, hint="annotate its fields in the class (team: str = 'speech') and leave __init__ out")
    if hasattr(cls, "__post_init__"):
        cls.__attrs_post_init__ = cls.__post_init__
    for name in {"__eq__", "__hash__", "__repr__"} - vars(cls).keys():
        setattr(cls, name, getattr(Data, name))  # those of a base that attrs wrote know the fields of the base only
    # Not `frozen` to attrs, which would write past the slots of the bases; UserData sees to it that they are.
    attrs.define(kw_only=True, slots=False, eq=False, repr=False, getstate_setstate=True)(cls)


def _field(given: dataclasses.Field[Any]) -> Any:  # noqa: ANN401 - as attrs has it
    """A field of a dataclass, as attrs writes it."""
    missing: object = sys.modules["dataclasses"].MISSING
    default: Any = given.default
    if given.default_factory is not missing:
        default = attrs.Factory(given.default_factory)  # type: ignore[arg-type] # it is not MISSING
    return attrs.field(default=attrs.NOTHING if default is missing else default, init=given.init, repr=given.repr)


def _is_of_dataclass(name: str, value: object) -> bool:
    """Whether `dataclass` put it there: it makes its methods from text."""
    if name == "__hash__":
        return value is None
    function = inspect.unwrap(value) if isinstance(value, types.FunctionType) else None
    return isinstance(function, types.FunctionType) and function.__code__.co_filename == "<string>"
