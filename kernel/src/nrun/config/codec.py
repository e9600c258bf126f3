"""Trees as JSON and back, without pickle and without importing what they name.

What JSON has is written as it is; everything else is an object whose first key begins with `$` and
says what it is. A node that occurs more than once carries `$id` where it is first met and is
`{"$ref": id}` from then on. `docs/reference/config-json.md` lists every form; `worker.py`, which must
do without nrun, reads the same forms.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import enum
import json
import math
import pathlib
import uuid
from typing import TYPE_CHECKING, Any, cast

import attrs

from nrun.config.node import Config, Node, Partial, _Node, new_node, set_arguments
from nrun.config.target import resolve, symbol_of
from nrun.config.values import is_instance_of_data_class, is_symbol
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nrun.model import Json

VERSION = 1


def dumps(value: object) -> str:
    """`value` as a JSON document that says which version of the forms it uses."""
    return json.dumps({"nrun": VERSION, "value": encode(value)}, ensure_ascii=False, separators=(",", ":"))


def loads(text: str) -> Any:  # noqa: ANN401 - a document holds any value
    """The value of a document that `dumps` wrote. Raises ConfigError for anything else."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"not a configuration in JSON: {error}"
        raise ConfigError(msg) from error
    if not isinstance(document, dict) or "value" not in document:
        msg = 'not a configuration in JSON: it must be {"nrun": 1, "value": …}'
        raise ConfigError(msg)
    if document.get("nrun") != VERSION:
        msg = f"this configuration is written in version {document.get('nrun')!r}; this nrun reads {VERSION}"
        raise ConfigError(msg, hint="use the nrun that wrote it, or a newer one")
    return decode(document["value"])


def encode(value: object) -> Json:
    """The JSON form of a value. Raises ConfigError for what cannot be written down."""
    counts: dict[int, int] = {}
    _count(value, counts)
    return _Encoder({key for key, count in counts.items() if count > 1}).value(value)


def decode(form: Json) -> Any:  # noqa: ANN401 - a form stands for any value
    """The value of a JSON form. Raises ConfigError for a form that nrun does not write."""
    try:
        return _Decoder().value(form)
    except ConfigError:
        raise
    except Exception as error:
        msg = f"damaged configuration: {type(error).__name__}: {error}"
        raise ConfigError(msg) from error


def _count(value: object, counts: dict[int, int]) -> None:
    """How often each node is reached; a node's own arguments are looked through once."""
    if isinstance(value, _Node):
        counts[id(value)] = counts.get(id(value), 0) + 1
        if counts[id(value)] == 1:
            for item in set_arguments(value).values():
                _count(item, counts)
    elif isinstance(value, list | tuple):
        for item in value:
            _count(item, counts)
    elif isinstance(value, dict):
        for item in value.values():
            _count(item, counts)


class _Encoder:
    def __init__(self, shared: set[int]) -> None:
        self._shared = shared
        self._ids: dict[int, int] = {}

    def value(self, value: object) -> Json:
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return cast("Json", value)
        if kind is float:
            number = cast("float", value)
            return number if math.isfinite(number) else {"$float": repr(number)}
        if kind is list:
            return [self.value(item) for item in cast("list[object]", value)]
        if kind is dict:
            return self._dict(cast("dict[object, object]", value))
        if isinstance(value, _Node):
            return self._node(value)
        return self._other(value)

    def _dict(self, value: dict[object, object]) -> Json:
        if all(type(key) is str and not key.startswith("$") for key in value):
            return {cast("str", key): self.value(item) for key, item in value.items()}
        return {"$dict": [[self.value(key), self.value(item)] for key, item in value.items()]}

    def _node(self, node: Node) -> Json:
        if id(node) in self._ids:
            return {"$ref": self._ids[id(node)]}
        kind = "$config" if isinstance(node, Config) else "$partial"
        form: dict[str, Json] = {kind: symbol_of(node.__nrun_target__)}
        if id(node) in self._shared:
            form["$id"] = self._ids[id(node)] = len(self._ids) + 1
        arguments = set_arguments(node)
        named = {name: self.value(item) for name, item in arguments.items() if isinstance(name, str)}
        indexed: dict[str, Json] = {
            str(name): self.value(item) for name, item in arguments.items() if isinstance(name, int)
        }
        if named:
            form["args"] = cast("Json", named)
        if indexed:
            form["at"] = cast("Json", indexed)
        return form

    def _other(self, value: object) -> Json:
        for cls, write in self._WRITERS:
            if isinstance(value, cls):
                return write(self, value)
        if is_symbol(value):
            return {"$symbol": symbol_of(value)}
        if is_instance_of_data_class(value):
            return self._instance(value)
        msg = f"{type(value).__qualname__} objects cannot be written down"
        raise ConfigError(msg, hint=f"describe how to make it: Config({type(value).__qualname__}, ...)")

    def _enum(self, member: enum.Enum) -> Json:
        cls = type(member)
        if member.name not in cls.__members__:
            msg = f"{member!r} combines flags; it cannot be written down"
            raise ConfigError(msg, hint="pass the flags in a list")
        return {"$enum": symbol_of(cls), "name": member.name}

    def _members(self, value: set[object] | frozenset[object]) -> Json:
        """In an order that depends on nothing but the members."""
        return cast(
            "Json", sorted((self.value(item) for item in value), key=lambda form: json.dumps(form, sort_keys=True))
        )

    # How what JSON lacks is written. The first match counts: an Enum may be a str too, a datetime is a date.
    _WRITERS: tuple[tuple[type, Callable[[_Encoder, Any], Json]], ...] = (
        (enum.Enum, _enum),
        (tuple, lambda self, value: {"$tuple": [self.value(item) for item in value]}),
        (set, lambda self, value: {"$set": self._members(value)}),
        (frozenset, lambda self, value: {"$frozenset": self._members(value)}),
        (bytes, lambda _self, value: {"$bytes": base64.b64encode(value).decode()}),
        (complex, lambda _self, value: {"$complex": [repr(value.real), repr(value.imag)]}),
        (pathlib.Path, lambda _self, value: {"$path": str(value)}),
        (datetime.datetime, lambda _self, value: {"$datetime": value.isoformat()}),
        (datetime.date, lambda _self, value: {"$date": value.isoformat()}),
        (datetime.time, lambda _self, value: {"$time": value.isoformat()}),
        (datetime.timedelta, lambda _self, value: {"$timedelta": [value.days, value.seconds, value.microseconds]}),
        (decimal.Decimal, lambda _self, value: {"$decimal": str(value)}),
        (uuid.UUID, lambda _self, value: {"$uuid": str(value)}),
    )

    def _instance(self, value: Any) -> Json:  # noqa: ANN401 - an instance of any class with fields
        cls = type(value)
        if attrs.has(cls):
            fields = {
                field.alias or field.name: getattr(value, field.name) for field in attrs.fields(cls) if field.init
            }
        else:
            import dataclasses  # 15 ms, and few need it

            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
        return {"$object": symbol_of(cls), "fields": {name: self.value(item) for name, item in fields.items()}}


class _Decoder:
    def __init__(self) -> None:
        self._nodes: dict[int, Node] = {}

    def value(self, form: Json) -> Any:  # noqa: ANN401 - as in decode
        if isinstance(form, list):
            return [self.value(item) for item in form]
        if not isinstance(form, dict):
            return form
        tag = next(iter(form), "")
        if not tag.startswith("$"):
            return {key: self.value(item) for key, item in form.items()}
        read = self._READERS.get(tag)
        if read is None:
            msg = f"unknown form {tag!r}"
            raise ValueError(msg)
        return read(self, form)

    def _node(self, form: Any) -> Node:  # noqa: ANN401 - JSON of unknown shape; decode guards it
        cls, symbol = (Config, form["$config"]) if "$config" in form else (Partial, form["$partial"])
        if not isinstance(symbol, str) or ":" not in symbol:
            msg = f"{symbol!r} is not the name of a target"
            raise ValueError(msg)
        arguments: dict[str | int, Any] = {}
        node = new_node(cls, symbol, arguments)
        if "$id" in form:
            self._nodes[form["$id"]] = node
        # In the order in which they are written: a node stands where it is first met, references to it follow.
        arguments.update((name, self.value(item)) for name, item in form.get("args", {}).items())
        arguments.update((int(index), self.value(item)) for index, item in form.get("at", {}).items())
        return node

    def _object(self, form: Any) -> Any:  # noqa: ANN401 - as above
        cls = resolve(form["$object"])
        if not isinstance(cls, type) or not (attrs.has(cls) or hasattr(cls, "__dataclass_fields__")):
            msg = f"{form['$object']!r} is not a class with fields"
            raise ValueError(msg)
        return cls(**{name: self.value(item) for name, item in form["fields"].items()})

    def _enum(self, form: Any) -> enum.Enum:  # noqa: ANN401 - as above
        cls = resolve(form["$enum"])
        if not isinstance(cls, type) or not issubclass(cls, enum.Enum):
            msg = f"{form['$enum']!r} is not an Enum"
            raise ValueError(msg)  # noqa: TRY004 - the document is at fault, not a caller
        return cls[form["name"]]

    # The first key of a form -> how it is read. JSON of unknown shape goes in; decode guards what a reader raises.
    _READERS: dict[str, Callable[[_Decoder, Any], Any]] = {  # noqa: RUF012 - a table, never changed
        "$config": _node,
        "$partial": _node,
        "$object": _object,
        "$enum": _enum,
        "$ref": lambda self, form: self._nodes[form["$ref"]],
        "$symbol": lambda _self, form: resolve(form["$symbol"]),
        "$dict": lambda self, form: {self.value(key): self.value(item) for key, item in form["$dict"]},
        "$tuple": lambda self, form: tuple(self.value(item) for item in form["$tuple"]),
        "$set": lambda self, form: {self.value(item) for item in form["$set"]},
        "$frozenset": lambda self, form: frozenset(self.value(item) for item in form["$frozenset"]),
        "$float": lambda _self, form: float(form["$float"]),
        "$complex": lambda _self, form: complex(*(float(part) for part in form["$complex"])),
        "$bytes": lambda _self, form: base64.b64decode(form["$bytes"], validate=True),
        "$path": lambda _self, form: pathlib.Path(form["$path"]),
        "$datetime": lambda _self, form: datetime.datetime.fromisoformat(form["$datetime"]),
        "$date": lambda _self, form: datetime.date.fromisoformat(form["$date"]),
        "$time": lambda _self, form: datetime.time.fromisoformat(form["$time"]),
        "$timedelta": lambda _self, form: datetime.timedelta(*form["$timedelta"]),
        "$decimal": lambda _self, form: decimal.Decimal(form["$decimal"]),
        "$uuid": lambda _self, form: uuid.UUID(form["$uuid"]),
    }
