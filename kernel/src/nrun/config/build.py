"""From a description to the thing: every node is built once, however often it is reached."""
# ruff: noqa: ANN401 - what a target takes and gives may be of any type

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from nrun.config.node import NODES, Config, Fresh, Partial, keepable, signature_of_node
from nrun.config.order import children_first
from nrun.config.target import display_name, signature_of
from nrun.config.values import PLAIN, is_special
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nrun.config.node import Node
    from nrun.config.paths import Step

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
        msg = f"{config!r:.80} cannot be built"
        raise ConfigError(msg, hint="build makes what a Config or Partial describes")
    order = children_first(config)
    _survey(config, order)
    built: dict[int, Any] = {}
    for node in order:
        built[id(node)] = _called(config, node, built)
    return built[id(config)]  # type: ignore[no-any-return] # as the overloads say


def _survey(root: Node, order: list[Node]) -> None:
    """Raise ConfigError listing what is wrong anywhere in the tree, before anything is called."""
    wrong = {id(node): problems for node in order if (problems := _problems(node))}
    if wrong:
        from nrun.config.paths import format_path, nodes_of

        told = [
            f"\n  {format_path((*path, *steps)) or 'the root'}{text}"
            for path, node in nodes_of(root)
            for steps, text in wrong.get(id(node), ())
        ]
        raise ConfigError("this configuration cannot be built:" + "".join(told))


def _problems(node: Node) -> list[tuple[tuple[Step, ...], str]]:
    """What is wrong with one node: the steps to where it is, and what it is."""
    arguments, target = node.__nrun_args__, node.__nrun_target__
    named = type(target) is str
    problems: list[tuple[tuple[Step, ...], str]] = []
    try:
        signature = signature_of_node(node) if isinstance(target, str) else signature_of(target)
        if named or not _SETTLED.issuperset(map(type, arguments.values())):
            for name, value in arguments.items():
                keepable(node, name, value)  # the name may not have been checked yet, and containers may be edited
                if is_special(value):
                    problems.append(((name,), f" is {value!r}, which nothing has settled yet"))
    except ConfigError as error:
        return [((), f": {error}")]
    if signature.required and type(node) is not Partial:  # a Partial may get the rest when it is called
        problems += [((name,), " is required and not set") for name in signature.required if name not in arguments]
    return problems


_SETTLED = PLAIN | NODES


def _called(root: Node, node: Node, built: dict[int, Any]) -> Any:
    """What a node makes of its arguments; the nodes in them are built already."""
    arguments: dict[Any, Any] = node.__nrun_args__
    if not PLAIN.issuperset(map(type, arguments.values())):
        arguments = {
            name: value if type(value) in PLAIN else _with_built(value, built) for name, value in arguments.items()
        }
    target = cast("Callable[..., Any]", node.__nrun_target__)  # the survey has imported it
    args: list[Any] = []
    if signature_of(target).by_index:
        arguments = dict(arguments)
        args = positional(node, arguments)
    if type(node) is Config:
        try:
            return target(*args, **arguments)
        except Exception as error:
            from nrun.config.paths import format_path, paths_to

            place = format_path(paths_to(root, node)[0]) or "the root"
            error.add_note(f"while building {place} ({display_name(target)})")
            raise
    from nrun.config.fresh import FreshPartial, Maker, makes_anew

    if type(node) is Fresh:
        return Maker(target, args, arguments)
    kind = FreshPartial if makes_anew([*args, *arguments.values()]) else functools.partial
    return kind(target, *args, **arguments)


def _with_built(value: Any, built: dict[int, Any]) -> Any:
    kind = type(value)
    if kind in NODES:
        return built[id(value)]
    if kind is list or kind is tuple:
        return kind([item if type(item) in PLAIN else _with_built(item, built) for item in value])
    if kind is dict:
        return {key: _with_built(item, built) for key, item in value.items()}
    return set(value) if kind is set else value


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
