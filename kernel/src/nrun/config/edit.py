"""Edits that concern many places of a tree, or the tree's shape."""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import copy
import functools
from typing import TYPE_CHECKING, Any, TypeVar, cast

from nrun.config import Config, Partial
from nrun.config.node import BaseNode, caller, keepable, new_like, put, set_arguments, signature_of_node
from nrun.config.order import children_first, held_by
from nrun.config.paths import format_path, get_at, holder_of, nodes_of, set_at, steps_of
from nrun.config.show import brief
from nrun.config.target import signature_of
from nrun.config.values import fields_of, is_data_class
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nrun.config.node import CodeOrigin, Node
    from nrun.config.paths import Path

T = TypeVar("T")
N = TypeVar("N", bound=BaseNode[Any])


def walk(root: N, functions: Mapping[str, Callable[[Any], Any]], origin: CodeOrigin) -> N:
    """In every node that takes an argument named in `functions`, set it to what the function makes of the node."""
    for _, node in list(nodes_of(root)):
        for name, function in functions.items():
            if name in node or name in signature_of_node(node).names:
                put(node, name, function(node), origin)
    return root


def broadcast(root: N, values: Mapping[str, Any], origin: CodeOrigin) -> N:
    """Set arguments wherever a node takes them."""
    return walk(
        root, {name: functools.partial(lambda value, _node: value, value) for name, value in values.items()}, origin
    )


def unshare(root: Any, path: str | Path) -> None:
    """Put a private copy of the node in the place of the one at `path`; the nodes it holds stay shared.

    Raises ConfigError if there is no node.
    """
    node = get_at(root, path)
    if not isinstance(node, BaseNode):
        raise ConfigError(f"{format_path(steps_of(path)) or 'the root'} is not a node: {brief(node)}")
    set_at(root, path, copy.copy(node), caller())


def cfg_with(root: N, values: Mapping[str, Any]) -> N:
    """A tree like `root` with other values at some paths. Only the nodes that hold them, however far, are copied."""
    changed = [(holder_of(root, steps_of(path))[0], path) for path in values]
    copies: dict[int, Any] = {id(node): copy.copy(node) for node, _ in changed}
    for node in children_first(root):
        if any(id(child) in copies for child in held_by(node)):
            new = copies.setdefault(id(node), copy.copy(node))
            set_arguments(new).update(_mapped(set_arguments(new), lambda value: copies.get(id(value), value)))
    new_root: N = copies.get(id(root), root)
    origin = caller()
    for path, value in values.items():
        set_at(new_root, path, value, origin)
    return new_root


def to_partial(node: BaseNode[T]) -> Partial[T]:
    """A `Partial` of what a node calls, with its arguments."""
    return _recast(Partial, node)


def to_config(described: BaseNode[T] | T) -> Config[T]:
    """A `Config` of what a node calls, with its arguments, or of an instance with fields, such as an executor.

    Of an instance it has what is not by default. Raises ConfigError if an argument is Fresh, and for anything else.
    """
    made = _recast(Config, described) if isinstance(described, BaseNode) else _described(described)
    if made is described:
        raise ConfigError(f"{brief(described)} has no fields, so there is no configuration of it")
    return cast("Config[T]", made)


def _recast(cls: type[N], node: Node) -> N:
    new = new_like(node, cls, {})
    set_arguments(new).update({name: keepable(new, name, value) for name, value in set_arguments(node).items()})
    return new


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """`value` with what `change` makes of everything in its containers, however deep, in the place of that."""
    if isinstance(value, list | tuple):
        return type(value)([_mapped(item, change) for item in value])
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    return change(value)


def _described(value: Any) -> Any:
    cls = type(value)
    if not is_data_class(cls):
        return value
    fields = {name: item for name, item in fields_of(value).items() if item != signature_of(cls).default(name)}
    return Config(cls, **_mapped(fields, _described))
