"""Values checked when they are set, by the annotation of the argument.

A check is compiled once per argument of a target and tells what fits: a value of the annotated type, or
a node that builds to one. Nothing is converted but what cannot lose anything: int to float, list to tuple
or set, text to Path. What an annotation does not say clearly is not checked.
"""
# ruff: noqa: ANN401 - annotations and values may be of any type

from __future__ import annotations

import contextlib
import contextvars
import copy
import functools
import inspect
import operator
import sys
import types
import typing
from collections import abc
from typing import TYPE_CHECKING, Any, NamedTuple

from nrun.config.annotations import resolve_annotation
from nrun.config.node import BaseNode, Partial
from nrun.config.show import brief
from nrun.config.target import signature_of
from nrun.config.values import PLAIN, Refused, is_special

if TYPE_CHECKING:
    from collections.abc import Callable

checks_values = contextvars.ContextVar("nrun_checks_values", default=True)


class Misfit(Refused):
    """A value that the annotation does not admit."""


class Check(NamedTuple):
    """What an annotation admits: `exact` types that fit as they are; `fit` gives the value or raises Misfit."""

    expected: str
    fit: Callable[[Any], Any]
    exact: frozenset[type] = frozenset()


def learn_check(target: Callable[..., Any], name: str | int) -> Check | None:
    """The check of one argument, kept with the signature of its target. None: anything fits.

    A default that its own annotation does not admit shows what else is meant.
    """
    signature = signature_of(target)
    check = compile_check(resolve_annotation(target, name, sys.modules.__getitem__))
    if check is not None:
        default = signature.default(name)
        try:
            if default is not inspect.Parameter.empty:
                check.fit(default)
        except Misfit:
            check = _any_of([check, _kind(type(default))])
        signature.accepts[name] = check.exact
    signature.checks[name] = check
    return check


def effective_default(target: Callable[..., Any], name: str | int) -> Any:
    """The default of an argument as it would be if set, a copy if it describes something; or `Parameter.empty`."""
    signature = signature_of(target)
    default = signature.default(name)
    if default is inspect.Parameter.empty:
        return default
    default = copy.deepcopy(default) if name in signature.described else default
    check = signature.checks[name] if name in signature.checks else learn_check(target, name)
    return default if check is None else check.fit(default)


def compile_check(annotation: Any) -> Check | None:
    """The check for an annotation; None if everything fits."""
    annotation = strip_annotation(annotation)
    kind, arguments = typing.get_origin(annotation) or annotation, typing.get_args(annotation)
    if isinstance(kind, abc.Hashable) and kind in _COMPILERS:
        return _COMPILERS[kind](kind, arguments, tell_annotation(annotation))
    if not isinstance(kind, type) or kind in (object, Any) or getattr(kind, "_is_protocol", False):
        return None
    return _kind(dict if typing.is_typeddict(kind) else kind, tell_annotation(kind))


def result_class(target: Any) -> type | None:
    """The class that a target gives an instance of, as far as it says."""
    if isinstance(target, type):
        return target
    if isinstance(target, str) or not isinstance(target, abc.Hashable):
        return None
    return _declared_class(target)


@functools.cache
def _declared_class(target: Callable[..., Any]) -> type | None:
    if hasattr(target, "__wrapped__") or inspect.iscoroutinefunction(target):
        return None
    annotation = strip_annotation(resolve_annotation(target, "return", sys.modules.__getitem__))
    kind = typing.get_origin(annotation) or annotation
    return kind if isinstance(kind, type) and kind not in (object, Any, types.UnionType) else None


# ---- the kinds of check


def _misfit(expected: str, value: Any) -> Any:
    """Raise Misfit, unless the value is only known later or need not be checked."""
    if is_special(value) or not checks_values.get():
        return value
    raise Misfit(
        f"must be {expected}, not {'' if isinstance(value, BaseNode) else type(value).__name__ + ' '}{brief(value)}"
    )


def _kind(kind: type, expected: str = "") -> Check:
    """Instances of a class, and nodes that build to one."""
    expected = expected or tell_annotation(kind)
    wider = {float: (int,), complex: (int, float)}.get(kind, ())

    def fit(value: Any) -> Any:
        if isinstance(value, BaseNode):
            return value if _builds_to(value, (kind, *wider)) else _misfit(expected, value)
        with contextlib.suppress(TypeError):  # of a class that cannot be asked
            if isinstance(value, kind):
                return value
        if type(value) in wider:
            with contextlib.suppress(OverflowError):
                if (wide := kind(value)) == value:
                    return wide
            return _misfit(f"{expected}, which cannot hold this number exactly", value)
        if type(value) is str and kind.__module__.startswith("pathlib"):
            return kind(value)
        return _misfit(expected, value)

    return Check(expected, fit, frozenset({kind}) & PLAIN)


def _builds_to(node: BaseNode[Any], kinds: tuple[type, ...]) -> bool:
    """Whether a node builds to an instance of one of `kinds`, or may do so for all that is known."""
    target = node.__nrun_target__
    gives = functools.partial if isinstance(node, Partial) else result_class(target)
    if gives is None:
        return True
    try:
        # A function may give more than it promises; a class gives itself.
        return issubclass(gives, kinds) or (gives is not target and issubclass(kinds[0], gives))
    except TypeError:  # a class that cannot be asked
        return True


def _union(_kind: Any, arguments: tuple[Any, ...], _expected: str) -> Check | None:
    checks = [compile_check(argument) for argument in arguments]
    known = [check for check in checks if check is not None]
    return _any_of(known) if len(known) == len(checks) else None


def _any_of(checks: list[Check]) -> Check:
    """A union: a member that takes the value as it is comes before one that has to turn it into something."""
    expected = " | ".join(check.expected for check in checks)

    def fit(value: Any) -> Any:
        widened, deeper = [], []
        for check in checks:
            try:
                taken = check.fit(value)
            except Misfit as misfit:
                deeper += [misfit] if misfit.steps else []
                continue
            if taken is value or (type(taken) is type(value) and taken == value):
                return value
            widened.append(taken)
        if len(deeper) == 1 and not widened:
            raise deeper[0]
        return widened[0] if widened else _misfit(expected, value)

    return Check(expected, fit, frozenset().union(*(check.exact for check in checks)))


def _choice(_kind: Any, choices: tuple[Any, ...], _expected: str) -> Check:
    expected = " or ".join(filter(None, (", ".join(map(repr, choices[:-1])), repr(choices[-1]))))
    known = [(type(choice), choice) for choice in choices]

    def fit(value: Any) -> Any:
        return value if isinstance(value, BaseNode) or (type(value), value) in known else _misfit(expected, value)

    return Check(expected, fit)


def _function(kind: Any, _arguments: tuple[Any, ...], _expected: str) -> Check:
    """Functions and classes, and nodes that build to them: of those little is known, so all are taken."""
    expected = "a class" if kind is type else "something to call"

    def fit(value: Any) -> Any:
        fits = isinstance(value, (BaseNode, type)) or (kind is not type and callable(value))
        return value if fits else _misfit(expected, value)

    return Check(expected, fit)


_SEQUENCES: dict[Any, tuple[type, ...]] = {
    list: (list,),
    tuple: (tuple, list),
    set: (set, list),
    frozenset: (frozenset, list, set),
    abc.MutableSequence: (list,),
    abc.Sequence: (list, tuple),
    abc.Set: (set, frozenset),
    abc.MutableSet: (set,),
    abc.Collection: (list, tuple, set, frozenset),
    abc.Iterable: (list, tuple, set, frozenset),
}
"""Annotation -> the types whose elements are looked at; concrete annotations turn them into the first."""


def _sequence(kind: Any, arguments: tuple[Any, ...], expected: str) -> Check:
    fixed = kind is tuple and Ellipsis not in arguments and bool(arguments)
    checks = [compile_check(argument) for argument in arguments if argument is not Ellipsis]
    taken, whole = _SEQUENCES[kind], _kind(kind, expected)

    def fit(value: Any) -> Any:
        if type(value) not in taken:
            return whole.fit(value)
        if fixed and len(value) != len(checks):
            return _misfit(f"{expected}, which has {len(checks)} elements", value)
        each = checks if fixed else (checks or [None]) * len(value)
        items = [_element(check, item, step) for step, (check, item) in enumerate(zip(each, value, strict=True))]
        return (kind if kind in (tuple, set, frozenset) else type(value))(items)

    return Check(expected, fit)


def _mapping(kind: Any, arguments: tuple[Any, ...], expected: str) -> Check:
    keys, values = map(compile_check, arguments or (Any, Any))
    whole = _kind(kind, expected)

    def fit(value: Any) -> Any:
        if type(value) is not dict:
            return whole.fit(value)
        return {_element(keys, key, (key,)): _element(values, item, (key,)) for key, item in value.items()}

    return Check(expected, fit)


def _element(check: Check | None, value: Any, step: object) -> Any:
    if check is None or type(value) in check.exact:
        return value
    try:
        return check.fit(value)
    except Misfit as misfit:
        misfit.steps.insert(0, step)
        raise


_COMPILERS: dict[Any, Callable[[Any, tuple[Any, ...], str], Check | None]] = {
    typing.Union: _union,
    types.UnionType: _union,
    typing.Literal: _choice,
    abc.Callable: _function,
    type: _function,
    **dict.fromkeys(_SEQUENCES, _sequence),
    **dict.fromkeys((dict, abc.Mapping, abc.MutableMapping), _mapping),
}


# ---- annotations


def strip_annotation(annotation: Any) -> Any:
    """An annotation without what only type checkers and readers care about."""
    while True:
        origin = typing.get_origin(annotation)
        if origin in _TRANSPARENT or (isinstance(origin, type) and issubclass(origin, BaseNode)):
            annotation = typing.get_args(annotation)[0]
        elif isinstance(annotation, typing.TypeVar) and annotation.__constraints__:
            annotation = functools.reduce(operator.or_, annotation.__constraints__)
        elif type(annotation).__name__ in _STANDS_FOR:
            annotation = getattr(annotation, _STANDS_FOR[type(annotation).__name__]) or Any
        else:
            return str if annotation is typing.LiteralString else annotation


_TRANSPARENT = (typing.Annotated, typing.Final, typing.ClassVar, typing.Required, typing.NotRequired)
_STANDS_FOR = {"NewType": "__supertype__", "TypeVar": "__bound__", "TypeAliasType": "__value__", "InitVar": "type"}


def tell_annotation(annotation: Any) -> str:
    """An annotation as people write it."""
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return "None" if annotation is types.NoneType else annotation.__qualname__
    return str(annotation).replace("typing.", "").replace("collections.abc.", "")
