"""From a description to the thing: every node is built once, however often it is reached."""
# ruff: noqa: ANN401 - what a target takes and gives may be of any type

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from nrun.config.node import NODES, Config, Fresh, Partial, keepable, signature_of_node
from nrun.config.order import children_first, completed, lacking
from nrun.config.target import display_name, signature_of
from nrun.config.values import PLAIN, is_path, is_special
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nrun.config.node import Node
    from nrun.config.paths import Path
    from nrun.config.target import Signature

T = TypeVar("T")


@overload
def build(config: Config[T]) -> T: ...
@overload
def build(config: Partial[T]) -> Callable[..., T]: ...


def build(config: Config[T] | Partial[T]) -> T | Callable[..., T]:
    """Make what `config` describes.

    Raises ConfigError listing every required argument that is missing anywhere in the tree, before
    anything is called, and for a tree that contains itself. What a target raises is passed on with a
    note that says where in the tree it happened.
    """
    if type(config) not in (Config, Partial):
        raise ConfigError(f"{config!r:.80} cannot be built", hint="build makes what a Config or Partial describes")
    built: dict[int, Any] = {}
    order = children_first(config)
    signatures = _surveyed(config, order)
    if any(signature.described and lacking(node) for node, signature in zip(order, signatures, strict=True)):
        return build(completed(config))
    for node, signature in zip(order, signatures, strict=True):
        arguments: dict[Any, Any] = node.__nrun_args__
        if not PLAIN.issuperset(map(type, arguments.values())):
            arguments = {
                name: value if type(value) in PLAIN else _with_built(value, built) for name, value in arguments.items()
            }
        args: list[Any] = []
        if signature.by_index:
            arguments = dict(arguments)
            args = positional(node, arguments)
        try:
            built[id(node)] = _made(node, args, arguments)
        except Exception as error:
            from nrun.config.paths import format_path, paths_to

            place = format_path(paths_to(config, node)[0]) or "the root"
            error.add_note(f"while building {place} ({display_name(node.__nrun_target__)})")
            raise
    return built[id(config)]  # type: ignore[no-any-return] # as the overloads say


def _surveyed(root: Node, order: list[Node]) -> list[Signature]:
    """The signature of every node, all of which can be built as far as that can be known beforehand.

    Raises ConfigError listing what is wrong anywhere in the tree.
    """
    surveyed: list[Signature] = []
    wrong: dict[int, list[tuple[Path, str]]] = {}
    for node in order:
        arguments, target = node.__nrun_args__, node.__nrun_target__
        kinds = set(map(type, arguments.values()))
        problems: list[tuple[Path, str]] = []
        try:
            signature = signature_of_node(node) if isinstance(target, str) else signature_of(target)
            # Names were not checked if the target was one; containers may have been edited.
            if isinstance(target, str) or signature.by_index or not kinds <= _SETTLED:
                problems = _unfit(node, signature)
            surveyed.append(signature)
        except ConfigError as error:
            problems.append(((), f": {error}"))
        else:
            if type(node) is not Partial:  # a Partial may get the rest when it is called
                for name in signature.required:
                    if name not in arguments:
                        problems.append(((name,), " is required and not set"))
        if problems:
            wrong[id(node)] = problems
    if wrong:
        from nrun.config.paths import format_path, nodes_of

        told = [
            f"\n  {format_path((*path, *steps)) or 'the root'}{text}"
            for path, node in nodes_of(root)
            for steps, text in wrong.get(id(node), ())
        ]
        raise ConfigError("this configuration cannot be built:" + "".join(told))
    return surveyed


_SETTLED = PLAIN | NODES


def _unfit(node: Node, signature: Signature) -> list[tuple[Path, str]]:
    """What cannot be built among the arguments of a node. Raises ConfigError for what cannot be kept."""
    unfit: list[tuple[Path, str]] = []
    for name, value in node.__nrun_args__.items():
        keepable(node, name, value)
        if is_special(value):
            unfit.append(((name,), f" is {value!r}, which nothing has settled yet"))
    if signature.by_index:
        positional(node, dict(node.__nrun_args__))
    return unfit


def _made(node: Node, args: list[Any], arguments: dict[str, Any]) -> Any:
    """What a node makes of its arguments, which are built."""
    target = cast("Callable[..., Any]", node.__nrun_target__)  # imported by now
    if type(node) is Config:
        return target(*args, **arguments)
    from nrun.config.fresh import FreshPartial, Maker, makes_anew

    if type(node) is Fresh:
        return Maker(target, args, dict(arguments))
    kind = FreshPartial if makes_anew([*args, *arguments.values()]) else functools.partial
    return kind(target, *args, **arguments)


def _with_built(value: Any, built: dict[int, Any]) -> Any:
    kind = type(value)
    if kind in NODES:
        return built[id(value)]
    if kind in (list, tuple, set, frozenset):
        return kind([item if type(item) in PLAIN else _with_built(item, built) for item in value])
    if kind is dict:
        return {key: _with_built(item, built) for key, item in value.items()}
    return value.expanduser() if is_path(value) else value


def positional(node: Node, arguments: dict[Any, Any]) -> list[Any]:
    """Take the positional arguments out of `arguments`, in order, with the named ones that must precede them."""
    indices = [index for index in arguments if isinstance(index, int)]
    if not indices:
        return []
    names = signature_of_node(node).positional
    args = []
    for index in range(max(indices) + 1):
        name = names[index] if index < len(names) else None
        key: str | int = index if name is None else name
        if key not in arguments:
            msg = f"{display_name(node.__nrun_target__)}: positional argument {index} is not set, but a later one is"
            raise ConfigError(msg)
        args.append(arguments.pop(key))
    return args
