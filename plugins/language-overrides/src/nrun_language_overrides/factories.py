"""Factories: functions that give a configured object under a short name, and how the right one is found."""

from __future__ import annotations

import functools
import itertools
import sys
import typing
from typing import TYPE_CHECKING, Any

import attrs

from nrun.config.annotations import annotation_of, resolve_annotation
from nrun.config.node import BaseNode, Config, Partial
from nrun.config.target import display_name
from nrun.data import Data
from nrun.errors import ConfigError
from nrun_language_overrides.members import members_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RESERVED = frozenset({"choice", "range", "linspace", "logspace", "dict"})
"""Names that mean something of their own in a value."""


@attrs.frozen(eq=False, repr=False)
class Factory(Data):
    """A function under a name, for arguments of the type it provides."""

    name: str
    function: Callable[..., Any]
    provides: type | None
    """What it gives; None when only its result tells."""
    parent: object = None
    """The target for whose arguments it is; None for any."""
    argument: str | None = None
    """The argument it is for; None for any."""
    namespace: str | None = None
    """In the place of all these: the dotted name of a class, of a target, or of a target's argument."""

    @property
    def place(self) -> tuple[object, ...]:
        """What no two factories share."""
        return self.name, self.provides, self.parent, self.argument, self.namespace

    def fits(self, classes: tuple[type, ...], parent: object, argument: str | None) -> bool:
        """Whether it is for that argument of that target, which may be one of `classes`."""
        if self.namespace is not None:
            target = dotted_name(parent)
            return self.namespace in (target, f"{target}.{argument}", *map(dotted_name, classes))
        return (
            self.parent in (None, parent)
            and self.argument in (None, argument)
            and (self.provides is None or is_kind(self.provides, classes))
        )

    def check(self, result: object, classes: tuple[type, ...]) -> None:
        """Raise ConfigError unless `result` is what `classes` ask for."""
        trusted = type(result) if self.provides else None  # without an annotation only a node is
        given = type_given(result) if isinstance(result, BaseNode) else trusted
        if given is None or not is_kind(given, classes):
            what = repr(result)[:80] if isinstance(result, BaseNode) else f"a {type(result).__name__}"
            msg = f"the factory {self.name} gives {what}, not {' or '.join(cls.__name__ for cls in classes)}"
            raise ConfigError(msg, hint="correct its return annotation, or what it returns")


@attrs.frozen(eq=False, repr=False)
class Factories(Data):
    """The factories that are known. Immutable: `register` gives one that knows more."""

    entries: tuple[Factory, ...] = ()
    later: tuple[tuple[str, Callable[[], tuple[Factory, ...]]], ...] = ()
    """Gives, for the symbol of a class, those of what is installed: they are loaded when one of that is asked for."""

    def register(  # noqa: PLR0913 - what makes up a factory, all of it by keyword
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        provides: type | None = None,
        parent: object = None,
        argument: str | None = None,
        namespace: str | None = None,
        override: bool = False,
    ) -> Factories:
        """These factories and `function`, which provides what its return annotation says (`Config[T]` counts as T).

        Raises ConfigError for a name that is taken for the same type and place, unless by the same function
        (a reload) or with `override`; and for a name that means something of its own.
        """
        gives = provides or provided_by(function)
        new = Factory(name or display_name(function), function, gives, parent, argument, namespace)
        if new.name in RESERVED:
            msg = f"no factory can be called {new.name}: the name has a meaning of its own in values"
            raise ConfigError(msg, hint="register it under another name")
        taken = [old.function for old in self.entries if old.place == new.place]
        if taken and not override and _qualified(taken[0]) != _qualified(function):
            msg = f"two factories {new.name!r}: {_qualified(taken[0])} and {_qualified(function)}"
            raise ConfigError(msg, hint="give one of them another name, or register it with override=True")
        return attrs.evolve(self, entries=(*(old for old in self.entries if old.place != new.place), new))

    def find(self, name: str, classes: tuple[type, ...], parent: object, argument: str | None) -> Factory | None:
        """The factory `name` for an argument of one of `classes`.

        One that was made for this place comes first, then one of the very type, then of a subclass, then one that does
        not say what it gives. Raises ConfigError when several are as near.
        """

        def distance(entry: Factory) -> int:
            if (entry.parent, entry.argument, entry.namespace) != (None, None, None):
                return 0
            return 3 if entry.provides is None else 1 if entry.provides in classes else 2

        found = [entry for entry in self.fitting(classes, parent, argument) if entry.name == name]
        nearest = [entry for entry in found if distance(entry) == min(map(distance, found))]
        if len(nearest) > 1:
            msg = f"{name} is ambiguous: {' or '.join(_qualified(entry.function) for entry in nearest)}"
            raise ConfigError(msg, hint="register one of them under another name")
        return nearest[0] if nearest else None

    def of_several(self, classes: tuple[type, ...], parent: object) -> Iterator[Factory]:
        """Every factory that gives a list of what is one of `classes`."""
        for entry in self.entries if classes else ():
            each = each_provided_by(entry.function) if entry.parent in (None, parent) else None
            if each is not None and is_kind(each, classes):
                yield entry

    def fitting(self, classes: tuple[type, ...], parent: object, argument: str | None) -> list[Factory]:
        """Every factory for an argument of one of `classes`."""
        bases = {f"{base.__module__}:{base.__qualname__}" for cls in classes for base in cls.__mro__}
        asked_for = (load() for symbol, load in self.later if symbol in bases)
        entries = itertools.chain(*asked_for, self.entries)
        return [entry for entry in entries if entry.fits(classes, parent, argument)]


def fitting_factories(factories: Factories, target: Callable[..., Any], name: str) -> list[Factory]:
    """The factories for an argument of a target, by name."""
    classes = classes_in(annotation_of(target, name))
    fitting = factories.fitting(classes, target, name) if classes else []
    return [one for one in fitting if one.provides or one.argument or one.namespace]


def classes_in(annotation: object) -> tuple[type, ...]:
    """The classes among the members of an annotation whose objects a factory may give."""
    return tuple(one for one in members_of(annotation) if isinstance(one, type) and one.__module__ != "builtins")


def provided_by(function: Callable[..., Any]) -> type | None:
    """The class that calling `function` gives, as far as its annotations tell; a class gives itself."""
    if isinstance(function, type):
        return function
    return _class_in(resolve_annotation(function, "return", sys.modules.__getitem__))


def each_provided_by(function: Callable[..., Any]) -> type | None:
    """The class of the elements, if calling `function` gives a list."""
    given = resolve_annotation(function, "return", sys.modules.__getitem__)
    return _class_in(typing.get_args(given)[0]) if typing.get_origin(given) is list else None


def _class_in(given: Any) -> type | None:  # noqa: ANN401 - an annotation
    if typing.get_origin(given) is Config:
        given = typing.get_args(given)[0]
    given = typing.get_origin(given) or given
    return given if isinstance(given, type) and given not in (Any, object, Config, type(None)) else None


def type_given(node: BaseNode[Any]) -> type | None:
    """The class of what `node` builds to, if that is known without importing anything."""
    if isinstance(node, Partial):
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


def dotted_name(target: Any) -> str:  # noqa: ANN401 - any class or callable
    """`module.Name` of a class or function; the launching script is called by the name of its file."""
    module = getattr(target, "__module__", "")
    if module in ("__main__", "__nrun_main__"):
        module = getattr(sys.modules[module], "__file__", module).rpartition("/")[2].removesuffix(".py")
    return f"{module}.{display_name(target)}"


def _qualified(function: Any) -> str:  # noqa: ANN401 - any callable
    return f"{function.__module__}:{display_name(function)}"
