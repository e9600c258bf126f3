"""JSON Schema (2020-12) of the documents that describe a call of a target, for editors to complete and check by."""
# ruff: noqa: ANN401 - annotations may be any object

from __future__ import annotations

import collections.abc
import contextlib
import enum
import inspect
import pathlib
import types
import typing
from typing import TYPE_CHECKING, Any

from nrun.config.annotations import annotation_of, doc_of
from nrun.config.checks import effective_default, strip_annotation
from nrun.config.document_writer import to_data
from nrun.config.node import Config, new_node
from nrun.config.target import signature_of, symbol_of
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    Schema = dict[str, Any]

_SPECIAL: Schema = {
    "description": "the value of another argument, a secret, a sweep, or a node that is described elsewhere",
    "anyOf": [
        {"type": "string", "pattern": r"\$\{|^secret://"},
        {"type": "object", "required": ["$sweep"]},
        {"type": "object", "required": ["$ref"]},
        {"type": "object", "required": ["$secret"]},
    ],
}
_PLAIN: dict[Any, Schema] = {
    type(None): {"type": "null"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    pathlib.Path: {"type": "string"},
}
_ARRAYS = (list, tuple, set, frozenset, collections.abc.Sequence, collections.abc.Set, collections.abc.Iterable)
_WRITTEN_OTHERWISE = frozenset({"builtins", "datetime", "decimal", "uuid", "pathlib", "collections.abc", "typing"})
"""Modules of classes whose instances are written with a key of their own, such as `$datetime`, or are anything."""
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


def schema_of(target: Callable[..., Any]) -> Schema:
    """The schema of documents whose root calls `target`. Raises ConfigError for what no document can name."""
    schemas = _Schemas(symbol_of(target).partition(":")[0].partition(".")[0])
    root = schemas.node(target)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": symbol_of(target),
        **root,
        "$defs": {"special": _SPECIAL, **schemas.known},
    }


class _Schemas:
    """Makes schemas, those of targets once each."""

    def __init__(self, package: str) -> None:
        self._package = package
        self.known: dict[str, Schema] = {}

    def node(self, target: Callable[..., Any]) -> Schema:
        """A reference to the schema of calls of a target."""
        symbol = symbol_of(target)
        if symbol not in self.known:
            self.known[symbol] = {}  # while its arguments are looked at, which may be of the same class
            self.known[symbol] = self._call(target, symbol)
        return {"$ref": "#/$defs/" + symbol.replace("~", "~0").replace("/", "~1")}

    def _call(self, target: Callable[..., Any], symbol: str) -> Schema:
        signature = signature_of(target)
        schema: Schema = {
            "type": "object",
            "properties": {
                "$target": {"const": symbol},
                "$partial": {"type": "boolean", "description": "build to a callable that takes what is not set here"},
                **{name: self._argument(target, name) for name in signature.names},
            },
            "patternProperties": {r"^\$": True},
            "required": ["$target"],
        }
        if not signature.takes_more_names:
            schema["additionalProperties"] = False
        doc = inspect.getdoc(target)
        if doc and doc != inspect.getdoc(type(target)):
            schema["description"] = doc.partition("\n\n")[0]
        required = [name for name in signature.required if isinstance(name, str)]
        if required:
            partial = {"properties": {"$partial": {"const": True}}, "required": ["$partial"]}
            schema |= {"if": partial, "else": {"required": required}}
        return schema

    def _argument(self, target: Callable[..., Any], name: str) -> Schema:
        schema: Schema = {"anyOf": [self.value(annotation_of(target, name)), {"$ref": "#/$defs/special"}]}
        if doc := doc_of(target, name):
            schema["description"] = doc
        default = effective_default(target, name)
        if default is not inspect.Parameter.empty:
            with contextlib.suppress(ConfigError):  # it cannot be written down, so no document can have it
                call: Any = to_data(new_node(Config, target, {name: default}), share=False)
                schema["default"] = call[name]
        return schema

    def value(self, annotation: Any) -> Schema:
        """The schema of values of an annotation; of one that says nothing here, any."""
        annotation = strip_annotation(annotation)
        kind, args = typing.get_origin(annotation) or annotation, typing.get_args(annotation)
        if kind in (typing.Union, types.UnionType):
            members = [self.value(member) for member in args]
            return {} if {} in members else {"anyOf": members}
        if kind is typing.Literal:
            return {"enum": [to_data(choice, share=False) for choice in args]}
        if kind in _ARRAYS:
            return self._array(kind, args)
        if kind in _MAPPINGS:
            return {"type": "object", "additionalProperties": self.value(args[1]) if args else {}}
        return self._class(kind)

    def _class(self, kind: Any) -> Schema:
        if kind in _PLAIN:
            return _PLAIN[kind]
        if not isinstance(kind, type) or kind.__module__ in _WRITTEN_OTHERWISE:
            return {}
        if issubclass(kind, enum.Enum):
            names = {"$enum": {"const": symbol_of(kind)}, "name": {"enum": list(kind.__members__)}}
            return {"type": "object", "properties": names, "required": list(names)}
        return self._object(kind)

    def _array(self, kind: Any, args: tuple[Any, ...]) -> Schema:
        if kind is tuple and args and args[-1] is not Ellipsis:
            return {
                "type": "array",
                "prefixItems": [self.value(arg) for arg in args],
                "minItems": len(args),
                "items": False,
            }
        return {"type": "array", **({"items": self.value(args[0])} if args else {})}

    def _object(self, cls: type) -> Schema:
        """A node that gives an instance: what it takes is known if it calls the class, or a subclass from nearby."""
        try:
            known = {
                symbol_of(one): self.node(one) for one in [cls, *self._subclasses(cls)] if not inspect.isabstract(one)
            }
        except ConfigError:  # defined in a function: no document can name it
            known = {}
        return {
            "type": "object",
            "properties": {"$target": {"type": "string", "examples": list(known)}},
            "allOf": [
                {"if": {"properties": {"$target": {"const": symbol}}, "required": ["$target"]}, "then": node}
                for symbol, node in known.items()
            ],
        }

    def _subclasses(self, cls: type) -> list[type]:
        """The subclasses that are imported, of the package of the root: others may be thousands."""
        found: dict[type, None] = {}
        todo = [cls]
        while todo:
            below: list[type] = type.__subclasses__(todo.pop())
            for one in below:
                if one not in found and one.__module__.partition(".")[0] == self._package:
                    found[one] = None
                    todo.append(one)
        return list(found)
