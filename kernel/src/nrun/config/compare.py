"""Equality of trees: same calls, same effective arguments, same sharing. One walk, linear in size."""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING, Any

from nrun.config.node import _Node, set_arguments, signature_of_node
from nrun.config.target import symbol_of
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from nrun.config.node import Node


def same(left: Node, right: Node) -> bool:
    """Whether two trees mean the same. Unset equals set to the default; types matter; NaN equals NaN."""
    partners: dict[int, int] = {}
    partners_back: dict[int, int] = {}
    todo: list[tuple[Any, Any]] = [(left, right)]
    while todo:
        a, b = todo.pop()
        if type(a) is not type(b):
            return False
        if isinstance(a, _Node):
            known, back = partners.get(id(a)), partners_back.get(id(b))
            if known is not None or back is not None:
                if known != id(b) or back != id(a):
                    return False
                continue
            partners[id(a)], partners_back[id(b)] = id(b), id(a)
            if not _same_target(a, b):
                return False
            pairs = _argument_pairs(a, b)
            if pairs is None:
                return False
            todo += pairs
        elif isinstance(a, list | tuple):
            if len(a) != len(b):
                return False
            todo += zip(a, b, strict=True)
        elif isinstance(a, dict):
            if a.keys() != b.keys():
                return False
            todo += [(value, b[key]) for key, value in a.items()]
        elif isinstance(a, float):
            if not (a == b or (math.isnan(a) and math.isnan(b))):
                return False
        elif a is not b and a != b:
            return False
    return True


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
    signature = signature_of_node(a)
    pairs = []
    for name in ours.keys() | theirs.keys():
        default = (
            signature.defaults.get(name, inspect.Parameter.empty)
            if isinstance(name, int)
            else signature.names.get(name, inspect.Parameter.empty)
        )
        pair = ours.get(name, default), theirs.get(name, default)
        if inspect.Parameter.empty in pair:
            return None
        pairs.append(pair)
    return pairs
