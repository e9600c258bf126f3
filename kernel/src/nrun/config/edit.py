"""Edits that concern many places of a tree, or the tree's shape."""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeVar

from nrun.config.node import Config, Partial, _caller, _Node, new_node, put, signature_of_node
from nrun.config.order import children_first, nodes_held
from nrun.config.paths import _holder, format_path, get_at, nodes_of, set_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType

    from nrun.config.node import Node
    from nrun.config.origin import Origin

N = TypeVar("N", bound=_Node[Any])


def walk(root: N, functions: Mapping[str, Callable[[Any], Any]], origin: Origin | tuple[CodeType, int]) -> N:
    """In every node that takes an argument named in `functions`, set it to what the function makes of the node."""
    for _, node in list(nodes_of(root)):
        for name, function in functions.items():
            if name in node or name in signature_of_node(node).names:
                put(node, name, function(node), origin)
    return root


def broadcast(root: N, values: Mapping[str, Any], origin: Origin | tuple[CodeType, int]) -> N:
    """Set arguments wherever a node takes them."""
    return walk(root, {name: lambda _node, value=value: value for name, value in values.items()}, origin)
