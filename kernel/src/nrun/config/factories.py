"""Factories: functions that give a configured object under a short name, and how the right one is found."""

from __future__ import annotations

import functools
import typing
from typing import TYPE_CHECKING, Any

import attrs

from nrun.config.node import Config, _Node
from nrun.config.target import display_name
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RESERVED = frozenset({"choice", "range", "linspace", "logspace", "dict"})
"""Names that mean something of their own in a value."""


@attrs.frozen
class Factory:
    """A function under a name, for arguments of the type it provides."""

    name: str
    function: Callable[..., Any]
    provides: type | None
    """What it gives; None when that is only known from its result."""
    parent: object = None
    """The target for whose arguments it is; None for any."""
    argument: str | None = None
    """The argument it is for; None for any."""

    def distance(self, classes: tuple[type, ...], parent: object, argument: str | None) -> int | None:
        """How far it is from what is asked for: 0 is made for this place; None does not fit."""
        if self.parent not in (None, parent) or self.argument not in (None, argument):
            return None
        if self.provides is not None and not is_kind(self.provides, classes):
            return None
        if self.parent is not None or self.argument is not None:
            return 0
        return 3 if self.provides is None else 1 if self.provides in classes else 2

    def check(self, result: object, classes: tuple[type, ...]) -> None:
        """Raise ConfigError unless `result` is what `classes` ask for."""
        if isinstance(result, _Node):
            given = type_given(result)
            fits = given is not None and is_kind(given, classes)
        else:
            fits = self.provides is not None and is_kind(type(result), classes)
        if not fits:
            what = repr(result) if isinstance(result, _Node) else f"a {type(result).__name__}"
            msg = f"the factory {self.name} gives {what[:80]}, not {' or '.join(cls.__name__ for cls in classes)}"
            raise ConfigError(msg, hint="correct its return annotation, or what it returns")


@attrs.frozen
class Factories:
    """The factories that are known. Immutable: `register` gives one that knows more."""

    entries: tuple[Factory, ...] = ()

    def register(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        provides: type | None = None,
        parent: object = None,
        argument: str | None = None,
        override: bool = False,
    ) -> Factories:
        """These factories and `function`, which provides what its return annotation says (`Config[T]` counts as T).

        Raises ConfigError for a name that is taken for the same type and place, unless by the same function
        (a reload) or with `override`; and for a name that means something of its own.
        """
        new = Factory(name or function.__name__, function, provides or provided_by(function), parent, argument)
        if new.name in RESERVED:
            msg = f"no factory can be called {new.name}: the name has a meaning of its own in values"
            raise ConfigError(msg, hint="register it under another name")
        place = attrs.astuple(attrs.evolve(new, function=None), recurse=False)
        kept = []
        for old in self.entries:
            if attrs.astuple(attrs.evolve(old, function=None), recurse=False) != place:
                kept.append(old)
            elif not override and _qualified(old.function) != _qualified(function):
                msg = f"two factories {new.name!r}: {_qualified(old.function)} and {_qualified(function)}"
                raise ConfigError(msg, hint="give one of them another name, or register it with override=True")
        return Factories((*kept, new))

    def find(
        self, name: str, classes: tuple[type, ...], parent: object = None, argument: str | None = None
    ) -> Factory | None:
        """The factory `name` for an argument of one of `classes`: the one made for this place, then the nearest type.

        Raises ConfigError when several are as near.
        """
        found = [(distance, entry) for distance, entry in self.fitting(classes, parent, argument) if entry.name == name]
        nearest = [entry for distance, entry in found if distance == min(found, key=lambda pair: pair[0])[0]]
        if len(nearest) > 1:
            msg = f"{name} is ambiguous: {' or '.join(_qualified(entry.function) for entry in nearest)}"
            raise ConfigError(msg, hint="register one of them under another name")
        return nearest[0] if nearest else None

    def fitting(
        self, classes: tuple[type, ...], parent: object = None, argument: str | None = None
    ) -> Iterator[tuple[int, Factory]]:
        """Every factory for an argument of one of `classes`, with how far it is from that."""
        for entry in self.entries:
            distance = entry.distance(classes, parent, argument)
            if distance is not None:
                yield distance, entry


def provided_by(function: object) -> type | None:
    """The class that calling `function` gives, as far as its annotations tell; a class gives itself."""
    if isinstance(function, type):
        return function
    try:
        given = typing.get_type_hints(function).get("return")
    except (NameError, TypeError, AttributeError, SyntaxError):
        return None
    if typing.get_origin(given) is Config:
        given = typing.get_args(given)[0]
    given = typing.get_origin(given) or given
    return given if isinstance(given, type) and given not in (object, Config, type(None)) else None


def type_given(node: _Node[Any]) -> type | None:
    """The class of what `node` builds to, if that is known without importing anything."""
    if not isinstance(node, Config):
        return functools.partial
    return None if isinstance(node.__nrun_target__, str) else provided_by(node.__nrun_target__)


def is_kind(cls: type, classes: tuple[type, ...]) -> bool:
    """Whether `cls` is one of `classes`, a subclass, or has all that a Protocol among them asks for."""
    return any(_provides_all(cls, kind) if is_protocol(kind) else _is_subclass(cls, kind) for kind in classes)


def is_protocol(cls: type) -> bool:
    """Whether `cls` is itself a Protocol."""
    return bool(vars(cls).get("_is_protocol"))


def _is_subclass(cls: type, kind: type) -> bool:
    try:
        return issubclass(cls, kind)
    except TypeError:  # a TypedDict, which has no subclasses
        return cls is kind


def _provides_all(cls: type, protocol: type) -> bool:
    bases = [base for base in protocol.__mro__ if is_protocol(base) and base is not typing.Protocol]
    members = {name for base in bases for name in (*vars(base), *vars(base).get("__annotations__", ()))}
    return all(hasattr(cls, name) for name in members if not name.startswith("_") or name == "__call__")


def _qualified(function: Any) -> str:  # noqa: ANN401 - any callable
    return f"{function.__module__}:{display_name(function)}"
