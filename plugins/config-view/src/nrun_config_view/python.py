"""A configuration as Python that makes it again: shared nodes are variables."""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import enum
import keyword
import math
from typing import TYPE_CHECKING, Any

from nrun.config.codec import survey
from nrun.config.imports import importable_symbol
from nrun.config.node import Config, Fresh, Partial, set_arguments
from nrun.config.order import children_first
from nrun.config.special import Unread
from nrun.config.target import symbol_of
from nrun.config.values import fields_of, is_data_class, is_path, is_symbol, name_of_type
from nrun.errors import ConfigError
from nrun_config_view.load import unread_value
from nrun_config_view.nodes import is_node

if TYPE_CHECKING:
    from nrun.config.node import Node

_DEEPEST = 15
"""How many nodes may stand in one another before some get variables: Python has its limits, and readers too."""
_HOMES = {Config: "nrun", Partial: "nrun", Fresh: "nrun.config.node"}


def as_python(config: Any) -> str:
    """Python that makes `config`, under that name. Raises ConfigError for what Python cannot name."""
    code = _Code()
    shared, apart = survey(config, _DEEPEST)
    named = shared | set(map(id, apart))
    lines = [code.variable(node) for node in children_first(config) if id(node) in named]
    lines.append(f"config = {code.value(config)}\n")
    return "\n".join([*sorted(code.imports), "", *lines])


class _Code:
    """Writes expressions, and notes what has to be imported for them."""

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self._names: dict[int, str] = {}

    def variable(self, node: Node) -> str:
        """The line that gives a node its name."""
        line = f"_{len(self._names) + 1} = {self.value(node)}"
        self._names[id(node)] = f"_{len(self._names) + 1}"
        return line

    def value(self, value: Any) -> str:
        """The expression for a value."""
        if is_node(value):
            return self._names.get(id(value)) or self._node(value)
        if type(value) is Unread:
            return self._unread(unread_value(value))
        if isinstance(value, list | tuple | set | frozenset | dict):
            return self._container(value)
        if is_path(value):
            return f"{self._module('pathlib')}.Path({str(value)!r})"
        if is_symbol(value):
            return self._symbol(symbol_of(value))
        return self._scalar(value)

    def _container(self, value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{self.value(key)}: {self.value(item)}" for key, item in value.items()) + "}"
        items = ", ".join(map(self.value, value))
        if isinstance(value, tuple):
            return f"({items}{',' if len(value) == 1 else ''})"
        return f"[{items}]" if isinstance(value, list) else f"{type(value).__name__}([{items}])"

    def _scalar(self, value: Any) -> str:
        cls = type(value)
        if isinstance(value, enum.Enum):
            return f"{self._symbol(symbol_of(cls))}.{value.name}"
        if cls is float and not math.isfinite(value):
            return f'float("{value!r}")'
        if name_of_type(cls) in ("decimal.Decimal", "uuid.UUID"):
            return f"{self._module(cls.__module__)}.{cls.__name__}({str(value)!r})"
        if is_data_class(cls):
            return self._call(self._symbol(symbol_of(cls)), [], fields_of(value))
        if cls.__module__ == "datetime":
            self._module("datetime")
        return repr(value)

    def _node(self, node: Node) -> str:
        kind, arguments = type(node), set_arguments(node)
        self.imports.add(f"from {_HOMES[kind]} import {kind.__name__}")
        positional = [name for name in arguments if isinstance(name, int)]
        if sorted(positional) != list(range(len(positional))):
            msg = f"{symbol_of(node.__nrun_target__)}: some positional arguments are not set, which Python cannot say"
            raise ConfigError(msg)
        named = {name: value for name, value in arguments.items() if isinstance(name, str)}
        first = [
            self._symbol(symbol_of(node.__nrun_target__)),
            *(self.value(arguments[at]) for at in sorted(positional)),
        ]
        return self._call(kind.__name__, first, named)

    def _call(self, name: str, first: list[str], named: dict[str, Any]) -> str:
        odd = {key: value for key, value in named.items() if not key.isidentifier() or keyword.iskeyword(key)}
        words = first + [f"{key}={self.value(value)}" for key, value in named.items() if key not in odd]
        return f"{name}({', '.join(words + ([f'**{self.value(odd)}'] if odd else []))})"

    def _unread(self, form: dict[str, Any]) -> str:
        if "$enum" in form:
            return f"{self._symbol(form['$enum'])}.{form['name']}"
        if "$object" in form:
            return self._call(self._symbol(form["$object"]), [], form["fields"])
        return self._symbol(form["$symbol"])

    def _symbol(self, symbol: str) -> str:
        module, _, name = importable_symbol(symbol).partition(":")
        return name if module == "builtins" else f"{self._module(module)}.{name}"

    def _module(self, module: str) -> str:
        self.imports.add(f"import {module}")
        return module
