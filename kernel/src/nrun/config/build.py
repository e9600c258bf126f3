"""From a description to the thing: every node is built once, however often it is reached."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar, overload

from nrun.config.node import Config, Partial, _Node, set_arguments, signature_of_node, target_of
from nrun.config.target import display_name
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nrun.config.node import Node

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
    problems: list[str] = []
    _survey(config, display_name(config.__nrun_target__), {}, [], problems)
    if problems:
        msg = "this configuration cannot be built:" + "".join(f"\n  {problem}" for problem in problems)
        raise ConfigError(msg)
    built: T | Callable[..., T] = _build(config, "<root>", {})
    return built


def _survey(value: Any, path: str, seen: dict[int, str], chain: list[int], problems: list[str]) -> None:  # noqa: ANN401
    """Look through a tree for what is missing and for cycles; every node once."""
    if isinstance(value, _Node):
        if id(value) in chain:
            problems.append(f"{path} contains itself (it is {seen[id(value)]})")
            return
        if id(value) in seen:
            return
        seen[id(value)] = path
        if isinstance(value, Config):  # a Partial may get the rest when it is called
            missing = signature_of_node(value).missing(set_arguments(value))
            problems += [f"{path}.{name} is required and not set" for name in missing]
        chain.append(id(value))
        for name, item in set_arguments(value).items():
            _survey(item, f"{path}.{name}", seen, chain, problems)
        chain.pop()
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _survey(item, f"{path}[{index}]", seen, chain, problems)
    elif isinstance(value, dict):
        for key, item in value.items():
            _survey(item, f"{path}[{key!r}]", seen, chain, problems)


def _build(value: Any, path: str, built: dict[int, Any]) -> Any:  # noqa: ANN401 - any value of a tree
    if isinstance(value, _Node):
        if id(value) not in built:
            built[id(value)] = _call(value, path, built)
        return built[id(value)]
    if isinstance(value, list | tuple):
        return type(value)([_build(item, f"{path}[{index}]", built) for index, item in enumerate(value)])
    if isinstance(value, dict):
        return {key: _build(item, f"{path}[{key!r}]", built) for key, item in value.items()}
    return value


def _call(node: Node, path: str, built: dict[int, Any]) -> Any:  # noqa: ANN401 - whatever the target gives
    arguments = {name: _build(value, f"{path}.{name}", built) for name, value in set_arguments(node).items()}
    args = positional(node, arguments)
    kwargs = {name: value for name, value in arguments.items() if isinstance(name, str)}
    target = target_of(node)
    if isinstance(node, Partial):
        return functools.partial(target, *args, **kwargs)
    try:
        return target(*args, **kwargs)
    except Exception as error:
        error.add_note(f"while building {path} ({display_name(node.__nrun_target__)})")
        raise


def positional(node: Node, arguments: dict[str | int, Any]) -> list[Any]:
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
