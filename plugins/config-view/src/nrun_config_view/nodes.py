"""What all of this asks of values: whether they are nodes, what these call, which of them are shared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun.config.node import NODES, set_arguments
from nrun.config.order import children_first, nodes_held
from nrun.config.target import display_name, symbol_of
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import TypeGuard

    from nrun.config.node import Node
    from nrun.config.target import Target


def is_node(value: object) -> TypeGuard[Node]:
    """Whether a value describes a call."""
    return type(value) in NODES


def holds_nodes(*values: object) -> bool:
    """Whether there is a node among the values, or in containers there."""
    found: list[Node] = []
    nodes_held(values, found)
    return bool(found)


def identity_of(target: Target) -> Hashable:
    """What is equal for targets that are the same, be it as names."""
    try:
        return symbol_of(target)
    except ConfigError:  # a lambda: known by itself alone
        return id(target)


def full_name(target: Target) -> str:
    """The symbol of a target, or its short name if it has none."""
    try:
        return symbol_of(target)
    except ConfigError:
        return display_name(target)


def shared_in(root: object) -> set[int]:
    """The ids of the nodes that are at several places."""
    held: list[Node] = []
    nodes_held((root,), held)
    for node in children_first(root):
        nodes_held(set_arguments(node).values(), held)
    counts: dict[int, int] = {}
    for node in held:
        counts[id(node)] = counts.get(id(node), 0) + 1
    return {key for key, count in counts.items() if count > 1}
