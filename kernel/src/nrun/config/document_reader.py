"""From the plain data of documents to trees, in whichever way names may be imported; see `document_writer.py`."""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import contextlib
import json
import re
import warnings
from typing import TYPE_CHECKING, Any

import attrs

from nrun.config.codec import Decoder
from nrun.config.document_writer import CREATED_BY, KINDS, VERSION, VERSION_KEY
from nrun.config.foreign import name_as_here
from nrun.config.imports import local_symbol, package_of
from nrun.config.node import PINNED, Config, new_node, put, set_arguments, set_tags, set_trail
from nrun.config.origin import Origin
from nrun.config.show import brief
from nrun.config.special import Reference, Sweep, Unread
from nrun.config.tags import tags_read
from nrun.config.target import display_name, signature_of
from nrun.errors import ConfigError, did_you_mean
from nrun.secret import URL, Secret, unescape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nrun.config.document_writer import Steps
    from nrun.config.migrations import Migration
    from nrun.config.node import Node
    from nrun.model import Document, Json

_OF_A_NODE = frozenset({"$target", "$args", "$id", "$tags", "$with", *KINDS})
_KNOWN = frozenset({"$ref", "$sweep", "$include", "$factory", *_OF_A_NODE, *Decoder._READERS})  # noqa: SLF001 - as Reader
_IMPORTED = frozenset({"$object", "$enum", "$symbol"})
_REFERENCE = re.compile(r"(?<!\\)\$\{")


@attrs.frozen(eq=False)
class TextFile:
    """A text as it was read: what it is called, its lines, and what else is worth knowing, such as who included it."""

    name: str
    lines: Sequence[str] = attrs.field(repr=False)
    note: str = ""

    def line(self, number: int) -> str:
        """A line by its number, from 1; empty if there is none."""
        return self.lines[number - 1] if number <= len(self.lines) else ""


@attrs.frozen(eq=False)
class Source:
    """Plain data, and where each value in it was written: file, line and column, from 1."""

    data: Json
    places: Mapping[Steps, tuple[TextFile, int, int]]

    @classmethod
    def of(cls, document: Document, file: TextFile) -> Source:
        """What a format read from a file. Raises Located if a newer nrun wrote it."""
        places = {path: (file, *place) for path, place in document.positions.items()}
        source = cls(document.data, {(): (file, 1, 1), **places})
        if not isinstance(document.data, dict):
            return source
        data = {key: item for key, item in document.data.items() if key not in (VERSION_KEY, CREATED_BY)}
        if VERSION_KEY not in document.data:  # written by hand, or by another tool
            name_as_here(data, set())
            return cls(data, source.places)
        version = str(document.data[VERSION_KEY])
        if version.partition(".")[0] != str(VERSION):
            told = f"this file is of version {version}; this nrun reads {VERSION}"
            by = document.data.get(CREATED_BY, "the nrun that wrote it")
            raise source.error((VERSION_KEY,), told, f"use {by}, or a newer one")
        if "." in version:  # a later one may say more of a file, and does well without
            data = {key: item for key, item in data.items() if key in _KNOWN or not _means_something(key)}
        return cls(data, source.places)

    def at(self, path: Steps) -> Any:
        """What is at a path."""
        data: Any = self.data
        for step in path:
            data = data[step]
        return data

    def place(self, path: Steps) -> tuple[TextFile, int, int]:
        """Where a value, or else the nearest one around it, was written."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places[path]

    def origin(self, path: Steps) -> Origin:
        """The place of a value as the trail keeps it."""
        file, line, column = self.place(path)
        return Origin("file", f"{file.name}:{line}:{column}", note=file.note)

    def error(self, path: Steps, message: str, hint: str | None = None) -> Located:
        """An error that shows the line, with a caret."""
        file, line, column = self.place(path)
        text = "".join(char if char.isprintable() else " " for char in file.line(line))
        told = f"{file.name}:{line}:{column}: {message}\n  {text}\n  {' ' * (column - 1)}^"
        return Located(told, path, message, hint)


class Located(ConfigError):  # noqa: N818 - a ConfigError like any other; only its place is known
    """An error in a document: at `path`, because of `reason`."""

    def __init__(self, message: str, path: Steps, reason: str, hint: str | None) -> None:
        super().__init__(message, hint=hint)
        self.path = path
        self.reason = reason


class Reader(Decoder):
    """Reads the data of a document.

    `find` gives what a symbol names; without it nothing is imported: targets stay names, and enum members and the
    like become `Unread`. `migrations` are applied to every node, in order; where names are imported, so are those that
    the top-level package of its target gives, if it has a function `nrun_migrations`.
    """

    def __init__(self, source: Source, find: Callable[[str], Any] | None, migrations: Sequence[Migration] = ()) -> None:
        super().__init__(lambda symbol: find(local_symbol(symbol)) if find else symbol)
        self.source = source
        self.path: Steps = ()
        """Where the form stands that is read."""
        self.repeated: set[int] = set()
        """The ids of the mappings and lists that stand in several places."""
        self._imports = find is not None
        self._drift: list[str] = []
        self._migrations = migrations
        self._of_packages: dict[str, tuple[Migration, ...]] = {}
        self._reported: set[str] = set()
        self._open: set[int] = set()
        self._numbered: dict[str, tuple[Steps, dict[str, Json]]] = {}
        early: list[tuple[str, Steps]] = []
        self._number((), source.data, set(), early)
        self._moved: dict[Steps, list[tuple[str | int, str | int]]] = {}
        for number, place in early:
            if number in self._numbered:
                path, steps = _apart(place, self._numbered[number][0])
                self._moved.setdefault(path, []).append(steps)

    def read(self, path: Steps = ()) -> Any:
        """The value at a place. Raises Located."""
        with self.at(*path):
            value = self.value(self.source.at(path))
        if told := self.drift():
            warnings.warn(told, stacklevel=2)
        return value

    def drift(self) -> str:
        """That defaults which were pinned in what was read are others now; empty if there are none."""
        told = "defaults have changed, and those of the file are kept"
        return f"{self.source.place(())[0].name}: {told}: {', '.join(self._drift)}" if self._drift else ""

    @contextlib.contextmanager
    def at(self, *steps: str | int) -> Iterator[None]:
        """While what stands at these steps from here is read: errors show that place."""
        before, self.path = self.path, (*self.path, *steps)
        try:
            yield
        except Located:
            raise
        except ConfigError as error:
            raise self.source.error(self.path, error.message, error.hint) from error
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise self.source.error(self.path, f"this cannot be read: {error!r}") from error
        finally:
            self.path = before

    def value(self, form: Json) -> Any:
        """The value of a form."""
        if isinstance(form, str):
            return self.text(form)
        if isinstance(form, list):
            return [self._inside(index, item) for index, item in enumerate(form)]
        return self.mapping(form) if isinstance(form, dict) else form

    def text(self, text: str) -> Any:
        """What a text stands for: itself, or the value of something else."""
        if text.startswith(URL):
            return Secret.parse(text)
        text = unescape(text)
        return Reference.parse(text) if _REFERENCE.search(text) else text.replace("\\${", "${")

    def mapping(self, form: dict[str, Json]) -> Any:
        """What a mapping stands for: a node, a value that JSON lacks, or itself."""
        if "$target" in form:
            return self._node(form)
        tag = next(filter(_means_something, form), None)
        if tag is None:
            return {unescaped(key): self._inside(key, form[key]) for key in self._ordered(form)}
        if tag == "$ref":
            return self._referred(str(form[tag]))
        if tag == "$sweep":
            return Sweep(tuple(self._inside(tag, form[tag])))
        if not self._imports and tag in _IMPORTED:
            return Unread(json.dumps(form))
        if tag not in self._READERS or tag in ("$config", *KINDS):
            msg = f"{tag} is not known here.{did_you_mean(tag, ('$target', '$ref', '$sweep', *self._READERS))}"
            raise ConfigError(msg, hint=f"a key of your own that begins with $ is written ${tag}")
        return self._READERS[tag](self, form)

    def argument(self, node: Node, name: str | int, form: Json) -> None:
        """Set an argument of a node to the value of a form."""
        put(node, name, self.value(form), self.source.origin(self.path))

    def _inside(self, step: str | int, form: Json) -> Any:
        with self.at(step):
            return self.value(form)

    def _node(self, form: dict[str, Any]) -> Node:
        if id(form) in self._open:
            raise ConfigError("this node would contain itself", hint="give one of them a copy")
        if id(form) not in self._nodes:
            self._open.add(id(form))
            try:
                self._nodes[id(form)] = self._new_node(form)
            finally:
                self._open.remove(id(form))
        return self._nodes[id(form)]

    def _new_node(self, form: dict[str, Any]) -> Node:
        symbol, kinds = form["$target"], [kind for key, kind in KINDS.items() if form.get(key, False)]
        unknown = [key for key in form if _means_something(key) and key not in _OF_A_NODE]
        if unknown or len(kinds) > 1 or not isinstance(symbol, str) or ":" not in symbol:
            msg = f"{unknown[0]} is not known" if unknown else "a node has a $target: module:name, and one kind"
            raise ConfigError(msg, hint="a key of your own that begins with $ is written with one more $")
        keys = {unescaped(key): key for key in self._ordered(form) if key not in _OF_A_NODE}
        old, (symbol, keys) = symbol, self._called_now(symbol, keys)
        target = self._find(symbol) if self._imports else symbol
        if not isinstance(target, str):
            signature_of(target)  # that it can be called
        node = new_node(kinds[0] if kinds else Config, target, {}, self.source.origin(self.path))
        for index, other in enumerate(form.get("$with", [])):
            with self.at("$with", index):
                self._node(other)
        for step, name, item in indexed(form.get("$args", []), target):
            with self.at("$args", step):
                self.argument(node, name, item)
        for name, key in keys.items():
            with self.at(key):
                self.argument(node, name, form[key])
            if (symbol, name) != (old, unescaped(key)) and name in node:
                migrated = Origin("migrated", f"{old}.{unescaped(key)}")
                set_trail(node, (name, migrated, brief(node[name]), node.__nrun_trail__))
        if "$tags" in form:
            self.tag(node, form["$tags"], {unescaped(key): name for name, key in keys.items()})
        return node

    def tag(self, node: Node, form: Json, now: Mapping[str, str]) -> None:
        """Tag arguments of a node, by what they are called `now`; note which are pinned to what was a default."""
        target, set_there = node.__nrun_target__, set_arguments(node)
        with self.at("$tags"):
            tags = frozenset((now.get(str(name), name), tag) for name, tag in tags_read(form))
        set_tags(node, tags | (node.__nrun_tags__ or frozenset()))
        for name in sorted((name for name, tag in tags if tag == PINNED and name in set_there), key=str):
            if self._imports and new_node(Config, target, {name: set_there[name]}) != new_node(Config, target, {}):
                self._drift.append(f"{display_name(target)}.{name} is {brief(signature_of(target).default(name))}")

    def _called_now(self, symbol: str, keys: dict[str, str]) -> tuple[str, dict[str, str]]:
        """A target and its arguments as they are called now: by the steps given, then by those of its package."""
        for migration in self._migrations:
            symbol, keys = migration(symbol, keys)
        if not self._imports:
            return symbol, keys
        package = package_of(symbol)
        if package not in self._of_packages:
            self._of_packages[package] = ()
            with contextlib.suppress(ConfigError):  # it has none, or may not be imported
                self._of_packages[package] = tuple(self._find(f"{package}:nrun_migrations")())
        now = symbol, keys
        for migration in self._of_packages[package]:
            now = migration(*now)
        if now != (symbol, keys) and symbol not in self._reported:
            self._reported.add(symbol)
            file = self.source.place(self.path)[0].name
            warnings.warn(f"{file}: {symbol} has changed since; dump it again to write what it is now", stacklevel=2)
        return now

    def _number(self, path: Steps, form: Json, seen: set[int], early: list[tuple[str, Steps]]) -> None:
        """Note the nodes that are numbered, wherever they stand, and what refers to them before they do."""
        if not isinstance(form, dict | list):
            return
        if id(form) in seen:
            self.repeated.add(id(form))
            return
        seen.add(id(form))
        if isinstance(form, dict) and "$target" in form and "$id" in form:
            number = str(form["$id"])
            if number in self._numbered:
                raise self.source.error((*path, "$id"), f"the $id {number} is given twice")
            self._numbered[number] = path, form
        elif isinstance(form, dict) and len(form) == 1 and "$ref" in form and str(form["$ref"]) not in self._numbered:
            early.append((str(form["$ref"]), path))
        for step, item in form.items() if isinstance(form, dict) else enumerate(form):
            self._number((*path, step), item, seen, early)

    def _ordered(self, form: dict[str, Json]) -> list[str]:
        """The keys with each node before what refers to it, for formats such as TOML that bring mappings last."""
        keys = list(form)
        for late, early in self._moved.get(self.path, ()):
            if late in form and early in form and keys.index(str(late)) > keys.index(str(early)):
                keys.remove(str(late))
                keys.insert(keys.index(str(early)), str(late))
        return keys

    def _referred(self, number: str) -> Node:
        if number not in self._numbered:
            known = ", ".join(self._numbered) or "none"
            raise ConfigError(f"there is no node with $id {number}", hint=f"there are: {known}")
        here, (self.path, form) = self.path, self._numbered[number]
        try:
            return self._node(form)
        finally:
            self.path = here


def _apart(early: Steps, late: Steps) -> tuple[Steps, tuple[str | int, str | int]]:
    """Where the ways to two places part: the path to there, and the steps to the later and to the earlier one."""
    depth = next(depth for depth, (one, other) in enumerate(zip(early, late, strict=False)) if one != other)
    return early[:depth], (late[depth], early[depth])


def indexed(form: Any, target: Any) -> list[tuple[str | int, str | int, Json]]:
    """What `$args` has: the step to it, the name or index of the argument, and its form."""
    if isinstance(form, dict):
        return [(key, int(key), item) for key, item in form.items()]
    names = () if isinstance(target, str) else signature_of(target).positional
    return [(i, (names[i] if i < len(names) else None) or i, item) for i, item in enumerate(form)]


def _means_something(key: str) -> bool:
    return key.startswith("$") and not key.startswith("$$")


def unescaped(key: str) -> str:
    """The key that `escaped` made one of."""
    return key[1:] if key.startswith("$$") else key
