"""What is in a file, read by the annotation it is loaded for: `@file`, `@file:section`.

Whether a file holds the arguments of a node or a mapping is decided by the annotation, never by its keys. What nrun
writes itself, such as `$target` and `$ref`, is read as in `nrun.config.document_reader`; `$factory` names a factory.
"""
# ruff: noqa: ANN401 - an annotation may stand for any value

from __future__ import annotations

import contextlib
import functools
import os
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from nrun.config.annotations import annotation_of
from nrun.config.document_reader import Located, Reader, indexed, unescaped
from nrun.config.document_writer import escaped
from nrun.config.imports import find_allowed, importable_symbol
from nrun.config.node import NODES, put, set_arguments, target_of
from nrun.config.origin import Origin, came_from
from nrun.config.paths import Key, children, format_path, parse_path
from nrun.config.target import display_name, symbol_of
from nrun.config.values import is_path
from nrun.errors import ConfigError
from nrun.files import find_section
from nrun_language_overrides.includes import name_and_operator, read_with_includes
from nrun_language_overrides.literal import SyntaxProblem, parse
from nrun_language_overrides.problems import ConfigProblems, Problem, Source
from nrun_language_overrides.reader import Reading, read_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nrun.config import document_reader
    from nrun.config.document_writer import Steps
    from nrun.config.node import Node
    from nrun.model import Json
    from nrun.plugins import Hooks

T = TypeVar("T")
_ABOUT_A_NODE = frozenset({"$target", "$partial", "$id", "$tags", "$with"})
_ELSEWHERE = frozenset({"$ref", "$id", "$factory"})


def loader(reading: Reading, hooks: Hooks) -> Callable[[str, str], Section]:
    """What an include needs: gives a file, or a section of it, through the formats of `hooks`."""

    def load(file: str, section: str) -> Section:
        source = read_with_includes(file, hooks)
        return Section(TypedReader(source, reading), find_section(source, section))

    return load


@attrs.frozen
class Section:
    """A part of a file."""

    reader: TypedReader
    path: Steps

    @property
    def data(self) -> Any:
        """As the format gives it."""
        return self.reader.source.at(self.path)

    @property
    def is_own(self) -> bool:
        """Whether it is a mapping that stands for itself: not in several places, and not for something elsewhere."""
        data = self.data
        return isinstance(data, dict) and id(data) not in self.reader.repeated and not data.keys() & _ELSEWHERE

    @property
    def where(self) -> Source:
        """Where it was written."""
        return _where(self.reader.source, self.path)

    def origin(self, value: object) -> Origin:
        """Where `value` comes from, which was made of it."""
        return told(self.reader.source.origin(self.path), self.data, value)

    @property
    def brackets(self) -> str:
        """What stands around it where it is typed: it decides what `+=` means."""
        return "[]" if isinstance(self.data, list) else "{}" if isinstance(self.data, dict) else "one"

    def describes(self, node: Node) -> bool:
        """Whether it gives arguments for this node, and not something in its place."""
        data = self.data
        if not isinstance(data, dict) or "$target" not in data:
            return isinstance(data, dict)
        return bool(data["$target"] == importable_symbol(symbol_of(node.__nrun_target__)))

    def arguments(self, node: Node) -> Iterator[tuple[str | int, str, Section]]:
        """What it says of the arguments of a node: each with its name and operator. Raises ConfigProblems."""
        if not self.describes(node):
            expected = f"expected a mapping of the arguments of {display_name(node.__nrun_target__)}"
            raise ConfigProblems([Problem(format_path(self.path), expected, self.where)])
        for key in self.data:
            here = (*self.path, key)
            if key == "$args":
                for step, index, _ in indexed(self.data[key], target_of(node)):
                    yield index, "", Section(self.reader, (*here, step))
            elif key not in _ABOUT_A_NODE:
                name, op = name_and_operator(unescaped(key))
                yield name, op, Section(self.reader, here)

    def tag(self, node: Node) -> None:
        """Tag the arguments of a node, which it is about, as it says."""
        if "$tags" in self.data:
            with self.reader.at(*self.path):
                self.reader.tag(node, self.data["$tags"], {})

    def read(self, annotation: object, reading: Reading) -> Any:
        """The value of `annotation` that it holds. Raises ConfigProblems with every problem in it."""
        return self.reader.typed(self.path, annotation, reading)


class TypedReader(Reader):
    """Reads the arguments of nodes by their annotations."""

    def __init__(self, source: document_reader.Source, reading: Reading) -> None:
        def find(symbol: str) -> Any:
            return find_allowed(symbol, reading.allowed)

        super().__init__(source, find)
        self._plain_reader = functools.cache(lambda: Reader(source, find))
        self._reading = attrs.evolve(reading, source=None, made={})
        self._problems: list[Problem] = []
        self._prefix: tuple[str, int] = "", 0
        """The path of the argument that is read, and how many steps lead to its place in the file."""
        self._mappings: dict[int, dict[str, Any]] = {}
        self._known: dict[int, Node] = {}
        """The nodes that know where they were written."""

    def typed(self, path: Steps, annotation: object, reading: Reading) -> Any:
        """The value of `annotation` at a place. Raises ConfigProblems."""
        self._problems, self._prefix = [], (reading.path, len(path))
        value = None
        try:
            with self.at(*path), contextlib.suppress(ConfigProblems):  # they are noted
                value = self._typed(self.source.at(path), annotation, reading.parent, reading.argument)
        except Located as error:
            self._problem(error.path, error.reason, error.hint)
        if self._problems:
            raise ConfigProblems(self._problems)
        return value

    def text(self, text: str) -> Any:
        """As it is: the annotation decides what it means."""
        return text

    def mapping(self, form: dict[str, Json]) -> Any:
        """As other documents have it, and factories."""
        if "$factory" in form:
            if not isinstance(form["$factory"], str):
                raise ConfigError("a $factory is text", hint='as in {"$factory": "adam(lr=1)"}')
            try:
                return parse(form["$factory"])
            except SyntaxProblem as problem:
                raise ConfigError(problem.message) from None
        if "$object" in form:  # what is in it is not read again
            return self._plain_reader().value(form)
        if id(form) not in self._mappings:
            value = super().mapping(form)
            if type(value) is not dict or "$dict" in form:
                return value
            self._mappings[id(form)] = {key.replace("${", "\\${"): item for key, item in value.items()}  # keys are text
        return self._mappings[id(form)]

    def argument(self, node: Node, name: str | int, form: Json) -> None:
        """Set an argument to what its annotation makes of a form; what is wrong is told later, with all the rest."""
        self._known[id(node)] = node
        try:
            with contextlib.suppress(ConfigProblems):  # they are noted
                value = self._typed(form, annotation_of(node, name), node.__nrun_target__, str(name))
                put(node, name, value, told(self.source.origin(self.path), form, value))
        except Located:
            raise
        except ConfigError as error:
            self._problem(self.path, error.message, error.hint)

    def _typed(self, form: Json, annotation: object, parent: object, argument: str | None) -> Any:
        value = self.value(form)
        try:
            reading = attrs.evolve(self._reading, parent=parent, argument=argument, folder=self._folder)
            value = read_value(value, annotation, reading)
        except ConfigProblems as error:
            for problem in error.problems:
                self._problem((*self.path, *_steps_in_file(problem.path)), problem.message, *problem.hints)
            raise
        except Exception as error:
            file, line, column = self.source.place(self.path)
            error.add_note(f"at {file.name}:{line}:{column}")
            raise
        self._mark(value)
        self._refine(value, form)
        return value

    def _refine(self, value: Any, form: Json) -> None:
        """Set the arguments that stand beside every `$factory` of a form in what that gave."""
        if isinstance(form, list) and isinstance(value, list | tuple):
            for index, (item, inner) in enumerate(zip(value, form, strict=False)):
                with self.at(index):
                    self._refine(item, inner)
        elif isinstance(form, dict) and "$factory" in form:
            self._set_beside(value, form)
        elif isinstance(form, dict) and "$target" not in form:  # of a target each argument is read for itself
            inside: Mapping[Any, Any] = set_arguments(value) if type(value) in NODES else value
            for key, inner in form.items() if isinstance(inside, dict) else ():
                with self.at(key):
                    self._refine(inside.get(unescaped(key)), inner)

    def _set_beside(self, value: Any, form: dict[str, Json]) -> None:
        for key, item in form.items():
            if key == "$factory":
                continue
            if type(value) not in NODES:
                raise ConfigError(f"nothing can stand beside this $factory: it gives {value!r:.80}")
            with self.at(key):
                self.argument(value, unescaped(key), item)

    @property
    def _folder(self) -> str:
        """The folder of the file in which what is read is written."""
        return os.path.dirname(self.source.place(self.path)[0].name)  # noqa: PTH120 - text

    def _mark(self, value: Any) -> None:
        """Let the nodes that were made of mappings know where those stand."""
        todo = [(self.path, value)]
        while todo:
            path, value = todo.pop()
            if id(value) in self._known:
                continue
            if type(value) in NODES:
                self._known[id(value)] = value
                came_from(value, functools.partial(self._origin_below, path))
            todo += [((*path, *_in_file((step,))), item) for step, item in children(value)]

    def _origin_below(self, path: Steps, name: str | int | None) -> Origin:
        return self.source.origin(path if name is None else (*path, *_in_file((name,))))

    def _problem(self, path: Steps, message: str, *hints: str | None) -> None:
        base, depth = self._prefix
        told = format_path(("it", *path[depth:])).removeprefix("it")
        shown = f"{base}{told}".removeprefix(".")
        self._problems.append(Problem(shown, message, _where(self.source, path), tuple(filter(None, hints))))


def told(origin: Origin, written: object, value: object) -> Origin:
    """An origin that also tells what was written where a path is relative to the file."""
    return attrs.evolve(origin, text=written) if is_path(value) and isinstance(written, str) else origin


def _where(source: document_reader.Source, path: Steps) -> Source:
    """The place of a value in a file, from there to the end of the line."""
    file, line, column = source.place(path)
    text = file.line(line)
    return Source(f"{file.name}:{line}:{column}", text, column - 1, len(text.rstrip()), source.origin(path))


def _in_file(path: tuple[Any, ...]) -> Steps:
    """A path in a tree as one in the data of a file."""
    return tuple(
        step if isinstance(step, int) else escaped(str(step.key if isinstance(step, Key) else step)) for step in path
    )


def _steps_in_file(path: str) -> Steps:
    try:
        return _in_file(parse_path(path))
    except ConfigError:  # a key that no path can name
        return ()
