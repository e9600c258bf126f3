"""Tags of arguments, and what else is done to trees from Python; plugins and `%tag` see the same tags."""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import contextlib
import copy
import inspect
from typing import TYPE_CHECKING, Any, TypeVar

from nrun.arguments import UnknownArgument
from nrun.config.checks import checks_values, effective_default
from nrun.config.node import (
    PINNED,
    BaseNode,
    admitted,
    caller,
    keeps_trail,
    new_node,
    put,
    remove,
    set_arguments,
    set_tags,
    set_target,
    signature_of_node,
    target_of,
)
from nrun.config.order import children_first, held_by
from nrun.config.origin import Origin
from nrun.config.paths import format_path, get_at, holder_of, nodes_of, set_at, steps_of
from nrun.config.show import brief
from nrun.config.tags import tags_at
from nrun.config.target import check_name, display_name
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nrun.config.node import Node
    from nrun.config.paths import Path

N = TypeVar("N", bound=BaseNode[Any])


def add_tag(root: Node, path: str | Path, tag: str) -> None:
    """Tag the argument at `path`, set or not: `run.set_tagged` and `...%tag=` on the command line find it.

    Raises ConfigError if there is no such argument, and for a tag that is no name.
    """
    if not tag.isidentifier():
        msg = f"{tag!r} is no name, so it cannot be a tag"
        raise ConfigError(msg, hint="write letters, digits and _")
    node, name = _argument(root, path)
    set_tags(node, (node.__nrun_tags__ or frozenset()) | {(name, tag)})


def remove_tag(root: Node, path: str | Path, tag: str) -> None:
    """Take away a tag that `add_tag` gave. Raises ConfigError if the argument at `path` was not given it."""
    node, name = _argument(root, path)
    tags = node.__nrun_tags__ or frozenset()
    if (name, tag) not in tags:
        msg = f"{format_path(steps_of(path))} was not given the tag {tag!r}"
        raise ConfigError(msg)
    set_tags(node, tags - {(name, tag)} or None)


def tags_of(root: Node, path: str | Path) -> frozenset[str]:
    """The tags of the argument at `path`, those that its annotation names included. Raises ConfigError."""
    return tags_at(*_argument(root, path))


def set_tagged(root: Node, tag: str, value: Any) -> None:
    """Set every argument in the tree that carries a tag.

    Raises ConfigError, with nothing set, if none does, or the value does not fit one that does.
    """
    found = [
        (node, name)
        for _, node in nodes_of(root)
        for name in dict.fromkeys((*signature_of_node(node).names, *node, *(n for n, _ in node.__nrun_tags__ or ())))
        if tag in tags_at(node, name)
    ]
    if not found:
        msg = f"no argument is tagged {tag!r}"
        raise ConfigError(msg, hint="run.add_tag(cfg, path, tag) tags one")
    origin = caller()
    for node, name in found:
        admitted(node, name, value)
    for node, name in found:
        put(node, name, value, origin)


def identical(left: Node, right: Node) -> bool:
    """Whether two trees are equal and their arguments are tagged alike."""
    if left != right:
        return False
    todo: list[tuple[Any, Any]] = [(left, right)]
    seen: set[int] = set()
    while todo:  # the two have the same shape, but for arguments that are set in one of them to their default
        a, b = todo.pop()
        if isinstance(a, BaseNode):
            if id(a) in seen:
                continue
            seen.add(id(a))
            if (a.__nrun_tags__ or frozenset()) != (b.__nrun_tags__ or frozenset()):
                return False
            ours, theirs = set_arguments(a), set_arguments(b)
            todo += [(ours[name], theirs[name]) for name in ours.keys() & theirs.keys()]
        elif isinstance(a, dict):
            todo += [(item, b[key]) for key, item in a.items()]
        elif isinstance(a, list | tuple):
            todo += zip(a, b, strict=True)
    return True


def retarget(root: Node, path: str | Path, target: Callable[..., Any] | str) -> tuple[str | int, ...]:
    """Let the node at `path` call `target`, with those of its arguments that this takes too; gives the names of others.

    The node stays the same one, wherever it is shared. Raises ConfigError, with nothing changed, if there is no node
    or an argument that both take has a value that only the old target takes.
    """
    node = _node_at(root, path)
    trial = new_node(type(node), target, {})
    signature, kept, dropped = signature_of_node(trial), dict[str | int, Any](), list[str | int]()
    for name, value in set_arguments(node).items():
        try:
            check_name(signature, display_name(target), name)
        except UnknownArgument:
            dropped.append(name)
        else:
            kept[name] = admitted(trial, name, value)
    origin = caller()
    for name in dropped:
        remove(node, name, origin)
    set_arguments(node).update(kept)
    set_target(node, target)
    return tuple(dropped)


def unshare(root: Any, path: str | Path) -> None:
    """Put a private copy of the node in the place of the one at `path`; the nodes it holds stay shared.

    Raises ConfigError if there is no node.
    """
    set_at(root, path, copy.copy(_node_at(root, path)), caller())


def cfg_with(root: N, values: Mapping[str, Any]) -> N:
    """A tree like `root` with other values at some paths. Only the nodes that hold them, however far, are copied."""
    changed = [(holder_of(root, steps_of(path))[0], path) for path in values]
    copies: dict[int, Any] = {id(node): copy.copy(node) for node, _ in changed}
    for node in children_first(root):
        if any(id(child) in copies for child in held_by(node)):
            new = copies.setdefault(id(node), copy.copy(node))
            set_arguments(new).update({name: _replaced(value, copies) for name, value in set_arguments(new).items()})
    new_root: N = copies.get(id(root), root)
    origin = caller()
    for path, value in values.items():
        set_at(new_root, path, value, origin)
    return new_root


@contextlib.contextmanager
def no_trail() -> Iterator[None]:
    """Make and edit trees by the thousand without looking which code does it. Files and the like are noted as ever."""
    token = keeps_trail.set(False)
    try:
        yield
    finally:
        keeps_trail.reset(token)


@contextlib.contextmanager
def unchecked() -> Iterator[None]:
    """Set values that do not fit their annotations: for annotations that say less than is true."""
    token = checks_values.set(False)
    try:
        yield
    finally:
        checks_values.reset(token)


def pinned(root: N) -> N:
    """A copy of a tree with its defaults set, and tagged `pinned`, so that it means the same when they have changed.

    Loading a file of it tells which have. Defaults that cannot be written down are left out.
    """
    root = root.clone()
    todo = children_first(root)
    for node in todo:  # grows while what is in the defaults is met
        signature = signature_of_node(node)
        names: tuple[str | int, ...] = (*signature.names, *signature.defaults)
        for name in names:
            default = copy.deepcopy(effective_default(target_of(node), name))
            if name not in node and name not in signature.forwards and default is not inspect.Parameter.empty:
                with contextlib.suppress(ConfigError):
                    put(
                        node,
                        name,
                        default,
                        Origin("default", f"{display_name(node.__nrun_target__)}.{name}", note=PINNED),
                    )
                    set_tags(node, (node.__nrun_tags__ or frozenset()) | {(name, PINNED)})
                    todo += children_first(default)
    return root


def _node_at(root: Any, path: str | Path) -> Node:
    node = get_at(root, path)
    if not isinstance(node, BaseNode):
        raise ConfigError(f"{format_path(steps_of(path)) or 'the root'} is not a node: {brief(node)}")
    return node


def _argument(root: Node, path: str | Path) -> tuple[Node, str | int]:
    steps = steps_of(path)
    node, name, inside = holder_of(root, steps)
    if inside:
        msg = f"{format_path(steps)} is in the value of an argument; only arguments have tags"
        raise ConfigError(msg)
    check_name(signature_of_node(node), display_name(node.__nrun_target__), name)
    return node, name


def _replaced(value: Any, copies: Mapping[int, Any]) -> Any:
    """`value` with the nodes that have a copy replaced by it."""
    if isinstance(value, BaseNode):
        return copies.get(id(value), value)
    if isinstance(value, list | tuple):
        return type(value)([_replaced(item, copies) for item in value])
    if isinstance(value, dict):
        return {key: _replaced(item, copies) for key, item in value.items()}
    return value
