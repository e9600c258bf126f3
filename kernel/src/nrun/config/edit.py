"""Edits that concern many places of a tree, or a node as a whole."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from nrun.config import Config, Partial
from nrun.config.node import BaseNode, caller, keepable, new_like, put, set_arguments, signature_of_node
from nrun.config.paths import nodes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from nrun.config.node import Node

T = TypeVar("T")
N = TypeVar("N", bound=BaseNode[Any])


def walk(root: N, /, **functions: Callable[[Any], Any]) -> N:
    """In every node that takes an argument named in `functions`, set it to what the function makes of the node."""
    origin = caller()
    for _, node in nodes_of(root):
        for name, function in functions.items():
            if name in node or name in signature_of_node(node).names:
                put(node, name, function(node), origin)
    return root


def broadcast(root: N, /, **values: object) -> N:
    """Set arguments wherever a node takes them, in lists and dictionaries too."""
    return walk(root, **{name: partial(lambda it, _node: it, value) for name, value in values.items()})


def to_partial(node: BaseNode[T]) -> Partial[T]:
    """A `Partial` of what a node calls, with its arguments."""
    return _recast(Partial, node)


def to_config(node: BaseNode[T]) -> Config[T]:
    """A `Config` of what a node calls, with its arguments. Raises ConfigError if one is Fresh."""
    return _recast(Config, node)


def _recast(cls: type[N], node: Node) -> N:
    new = new_like(node, cls, {})
    set_arguments(new).update({name: keepable(new, name, value) for name, value in set_arguments(node).items()})
    return new
