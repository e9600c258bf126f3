"""An entrypoint as plain data: every argument in its tree, what may be its value, and what that would bring.

`nodes` are tables of arguments by name, `makers` what can be named as a value. Both are referred to by number, so a
class that occurs in many places, or in itself, is described once.
"""

from __future__ import annotations

import enum
import inspect
import sys
import typing
from typing import TYPE_CHECKING, Any

import attrs

from nrun.cli.entrypoint import registered
from nrun.config.annotations import annotation_of, doc_of
from nrun.config.node import NODES, Config, Partial, set_arguments, target_of
from nrun.config.target import signature_of
from nrun.plugins import installed
from nrun.text import printable
from nrun_language_overrides.factories import Factories, Factory, is_protocol, provided_by
from nrun_language_overrides.invocation import RunSettings, known_factories
from nrun_language_overrides.members import members_of
from nrun_language_overrides.start import CONTEXT, default_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nrun import Entrypoint
    from nrun.config.node import Node

    Json = dict[str, Any]

MOST_NODES = 2000
_CONTAINERS = (list, tuple, set, frozenset)
_KINDS = {int: "number", float: "number", complex: "number", str: "text", dict: "map"} | dict.fromkeys(
    _CONTAINERS, "list"
)


def described(entry: Entrypoint) -> tuple[Json, list[str]]:
    """What can be typed after an entrypoint, and the files in which that is written. Raises what its factory raises."""
    hooks = installed()
    book = _Book(known_factories(hooks))
    executor = entry.default_executor or Config(hooks.executors.get(hooks.default_executor()).executor())
    settings = Config(RunSettings, executor=executor, plugins=list(entry.default_plugins))
    task = default_task(entry)
    root, run = book.node(task), book.node(settings)
    if entry.type == "experiment":
        book.nodes[0].pop(CONTEXT, None)  # the root, which is described first
    given = {one.name: provided_by(one.function) for one in registered if one.parent in (None, entry.function)}
    starts = [name for name, kind in given.items() if kind in (None, Partial)]
    files = {_file_of(called) for called in (*book.targets, *(one.function for one in registered))}
    told = {"root": root, "run": run, "starts": starts, "nodes": book.nodes, "makers": book.makers}
    return told, sorted(files - {""})


@attrs.define(eq=False)
class _Book:
    """What has been described so far."""

    factories: Factories
    nodes: list[Json] = attrs.field(factory=list)
    makers: list[Json] = attrs.field(factory=list)
    targets: list[Callable[..., Any]] = attrs.field(factory=list)
    numbers: dict[object, int] = attrs.field(factory=dict)

    def node(self, node: Node) -> int | None:
        """The table of a node, with what is set in it; None if there are too many tables."""
        return self._table(id(node), target_of(node), set_arguments(node))

    def _called(self, target: Callable[..., Any]) -> int | None:
        """The table of what `target` takes when it is called."""
        return self._table(target, target, {})

    def _table(self, key: object, target: Callable[..., Any], given: dict[str | int, Any]) -> int | None:
        if key in self.numbers:
            return self.numbers[key]
        if len(self.nodes) == MOST_NODES:
            return None
        self.numbers[key] = number = len(self.nodes)
        table: Json = {}
        self.nodes.append(table)  # before it is filled: what is in it may lead back to it
        self.targets.append(target)
        for name in dict.fromkeys((*signature_of(target).names, *given)):
            if isinstance(name, str):
                table[name] = {key: value for key, value in self._argument(target, name, given.get(name)) if value}
        return number

    def _argument(self, target: Callable[..., Any], name: str, value: object) -> Iterator[tuple[str, Any]]:
        members = list(members_of(annotation_of(target, name)))
        elements = [one for member in members for part in _parts(member) for one in members_of(part)]
        classes = [one for one in members if _is_described(one)]
        inner = [one for one in elements if _is_described(one)]
        makers = [self._maker(one) for one in self._makers((*classes, *inner), target, name)]
        yield "doc", printable(doc_of(target, name))
        yield "kind", next((_KINDS[kind] for kind in map(_plain, members) if kind in _KINDS), "")
        yield "values", [word for member in (*members, *elements) for word in _words(member) if _is_one_word(word)]
        yield "makers", makers
        yield "several", [self._maker(one) for one in self.factories.of_several(tuple(inner), target)]
        if type(value) in NODES:
            yield "node", self.node(typing.cast("Node", value))
        elif len(classes) == 1 and not inspect.isabstract(classes[0]):
            yield "node", self._called(classes[0])
        if isinstance(value, list | tuple):
            nodes = {str(index): item for index, item in enumerate(value) if type(item) in NODES}
            yield "items", {index: self.node(item) for index, item in nodes.items()}

    def _makers(self, classes: tuple[type, ...], target: Callable[..., Any], name: str) -> list[Factory]:
        """The factories for an argument; where there are none, the classes that can be named there."""
        given = [one for one in self.factories.fitting(classes, target, name) if one.provides or one.argument]
        named = [Factory(one.__name__, one, one) for one in classes if not inspect.isabstract(one)]
        return given if classes and given else named

    def _maker(self, factory: Factory) -> int:
        key = ("maker", factory.place)
        if key not in self.numbers:
            self.numbers[key] = len(self.makers)
            told: Json = {"name": factory.name, "doc": _first_line(factory.function)}
            self.makers.append(told)
            told["takes"] = self._called(factory.function)
            told["gives"] = self._called(factory.provides) if factory.provides else None
        return self.numbers[key]


def _parts(member: Any) -> tuple[Any, ...]:  # noqa: ANN401 - any annotation
    """The annotations of the elements of a container."""
    return typing.get_args(member) if _plain(member) in _CONTAINERS else ()


def _plain(member: Any) -> Any:  # noqa: ANN401 - any annotation
    return typing.get_origin(member) or member


def _is_described(member: Any) -> bool:  # noqa: ANN401 - any annotation
    """Whether a value of this type is written as a call or as the name of a factory."""
    if not isinstance(member, type) or issubclass(member, enum.Enum) or is_protocol(member):
        return False
    return member.__module__.partition(".")[0] not in sys.stdlib_module_names or member.__module__ == "__main__"


def _words(member: Any) -> Iterator[str]:  # noqa: ANN401 - any annotation
    """The words that a type admits, if they can be listed."""
    if typing.get_origin(member) is typing.Literal:
        yield from map(str, typing.get_args(member))
    elif member is bool:
        yield from ("true", "false")
    elif member is type(None):
        yield "null"
    elif isinstance(member, type) and issubclass(member, enum.Enum):
        yield from member.__members__


def _is_one_word(word: str) -> bool:
    return word.isprintable() and not any(char in "()[]{},'\"" for char in word)


def _first_line(function: Callable[..., Any]) -> str:
    line = (function.__doc__ or "").strip().partition("\n")[0]
    made = line.startswith(
        f"{getattr(function, '__name__', '')}("
    )  # a dataclass that was given none says its signature
    return "" if made else printable(line)


def _file_of(called: Callable[..., Any]) -> str:
    module = sys.modules.get(getattr(called, "__module__", None) or "")
    return getattr(module, "__file__", None) or ""
