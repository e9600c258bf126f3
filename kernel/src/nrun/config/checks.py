"""Values checked when they are set, by the annotation of the argument.

A check is compiled once per argument of a target and tells what fits: a value of the annotated type, or
a node that builds to one. Nothing is converted but what cannot lose anything: int to float, list to tuple
or set, text to Path. What an annotation does not say clearly is not checked.
"""
# ruff: noqa: ANN401 - annotations and values may be of any type

from __future__ import annotations

import collections.abc
import contextlib
import contextvars
import functools
import inspect
import sys
import types
import typing
from typing import TYPE_CHECKING, Any, NamedTuple

from nrun.config.annotations import resolve_annotation
from nrun.config.node import Partial, _Node
from nrun.config.target import display_name, signature_of
from nrun.config.values import PLAIN, Refused, is_special

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_unchecked = contextvars.ContextVar("nrun_unchecked", default=False)


class Misfit(Refused):
    """A value that the annotation does not admit."""

    def __init__(self, expected: str, value: object) -> None:
        super().__init__(f"must be {expected}, not {_told(value)}")
        self.expected = expected


class Check(NamedTuple):
    """What an annotation admits."""

    exact: frozenset[type]
    """Types whose values fit as they are, with no further look."""
    fit: Callable[[Any], Any]
    """Gives the value, widened if need be, or raises Misfit."""
    expected: str


@contextlib.contextmanager
def unchecked() -> Iterator[None]:
    """Set values that do not fit their annotations: for annotations that say less than is true."""
    token = _unchecked.set(True)
    try:
        yield
    finally:
        _unchecked.reset(token)


def learn_check(target: Callable[..., Any], name: str | int) -> Check | None:
    """The check of one argument, kept with the signature of its target. None: anything fits."""
    signature = signature_of(target)
    check = signature.checks[name] = _check_of(target, name)
    if check is not None:
        signature.accepts[name] = check.exact
    return check


def _check_of(target: Callable[..., Any], name: str | int) -> Check | None:
    """A default that its own annotation does not admit shows what else is meant."""
    check = compile_check(resolve_annotation(target, name, sys.modules.__getitem__))
    default = signature_of(target).default(name)
    if check is None or default is inspect.Parameter.empty:
        return check
    try:
        check.fit(default)
    except Misfit:
        return _any_of([check, _kind(type(default))], f"{check.expected} | {_name(type(default))}")
    return check


def effective_default(target: Callable[..., Any], name: str | int) -> Any:
    """The default of an argument as it would be kept if it were set; `inspect.Parameter.empty` if there is none."""
    signature = signature_of(target)
    default = signature.default(name)
    if default is inspect.Parameter.empty:
        return default
    check = signature.checks[name] if name in signature.checks else learn_check(target, name)
    return default if check is None else check.fit(default)


def _misfit(expected: str, value: Any) -> Any:
    """Raise Misfit, unless the value is only known later or need not be checked."""
    if is_special(value) or _unchecked.get():
        return value
    raise Misfit(expected, value)


def compile_check(annotation: Any) -> Check | None:
    """The check for an annotation; None if everything fits."""
    annotation = _stripped(annotation)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        checks = [compile_check(argument) for argument in arguments]
        known = [check for check in checks if check is not None]
        return _any_of(known, " | ".join(check.expected for check in known)) if len(known) == len(checks) else None
    if origin is typing.Literal:
        return _choice(arguments)
    if annotation is None:
        return _kind(types.NoneType)
    kind = origin or annotation
    if not isinstance(kind, type) or kind in (object, Any) or getattr(kind, "_is_protocol", False):
        return None
    if kind in (collections.abc.Callable, type):
        return _function(kind)
    if typing.is_typeddict(kind):
        return _kind(dict, expected=_name(kind))
    if kind in _MAPPINGS:
        return _mapping(kind, [compile_check(argument) for argument in arguments], _name(annotation))
    if kind in _SEQUENCES:
        return _sequence(kind, arguments, _name(annotation))
    return _kind(kind)


def result_class(target: Any) -> type | None:
    """The class that a target gives an instance of, as far as it says."""
    if isinstance(target, type):
        return target
    if isinstance(target, str):
        return None
    try:
        return _declared_class(target)
    except TypeError:  # unhashable callable
        return None


@functools.cache
def _declared_class(target: Callable[..., Any]) -> type | None:
    if hasattr(target, "__wrapped__") or inspect.iscoroutinefunction(target):
        return None
    annotation = _stripped(resolve_annotation(target, "return", sys.modules.__getitem__))
    kind = typing.get_origin(annotation) or annotation
    return kind if isinstance(kind, type) and kind not in (object, Any, types.UnionType) else None


# ---- the kinds of check

_WIDER: dict[type, tuple[type, ...]] = {float: (int,), complex: (int, float)}
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_SEQUENCES: dict[type, tuple[type, ...]] = {
    list: (list,),
    tuple: (tuple, list),
    set: (set, list),
    frozenset: (frozenset, list, set),
    collections.abc.MutableSequence: (list,),
    collections.abc.Sequence: (list, tuple),
    collections.abc.Set: (set, frozenset),
    collections.abc.MutableSet: (set,),
    collections.abc.Collection: (list, tuple, set, frozenset, dict),
    collections.abc.Iterable: (list, tuple, set, frozenset, dict, str, bytes),
}
"""Annotation -> the types that fit or can be turned into it, the first being what they are turned into."""


def _kind(kind: type, expected: str = "") -> Check:
    """Instances of a class, and nodes that build to one."""
    expected = expected or _name(kind)
    wider = _WIDER.get(kind, ())

    def fit(value: Any) -> Any:
        if isinstance(value, _Node):
            return _fitting_node(value, kind, expected)
        try:
            if isinstance(value, kind):
                return value
        except TypeError:  # a class that cannot be asked
            return value
        if type(value) in wider:
            return _widened(value, kind, expected)
        if type(value) is str and kind.__name__ in ("Path", "PurePath") and kind.__module__.startswith("pathlib"):
            return kind(value)
        return _misfit(expected, value)

    return Check(frozenset({kind}) & PLAIN, fit, expected)


def _widened(value: Any, kind: type, expected: str) -> Any:
    """A number as a wider one, if that loses nothing."""
    try:
        wide = kind(value)
    except OverflowError:
        return _misfit(expected, value)
    if wide != value:
        return _misfit(f"{expected}, which cannot hold this number exactly", value)
    return wide


def _fitting_node(node: _Node[Any], kind: type, expected: str) -> Any:
    exact = isinstance(node.__nrun_target__, type)
    gives = functools.partial if isinstance(node, Partial) else result_class(node.__nrun_target__)
    if gives is None:
        return node
    try:
        fits = issubclass(gives, (kind, *_WIDER.get(kind, ()))) or (not exact and issubclass(kind, gives))
    except TypeError:  # a class that cannot be asked
        return node
    if fits:
        return node
    return _misfit(expected, node)


def _choice(choices: tuple[Any, ...]) -> Check:
    expected = "one of " + ", ".join(map(repr, choices)) if len(choices) > 1 else repr(choices[0])
    known = [(type(choice), choice) for choice in choices]

    def fit(value: Any) -> Any:
        if (type(value), value) in known or (isinstance(value, _Node) and result_class(value.__nrun_target__) is None):
            return value
        return _misfit(expected, value)

    return Check(frozenset(), fit, expected)


def _function(kind: type) -> Check:
    """Functions and classes, and nodes that build to them: of those little is known, so all are taken."""
    expected = "a class" if kind is type else "something to call"

    def fit(value: Any) -> Any:
        if isinstance(value, _Node) or (isinstance(value, type) if kind is type else callable(value)):
            return value
        return _misfit(expected, value)

    return Check(frozenset(), fit, expected)


def _any_of(checks: list[Check], expected: str) -> Check:
    """A union: a member that takes the value as it is comes before one that has to turn it into something."""

    def fit(value: Any) -> Any:
        widened: list[Any] = []
        deeper: list[Misfit] = []
        for check in checks:
            try:
                taken = check.fit(value)
            except Misfit as misfit:
                deeper += [misfit] if misfit.steps else []
                continue
            if taken is value or taken == value and type(taken) is type(value):
                return value
            widened.append(taken)
        if len(deeper) == 1 and not widened:
            raise deeper[0]
        return widened[0] if widened else _misfit(expected, value)

    return Check(frozenset().union(*(check.exact for check in checks)), fit, expected)


def _sequence(kind: type, arguments: tuple[Any, ...], expected: str) -> Check:
    fixed = kind is tuple and bool(arguments) and arguments[-1] is not Ellipsis
    if fixed and any(typing.get_origin(argument) is typing.Unpack for argument in arguments):
        fixed, arguments = False, ()
    checks = [compile_check(argument) for argument in arguments if argument is not Ellipsis]
    makes, *others = _SEQUENCES[kind]
    whole = _kind(kind, expected)

    def fit(value: Any) -> Any:
        if type(value) not in (makes, *others):
            return whole.fit(value)
        if fixed and len(value) != len(checks):
            return _misfit(f"{expected}, which has {len(checks)} elements", value)
        each = checks if fixed else checks[:1] * len(value)
        items = [item if check is None else _element(check, item, at) for at, (check, item) in enumerate(zip(each, value))]
        items = items if each else list(value)
        if kind in (tuple, set, frozenset) and type(value) is not makes:
            return makes(items)
        return value if type(value) in (str, bytes, dict) else type(value)(items)

    return Check(frozenset(), fit, expected)


def _mapping(kind: type, checks: list[Check | None], expected: str) -> Check:
    whole = _kind(kind, expected)
    key_check, value_check = checks if len(checks) == 2 else (None, None)  # noqa: PLR2004 - keys and values

    def fit(value: Any) -> Any:
        if type(value) is not dict:
            return whole.fit(value)
        return {
            key if key_check is None else _element(key_check, key, (key,)): (
                item if value_check is None else _element(value_check, item, (key,))
            )
            for key, item in value.items()
        }

    return Check(frozenset(), fit, expected)


def _element(check: Check, value: Any, step: object) -> Any:
    if type(value) in check.exact:
        return value
    try:
        return check.fit(value)
    except Misfit as misfit:
        misfit.steps.insert(0, step)
        raise


# ---- words


def _stripped(annotation: Any) -> Any:
    """An annotation without what only type checkers and readers care about."""
    while True:
        origin = typing.get_origin(annotation)
        if origin in _TRANSPARENT or (isinstance(origin, type) and issubclass(origin, _Node)):
            annotation = typing.get_args(annotation)[0]
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif isinstance(annotation, typing.TypeVar):
            constraints = annotation.__constraints__
            annotation = typing.Union[constraints] if constraints else annotation.__bound__ or Any
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        elif type(annotation).__name__ == "InitVar":
            annotation = annotation.type
        elif annotation is typing.LiteralString:
            return str
        else:
            return annotation


_TRANSPARENT = (typing.Annotated, typing.Final, typing.ClassVar, typing.Required, typing.NotRequired)


def _name(annotation: Any) -> str:
    if annotation is types.NoneType:
        return "None"
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__qualname__
    return str(annotation).replace("typing.", "").replace("collections.abc.", "")


def _told(value: object) -> str:
    if isinstance(value, _Node):
        return f"{type(value).__name__}({display_name(value.__nrun_target__)}, ...)"
    if isinstance(value, type):
        return f"the class {value.__qualname__}"
    return f"{type(value).__name__} {value!r:.80}"
