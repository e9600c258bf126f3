"""The nodes of a tree, children first: the one walk that building, copying, writing and naming a tree share.

It keeps its own stack, so that no tree is too deep for it.
"""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import copy
import gc
from typing import TYPE_CHECKING, Any, TypeVar

from nrun.config.node import DEFAULT, NODES, BaseNode, new_like, put
from nrun.config.target import signature_of
from nrun.config.values import PLAIN, fields_of, is_special
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nrun.config.node import Node

N = TypeVar("N", bound=BaseNode[Any])


def children_first(root: Any) -> list[Node]:
    """Every node in `root` once, after all the nodes it holds; in the order in which they are to be built.

    Raises ConfigError, naming both places, for a tree that contains itself.
    """
    finished: dict[int, Node] = {}
    entered: set[int] = set()
    held: list[Node] = []
    nodes_held((root,), held)
    todo: list[tuple[Node | None, Iterator[Node]]] = [(None, iter(held))]
    while todo:
        node, rest = todo[-1]
        for child in rest:
            key = id(child)
            if key not in entered:
                entered.add(key)
                held = held_by(child)
                if held:
                    todo.append((child, iter(held)))
                    break
                finished[key] = child
            elif key not in finished:
                raise _cycle(root, child)
        else:
            todo.pop()
            if node is not None:
                finished[id(node)] = node
    return list(finished.values())


def deepcopied(root: N, memo: dict[int, Any]) -> N:
    """A copy of all that is in `root`, shared as there; `memo` is that of `copy.deepcopy`."""
    collecting = gc.isenabled()
    gc.disable()  # all that is made here is kept; full collections would cost large trees more than the copying
    try:
        for node in children_first(root):
            if id(node) not in memo:
                arguments = dict(node.__nrun_args__)
                if not PLAIN.issuperset(map(type, arguments.values())):
                    for name, value in arguments.items():
                        if type(value) not in PLAIN:
                            arguments[name] = memo.get(id(value)) or copy.deepcopy(value, memo)
                memo[id(node)] = new_like(node, type(node), arguments)
    finally:
        if collecting:
            gc.enable()
    copied: N = memo[id(root)]
    return copied


def lacking(node: Node) -> list[str | int]:
    """The arguments that are not set and whose defaults describe something. Imports nothing."""
    target = node.__nrun_target__
    described = () if isinstance(target, str) else signature_of(target).described
    return [name for name in described if name not in node.__nrun_args__]


def completed(root: N) -> N:
    """A copy of `root` in which all defaults that describe something are set. Raises ConfigError for unfit ones."""
    root = copy.deepcopy(root)
    todo = children_first(root)
    for node in todo:  # grows while what is in the defaults is met
        for name in lacking(node):
            default = copy.deepcopy(signature_of(node.__nrun_target__).default(name))
            put(node, name, default, DEFAULT)
            todo += children_first(default)
    return root


def held_by(node: Node) -> list[Node]:
    """The nodes that are directly in the arguments of a node, from left to right."""
    held: list[Node] = []
    values = node.__nrun_args__.values()
    if not PLAIN.issuperset(map(type, values)):  # of most nodes that is all there is to see
        nodes_held(values, held)
    return held


def nodes_held(values: Iterable[Any], found: list[Node]) -> None:
    """Add to `found` the nodes that are in `values`, or in containers there, from left to right."""
    for value in values:
        kind = type(value)
        if kind in PLAIN:
            continue
        if kind in NODES:
            found.append(value)
        elif kind is list or kind is tuple:
            nodes_held(value, found)
        elif kind is dict:
            nodes_held(value.values(), found)
        elif is_special(value):  # it may stand for one of several nodes
            nodes_held(fields_of(value).values(), found)


def _cycle(root: Any, node: Node) -> ConfigError:
    from nrun.config.paths import format_path, paths_to

    outer, inner = [format_path(path) or "the root" for path in paths_to(root, node)][:2]
    return ConfigError(f"{inner} contains itself: it is the same node as {outer}", hint="give one of them a copy")
