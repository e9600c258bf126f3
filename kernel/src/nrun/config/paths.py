"""Places in a tree, such as `model.layers[0].dim` or `env['A.B']`: read, followed, and walked over.

A path is a tuple of steps. A text is the name of an argument, a number the index of an element or of a
positional argument, and a `Key` the key of a dictionary. Reading a path changes nothing; setting one
goes through the node that holds the place, which checks the value and remembers where it came from.
"""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from nrun.arguments import UnknownArgument
from nrun.config.node import _Node, caller, put, remove, set_arguments
from nrun.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nrun.config.node import Node
    from nrun.config.origin import Origin


class Key(NamedTuple):
    """The step to the value of a dictionary under `key`."""

    key: Any


Step = str | int | Key
"""A name, an index, or the key of a dictionary; a name does for a key too."""
Path = tuple[Step, ...]

_STEP = re.compile(
    r"""(?P<dot>\.)?(?:(?P<name>[^\W\d]\w*)|(?P<number>\d+))"""
    r"""|\[(?:(?P<index>-?\d+)|'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)")\]""",
    re.DOTALL,
)


def parse_path(text: str) -> Path:
    """The steps of a path that names one place. Raises ConfigError for any other text."""
    steps: list[Step] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None or (found["name"] or found["number"] is not None) and bool(found["dot"]) == (at == 0):
            msg = f"{text!r} is not a path: it cannot be read from {text[at:]!r} on"
            raise ConfigError(msg, hint="write a path as in model.layers[0].dim or env['KEY']")
        at = found.end()
        number = found["index"] if found["index"] is not None else found["number"]
        if number is not None:
            steps.append(int(number))
        elif found["name"]:
            steps.append(found["name"])
        else:
            quoted = found["single"] if found["single"] is not None else found["double"]
            steps.append(Key(re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)))
    return tuple(steps)


def format_path(path: Iterable[Step]) -> str:
    """A path as text, which `parse_path` reads if its keys are texts and numbers."""
    text = ""
    for step in path:
        if isinstance(step, str):
            text += f".{step}" if text else step
        elif isinstance(step, int):
            text += f"[{step}]"
        elif isinstance(step.key, str):
            text += "['" + re.sub(r"(['\\])", r"\\\1", step.key) + "']"
        else:
            text += f"[{step.key!r}]"
    return text


# ---- walking


def walk(root: Any) -> Iterator[tuple[Path, Any]]:
    """Everything in a tree with its path, from the root down; what is in a shared node only at its first place."""
    seen: set[int] = set()
    todo: list[tuple[Path, Any]] = [((), root)]
    while todo:
        path, value = todo.pop()
        yield path, value
        if isinstance(value, _Node):
            if id(value) in seen:
                continue
            seen.add(id(value))
        todo += [((*path, step), item) for step, item in reversed(children(value))]


def nodes_of(root: Any) -> Iterator[tuple[Path, Node]]:
    """Every node of a tree once, with the first of its paths."""
    seen: set[int] = set()
    for path, value in walk(root):
        if isinstance(value, _Node) and id(value) not in seen:
            seen.add(id(value))
            yield path, value


def paths_to(root: Any, node: Node) -> list[Path]:
    """Every place at which a tree holds `node`: more than one when it is shared."""
    return [path for path, value in walk(root) if value is node]


def children(value: Any) -> list[tuple[Step, Any]]:
    """What is directly in a node or container."""
    if isinstance(value, _Node):
        return list(set_arguments(value).items())
    if isinstance(value, list | tuple):
        return list(enumerate(value))
    if isinstance(value, dict):
        return [(Key(key), item) for key, item in value.items()]
    return []


# ---- following


def get_at(root: Any, path: str | Path) -> Any:
    """What is at `path`; defaults count. Raises ConfigError naming the step that leads nowhere."""
    steps = _steps(path)
    value = root
    for index, step in enumerate(steps):
        value = _follow(value, step, steps[: index + 1])
    return value


def set_at(root: Any, path: str | Path, value: Any, origin: Origin | None = None) -> None:
    """Set what is at `path`, which came from `origin`, or else from the code that calls this.

    Raises ConfigError for no such place or an unfit value.

    An element of a container is set by giving the argument that holds it an edited copy, so that the whole is checked.
    """
    steps = _steps(path)
    node, name, inside = _holder(root, steps)
    put(node, name, _with(node[name], inside, steps, value) if inside else value, origin or caller())


def delete_at(root: Any, path: str | Path, origin: Origin | None = None) -> None:
    """Unset the argument, or remove the element or key, at `path`. Raises ConfigError when there is none."""
    steps = _steps(path)
    node, name, inside = _holder(root, steps)
    if inside:
        put(node, name, _without(node[name], inside, steps), origin or caller())
    else:
        remove(node, name, origin or caller())


def _steps(path: str | Path) -> Path:
    return parse_path(path) if isinstance(path, str) else path


def _holder(root: Any, path: Path) -> tuple[Node, str | int, Path]:
    """The node whose argument holds the place, the name of that argument, and the way on from there."""
    value, found = root, None
    for index, step in enumerate(path):
        if isinstance(value, _Node):
            found = value, _unwrapped(step), path[index + 1 :]
        if index + 1 < len(path):
            value = _follow(value, step, path[: index + 1])
    if found is None:
        msg = f"{format_path(path) or 'the root'} is not an argument of any node"
        raise ConfigError(msg)
    return found


def _unwrapped(step: Step) -> Any:
    return step.key if isinstance(step, Key) else step


def _follow(value: Any, step: Step, upto: Path) -> Any:
    key = _unwrapped(step)
    if isinstance(value, _Node):
        return value[key]
    if isinstance(value, list | tuple):
        return value[_index(value, key, upto)]
    if isinstance(value, dict):
        if key in value:
            return value[key]
        msg = f"{format_path(upto)} does not exist.{did_you_mean(str(key), map(str, value))}"
        raise UnknownArgument(msg)
    msg = f"{format_path(upto)} does not exist: {format_path(upto[:-1]) or 'the root'} is {value!r:.80}"
    raise UnknownArgument(msg)


def _index(value: list[Any] | tuple[Any, ...], key: Any, upto: Path) -> int:
    if isinstance(key, int) and -len(value) <= key < len(value):
        return key
    msg = f"{format_path(upto)} does not exist: {format_path(upto[:-1]) or 'the root'} has {len(value)} elements"
    raise UnknownArgument(msg)


def _with(value: Any, inside: Path, path: Path, new: Any) -> Any:
    """A container like `value` that has `new` at the place; the containers on the way are copies."""
    if not inside:
        return new
    upto, key = path[: len(path) - len(inside) + 1], _unwrapped(inside[0])
    if isinstance(value, dict) and len(inside) == 1:
        return {**value, key: new}
    item = _with(_follow(value, inside[0], upto), inside[1:], path, new)
    if isinstance(value, dict):
        return {**value, key: item}
    index = _index(value, key, upto) % len(value)
    return type(value)([*value[:index], item, *value[index + 1 :]])


def _without(value: Any, inside: Path, path: Path) -> Any:
    """A container like `value` that lacks the place; the containers on the way are copies."""
    if len(inside) > 1:
        upto = path[: len(path) - len(inside) + 1]
        smaller = _without(_follow(value, inside[0], upto), inside[1:], path)
        return _with(value, inside[:1], path[: len(path) - len(inside) + 1], smaller)
    _follow(value, inside[0], path)  # must exist
    key = _unwrapped(inside[0])
    if isinstance(value, dict):
        return {known: item for known, item in value.items() if known != key}
    index = key % len(value)
    return type(value)([*value[:index], *value[index + 1 :]])
