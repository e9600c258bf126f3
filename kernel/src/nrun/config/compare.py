"""Equality of trees: same calls, same effective arguments, same sharing. One walk, linear in size."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from nrun.config.codec import dumps
from nrun.config.node import BaseNode, set_arguments, signature_of_node, target_of
from nrun.config.target import symbol_of
from nrun.config.values import PLAIN, fields_of, is_data_class
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from nrun.config.node import Node


def same(left: Node, right: Node) -> bool:
    """Whether two trees mean the same. Unset equals set to the default; types matter; NaN equals NaN."""
    ours: dict[int, int] = {}
    theirs: dict[int, int] = {}
    todo: list[tuple[Any, Any]] = [(left, right)]
    for a, b in todo:  # grows while what is inside is met; a default lives as long as its id counts
        if isinstance(a, BaseNode) and isinstance(b, BaseNode):
            if id(a) in ours or id(b) in theirs:
                if ours.get(id(a)) != id(b) or theirs.get(id(b)) != id(a):
                    return False
                continue
            ours[id(a)], theirs[id(b)] = id(b), id(a)
        inside = _pairs_inside(a, b)
        if inside is None:
            return False
        todo += inside
    return True


def _pairs_inside(a: Any, b: Any) -> list[tuple[Any, Any]] | None:  # noqa: ANN401 - any value of a tree
    """What is left to compare in two values; None when they differ already."""
    pairs: list[tuple[Any, Any]] | None = None
    if type(a) is not type(b):
        pass
    elif isinstance(a, BaseNode):
        pairs = _argument_pairs(a, b) if _same_target(a, b) else None
    elif isinstance(a, list | tuple):
        pairs = list(zip(a, b, strict=True)) if len(a) == len(b) else None
    elif isinstance(a, dict):
        theirs = {key: key for key in b}  # keys that are equal may still be of different types
        if a.keys() == b.keys():
            pairs = [pair for key, value in a.items() for pair in ((value, b[key]), (key, theirs[key]))]
    elif is_data_class(type(a)):
        pairs = [(fields_of(a), fields_of(b))]
    elif _same_value(a, b):
        pairs = []
    return pairs


def _same_value(a: Any, b: Any) -> bool:  # noqa: ANN401 - as above
    """Whether two values of one type would be written alike: NaN equals NaN, and 0.0 is not -0.0."""
    if a is b:
        return True
    if type(a) in PLAIN:
        return repr(a) == repr(b)
    try:
        return dumps(a) == dumps(b)
    except ConfigError:  # a default may be anything
        return bool(a == b)


def _same_target(a: Node, b: Node) -> bool:
    if a.__nrun_target__ is b.__nrun_target__:
        return True
    try:
        return symbol_of(a.__nrun_target__) == symbol_of(b.__nrun_target__)
    except ConfigError:
        return False


def _argument_pairs(a: Node, b: Node) -> list[tuple[Any, Any]] | None:
    """The effective arguments of both, paired; None when one has what the other lacks."""
    ours, theirs = set_arguments(a), set_arguments(b)
    if ours.keys() == theirs.keys():
        return [(value, theirs[name]) for name, value in ours.items()]
    from nrun.config.checks import effective_default

    target = target_of(a)
    pairs = []
    for name in ours.keys() | theirs.keys():
        pair = [args[name] if name in args else effective_default(target, name) for args in (ours, theirs)]
        if name in signature_of_node(a).forwards or any(value is inspect.Parameter.empty for value in pair):
            return None
        pairs.append((pair[0], pair[1]))
    return pairs
