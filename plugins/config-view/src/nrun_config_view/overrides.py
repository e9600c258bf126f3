"""A configuration, or the difference of two, as overrides: what is typed to have it."""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import datetime
import enum
import re
from typing import TYPE_CHECKING, Any, cast

from nrun.config.node import Config, new_node, set_arguments
from nrun.config.paths import Key, format_path
from nrun.config.special import Unread
from nrun.config.target import symbol_of
from nrun.config.values import is_path, is_symbol, name_of_type
from nrun.errors import ConfigError
from nrun_config_view.diff import Differ
from nrun_config_view.load import unread_value
from nrun_config_view.nodes import identity_of, is_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nrun.config.node import Node
    from nrun.config.paths import Path
    from nrun_config_view.changes import Change

_NAME = re.compile(r"[^\W\d]\w*")


class Untypable(ConfigError):  # noqa: N818 - reads as what it says
    """A value that the language of overrides has no words for."""


def overrides(ours: Any, theirs: Any) -> list[str]:
    """The overrides that make `theirs` of `ours`. A node that calls something else is written anew.

    Raises ConfigError naming every place whose value cannot be typed.
    """
    differ = Differ(ours, theirs, _calls_the_same, explicit=False)
    items: list[str] = []
    problems: list[str] = []
    for change in differ.changes():
        try:
            items += _items(change)
        except Untypable as problem:
            problems.append(f"\n  {format_path(change.path) or 'the root'}: {problem.message}")
    if problems:
        msg = "some of this cannot be typed:" + "".join(problems)
        raise ConfigError(msg, hint="write it to a file: nrun config convert")
    return items


def all_overrides(config: Node) -> list[str]:
    """The overrides that make `config` of a bare call of its target."""
    return overrides(new_node(type(config), config.__nrun_target__, {}), config)


def _calls_the_same(ours: Node, theirs: Node) -> bool:
    return type(ours) is type(theirs) and identity_of(ours.__nrun_target__) == identity_of(theirs.__nrun_target__)


def _items(change: Change) -> Iterator[str]:
    if not change.path:
        msg = "it is another root; overrides change what is in one"
        raise Untypable(msg)
    kind, path, source = change.kind, _typed(change.path), _typed(change.source or ())
    if kind in ("unset", "remove"):
        yield f"{path}!"
    elif kind == "move":
        yield from _moved(change)
    else:
        if kind == "insert":
            path = f"{_typed(change.path[:-1])}[+{change.path[-1]}]"
        yield f"{path}@={source}" if change.source is not None else f"{path}={literal(change.new)}"


def _moved(change: Change) -> Iterator[str]:
    """Share the node where it is to be, then take it away from where it was."""
    if not is_node(change.old):
        msg = "an element that is no node has moved"
        raise Untypable(msg)
    source: tuple[Any, ...] = change.source or ()
    start, end = source[-1], cast("int", change.path[-1])
    sequence, forward = _typed(change.path[:-1]), start < end
    yield f"{sequence}[+{end + forward}]@={_typed(source)}"
    yield f"{sequence}[{start + (not forward)}]!"


def _typed(path: Path) -> str:
    for step in path:
        key = step.key if isinstance(step, Key) else step
        if isinstance(step, str) and not _NAME.fullmatch(step):
            msg = f"the name {step!r} cannot be typed"
            raise Untypable(msg)
        if type(key) not in (str, int):
            msg = f"the key {key!r} cannot be typed"
            raise Untypable(msg)
    return format_path(path)


def literal(value: Any) -> str:
    """A value as it is typed. Raises Untypable."""
    if is_node(value):
        return _call(value)
    if isinstance(value, enum.Enum):
        return value.name
    if is_path(value):
        return _quoted(str(value))
    if is_symbol(value):
        return symbol_of(value)
    if type(value) is Unread:
        return _unread(unread_value(value))
    write = _WRITERS.get(name_of_type(type(value)))
    if write is None:
        msg = f"there is no word for a {type(value).__name__}"
        raise Untypable(msg)
    return write(value)


def _call(node: Node) -> str:
    if type(node) is not Config:
        msg = f"a {type(node).__name__} cannot be typed"
        raise Untypable(msg)
    arguments = set_arguments(node)
    if any(isinstance(name, str) and not _NAME.fullmatch(name) for name in arguments):
        msg = f"an argument of {symbol_of(node.__nrun_target__)} has a name that cannot be typed"
        raise Untypable(msg)
    positional = [name for name in arguments if isinstance(name, int)]
    if positional != list(range(len(positional))):
        msg = "some of its positional arguments are not set"
        raise Untypable(msg)
    words = [*(literal(arguments[name]) for name in positional)]
    words += [f"{name}={literal(value)}" for name, value in arguments.items() if isinstance(name, str)]
    return f"{symbol_of(node.__nrun_target__)}({', '.join(words)})"


def _unread(form: dict[str, Any]) -> str:
    if "$object" in form:
        msg = f"an instance of {form['$object']} cannot be typed"
        raise Untypable(msg)
    return str(form["name"] if "$enum" in form else form["$symbol"])


def _quoted(text: str) -> str:
    return "'" + "".join(map(_escaped, text)) + "'"


def _escaped(char: str) -> str:
    if char in "\\'":
        return f"\\{char}"
    if char.isprintable():
        return char
    number = ord(char)
    return f"\\x{number:02x}" if number <= 0xFF else f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004 - widths of escapes


def _each(opening: str, closing: str) -> Callable[[Any], str]:
    return lambda values: f"{opening}{', '.join(map(literal, values))}{closing}"


def _tuple(value: tuple[Any, ...]) -> str:
    return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"


def _dict(value: dict[Any, Any]) -> str:
    return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"


def _timedelta(value: datetime.timedelta) -> str:
    sign = "-" if value < datetime.timedelta() else ""
    size = abs(value)
    return f"{sign}P{size.days}DT{size.seconds}.{size.microseconds:06d}S"


# The name of a type -> how its values are typed.
_WRITERS: dict[str, Callable[[Any], str]] = {
    "builtins.NoneType": lambda _: "null",
    "builtins.bool": lambda value: "true" if value else "false",
    "builtins.int": str,
    "builtins.float": repr,
    "builtins.complex": lambda value: repr(value).strip("()"),
    "builtins.str": _quoted,
    "builtins.bytes": lambda value: "b" + _quoted(value.decode("latin-1")),
    "builtins.list": _each("[", "]"),
    "builtins.tuple": _tuple,
    "builtins.set": _each("{", "}"),
    "builtins.frozenset": _each("{", "}"),
    "builtins.dict": _dict,
    "datetime.datetime": lambda value: _quoted(value.isoformat()),
    "datetime.date": lambda value: _quoted(value.isoformat()),
    "datetime.time": lambda value: _quoted(value.isoformat()),
    "datetime.timedelta": _timedelta,
    "decimal.Decimal": str,
    "uuid.UUID": str,
    "nrun.config.special.Reference": str,
    "nrun.secret.Secret": str,
    "nrun.config.special.Sweep": lambda value: f"choice({', '.join(map(literal, value.points))})",
}
