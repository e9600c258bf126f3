"""Places in a tree, such as `model.layers[0].dim` or `env['A.B']`: read, followed, and walked over.

A path is a tuple of steps. A text is the name of an argument, a number the index of an element or of a
positional argument, and a `Key` the key of a dictionary. Reading a path changes nothing; setting one
goes through the node that holds the place, which checks the value and remembers where it came from.
"""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from nrun.arguments import UnknownArgument
from nrun.config.node import BaseNode, caller, put, set_arguments
from nrun.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from nrun.config.node import CodeOrigin, Node
    from nrun.config.origin import Origin


class Key(NamedTuple):
    """The step to the value of a dictionary under `key`."""

    key: Any


Step = str | int | Key
"""A name, an index, or the key of a dictionary; a name does for a key too."""
Path = tuple[Step, ...]

_STEP = re.compile(
    r"""(?P<dot>\.)?(?P<dotted>(?P<name>[^\W\d]\w*)|(?P<number>\d+))"""
    r"""|\[(?:(?P<index>-?\d+)|'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)")\]""",
    re.DOTALL,
)


def parse_path(text: str) -> Path:
    """The steps of a path that names one place. Raises ConfigError for any other text."""
    steps: list[Step] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None or (found["dotted"] and bool(found["dot"]) == (at == 0)):
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
        if isinstance(value, BaseNode):
            if id(value) in seen:
                continue
            seen.add(id(value))
        todo += [((*path, step), item) for step, item in reversed(children(value))]


def nodes_of(root: Any) -> list[tuple[Path, Node]]:
    """Every node of a tree once, with the first of its paths."""
    found: dict[int, tuple[Path, Node]] = {}
    for path, value in walk(root):
        if isinstance(value, BaseNode):
            found.setdefault(id(value), (path, value))
    return list(found.values())


def paths_to(root: Any, node: Node) -> list[Path]:
    """Every place at which a tree holds `node`: more than one when it is shared."""
    return [path for path, value in walk(root) if value is node]


def children(value: Any) -> list[tuple[Step, Any]]:
    """What is directly in a node or container."""
    if isinstance(value, BaseNode):
        return list(set_arguments(value).items())
    if isinstance(value, list | tuple):
        return list(enumerate(value))
    if isinstance(value, dict):
        return [(Key(key), item) for key, item in value.items()]
    return []


# ---- following


def get_at(root: Any, path: str | Path) -> Any:
    """What is at `path`; defaults count. Raises ConfigError naming the step that leads nowhere."""
    steps, value = steps_of(path), root
    for index in range(len(steps)):
        value = _follow(value, steps, index)
    return value


def set_at(root: Any, path: str | Path, value: Any, origin: Origin | CodeOrigin | None = None) -> None:
    """Set what is at `path`, which came from `origin`, or else from the code that calls this.

    An element of a container is set by giving the argument that holds it an edited copy, so that the whole is checked.
    Raises ConfigError for no such place or an unfit value.
    """
    steps = steps_of(path)
    node, name, inside = holder_of(root, steps)
    if inside:
        value = edited(node[name], inside, steps, lambda container, key: operator.setitem(container, key, value))
    put(node, name, value, origin or caller())


def steps_of(path: str | Path) -> Path:
    """A path that may be given as text."""
    return parse_path(path) if isinstance(path, str) else path


def holder_of(root: Any, path: Path) -> tuple[Node, str | int, Path]:
    """The node whose argument holds the place, the name of that argument, and the way on from there."""
    value, found = root, None
    for index in range(len(path)):
        if isinstance(value, BaseNode):
            found = value, index
        if index + 1 < len(path):
            value = _follow(value, path, index)
    if found is None:
        raise ConfigError(f"{_told(path)} is not an argument of any node")
    node, index = found
    return node, key_of(path[index]), path[index + 1 :]


def _follow(value: Any, path: Path, index: int) -> Any:
    """What is in `value` at step `index` of a path. Paths are cut only to be told: there may be thousands of steps."""
    key = key_of(path[index])
    if isinstance(value, BaseNode):  # an argument that is set is not noted as read, as it would be by `value[key]`
        return set_arguments(value)[key] if key in value else value[key]
    if isinstance(value, dict) and key in value:
        return value[key]
    if isinstance(value, list | tuple):
        return value[_index(value, path, index)]
    if isinstance(value, dict):
        why = f"there are {', '.join(map(repr, value)) or 'no keys'}.{did_you_mean(str(key), map(str, value))}"
    else:
        why = f"{_told(path[:index])} is {value!r:.80}"
    raise UnknownArgument(f"{_told(path[: index + 1])} does not exist: {why}")


def _index(value: list[Any] | tuple[Any, ...], path: Path, index: int) -> int:
    key = key_of(path[index])
    if isinstance(key, int) and -len(value) <= key < len(value):
        return key
    where, whole = _told(path[: index + 1]), _told(path[:index])
    raise UnknownArgument(f"{where} does not exist: {whole} has {len(value)} elements")


def edited(value: Any, inside: Path, path: Path, edit: Callable[[Any, Any], None]) -> Any:
    """A container like `value` with `edit` done at the place; the containers on the way are copies."""
    index, key = len(path) - len(inside), key_of(inside[0])
    if len(inside) > 1:
        item = edited(_follow(value, path, index), inside[1:], path, edit)
        return edited(
            value, inside[:1], path[: index + 1], lambda container, key: operator.setitem(container, key, item)
        )
    if isinstance(value, list | tuple):
        copied: Any = list(value)
        key = _index(value, path, index)
    elif isinstance(value, dict):
        copied = dict(value)
    else:
        return _follow(value, path, index)  # which says why not
    edit(copied, key)
    return type(value)(copied)


def key_of(step: Step) -> Any:
    """What a step is in the value it leads into: a name, an index, or the key of a mapping."""
    return step.key if isinstance(step, Key) else step


def _told(path: Path) -> str:
    return format_path(path) or "the root"
