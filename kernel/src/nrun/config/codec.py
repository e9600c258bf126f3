"""Trees as JSON and back, without pickle and without importing what they name.

What JSON has is written as it is; everything else is an object whose first key begins with `$` and
says what it is. A node that occurs more than once carries `$id` where it is first met and is
`{"$ref": id}` from then on. `docs/reference/config-json.md` lists every form; `worker.py`, which must
do without nrun, reads the same forms.
"""

from __future__ import annotations

import binascii
import enum
import json
import math
from collections import Counter
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from nrun.config.node import BaseNode, Config, Fresh, Node, Partial, new_node, set_arguments, set_tags
from nrun.config.order import children_first, held_by, nodes_held
from nrun.config.tags import tags_form, tags_read
from nrun.config.target import resolve, symbol_of
from nrun.config.values import fields_of, is_data_class, is_path, is_symbol, name_of_type
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nrun.config.migrations import Migration
    from nrun.model import Json

VERSION = 1
_DEEPEST = 50
"""How many nodes may stand in one another before some are written apart: readers of JSON have their limits."""
_KINDS: dict[type[Node], str] = {Config: "$config", Partial: "$partial", Fresh: "$fresh"}
_CLASSES: dict[str, type[Node]] = {kind: cls for cls, kind in _KINDS.items()}
_AS_IT_IS = frozenset({type(None), bool, int, str})
"""Types all of whose values JSON has."""
_SCALARS = _AS_IT_IS | {float}


def dumps(value: object) -> str:
    """`value` as a JSON document that says which version of the forms it uses."""
    return json.dumps({"nrun": VERSION, "value": encode(value)}, ensure_ascii=False, separators=(",", ":"))


def loads(text: str, migrations: Sequence[Migration] = ()) -> Any:  # noqa: ANN401 - a document holds any value
    """The value of a document that `dumps` wrote, with nodes as they are called now. Raises ConfigError for others."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"not a configuration in JSON: {error}") from error
    if not isinstance(document, dict) or "value" not in document:
        msg = 'not a configuration in JSON: it must be {"nrun": 1, "value": …}'
        raise ConfigError(msg)
    if document.get("nrun") != VERSION:
        msg = f"this configuration is written in version {document.get('nrun')!r}; this nrun reads {VERSION}"
        raise ConfigError(msg, hint="use the nrun that wrote it, or a newer one")
    from nrun.config.migrations import migrate_all

    return migrate_all(decode(document["value"]), migrations)


def encode(value: object) -> Json:
    """The JSON form of a value. Raises ConfigError, with the place, for what cannot be written down."""
    shared, apart = survey(value, _DEEPEST)
    return written(Encoder(shared | set(map(id, apart)), apart), value)


def survey(value: object, deepest: int) -> tuple[set[int], list[Node]]:
    """The ids of the nodes that occur more than once, and nodes to write apart so that none is `deepest` deep."""
    found: list[Node] = []
    nodes_held((value,), found)
    counts = Counter(map(id, found))
    heights: dict[int, int] = {}
    apart: list[Node] = []
    for node in children_first(value):
        held = held_by(node)
        if not held:
            heights[id(node)] = 1
            continue
        counts.update(map(id, held))
        heights[id(node)] = 1 + max(heights[id(child)] for child in held)
        if heights[id(node)] >= deepest and node is not value:
            heights[id(node)] = 0
            apart.append(node)
    return {key for key, count in counts.items() if count > 1}, apart


def written(encoder: Encoder, value: object) -> Json:
    """What the encoder makes of a value. Raises ConfigError, with the place, for what cannot be written down."""
    try:
        return encoder.value(value)
    except ConfigError as error:
        raise _with_place(error, value) from None
    except RecursionError:
        raise ConfigError("this configuration has containers that are nested too deeply to be written down") from None


def decode(form: Json) -> Any:  # noqa: ANN401 - a form stands for any value
    """The value of a JSON form. Raises ConfigError for a form that nrun does not write."""
    try:
        return Decoder().value(form)
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(f"damaged configuration: {type(error).__name__}: {error}") from error


def _with_place(error: ConfigError, root: object) -> ConfigError:
    """The error with the path of what cannot be written, found by trying again piece by piece."""
    from nrun.config.paths import format_path, walk

    for path, value in walk(root):
        try:
            if isinstance(value, BaseNode):
                symbol_of(value.__nrun_target__)
            elif not isinstance(value, list | tuple | dict):
                Encoder(set(), []).value(value)
        except ConfigError as found:
            return ConfigError(f"{format_path(path) or 'the root'}: {found.message}", hint=found.hint)
    return error


class Encoder:
    """Writes values; `shared` are the ids of nodes that are referred to, `apart` those written before all others."""

    def __init__(self, shared: set[int], apart: list[Node]) -> None:
        self._shared = shared
        self._apart = apart
        self._ids: dict[int, int] = {}
        self._symbols: dict[int, str] = {}

    def value(self, value: object) -> Json:
        """The form of a value. Raises ConfigError if it has none."""
        kind = type(value)
        if kind in _AS_IT_IS:
            return cast("Json", value)
        if kind in _KINDS:
            return self._node(cast("Node", value))
        if kind is float:
            number = cast("float", value)
            return number if math.isfinite(number) else {"$float": repr(number)}
        if kind is list:
            return [self.value(item) for item in cast("list[object]", value)]
        if kind is dict:
            return self._dict(cast("dict[object, object]", value))
        return self._other(value)

    def symbol(self, value: object) -> str:
        """The name of a function or class."""
        return symbol_of(value)

    def _dict(self, value: dict[object, object]) -> Json:
        if all(type(key) is str and not key.startswith("$") for key in value):
            return {cast("str", key): self.value(item) for key, item in value.items()}
        return {"$dict": [[self.value(key), self.value(item)] for key, item in value.items()]}

    def _node(self, node: Node) -> Json:
        if id(node) in self._ids:
            return {"$ref": self._ids[id(node)]}
        form: dict[str, Json] = {_KINDS[type(node)]: self.symbol_of_target(node)}
        if id(node) in self._shared:
            form["$id"] = self._ids[id(node)] = len(self._ids) + 1
        if self._apart:
            apart, self._apart = self._apart, []
            form["$with"] = [self._node(other) for other in apart]
        arguments = set_arguments(node)
        named: dict[str, Any] = {
            name: item if type(item) in _AS_IT_IS else self.value(item)
            for name, item in arguments.items()
            if isinstance(name, str)
        }
        if named:
            form["args"] = named
        if len(named) < len(arguments):
            form["at"] = {str(name): self.value(item) for name, item in arguments.items() if isinstance(name, int)}
        if node.__nrun_tags__:
            form["tags"] = tags_form(node.__nrun_tags__)
        return form

    def symbol_of_target(self, node: Node) -> str:
        """The name of what a node calls, found once for all nodes that call it."""
        target = node.__nrun_target__
        if id(target) not in self._symbols:
            self._symbols[id(target)] = self.symbol(target)
        return self._symbols[id(target)]

    def _other(self, value: object) -> Json:
        if isinstance(value, enum.Enum):  # which may be an int or a text too
            return self._enum(value)
        if is_path(value):
            return {"$path": str(value)}
        write = self._WRITERS.get(name_of_type(type(value)))
        if write is not None:
            return write(self, value)
        if is_symbol(value):
            return {"$symbol": self.symbol(value)}
        if is_data_class(type(value)):
            fields = {name: self.value(item) for name, item in fields_of(value).items()}
            return {"$object": self.symbol(type(value)), "fields": cast("Json", fields)}
        msg = f"{type(value).__qualname__} objects cannot be written down"
        raise ConfigError(msg, hint=f"describe how to make it: Config({type(value).__qualname__}, ...)")

    def _enum(self, member: enum.Enum) -> Json:
        cls = type(member)
        if member.name not in cls.__members__:
            raise ConfigError(f"{member!r} combines flags; it cannot be written down", hint="pass the flags in a list")
        return {"$enum": self.symbol(cls), "name": member.name}

    def _members(self, value: set[object] | frozenset[object]) -> Json:
        """In an order that depends on nothing but the members."""
        return cast(
            "Json", sorted((self.value(item) for item in value), key=lambda form: json.dumps(form, sort_keys=True))
        )

    # The type of what JSON lacks -> how it is written.
    _WRITERS: dict[str, Callable[[Encoder, Any], Json]] = {  # noqa: RUF012 - a table, never changed
        "builtins.tuple": lambda self, value: {"$tuple": [self.value(item) for item in value]},
        "builtins.set": lambda self, value: {"$set": self._members(value)},
        "builtins.frozenset": lambda self, value: {"$frozenset": self._members(value)},
        "builtins.bytes": lambda _self, value: {"$bytes": binascii.b2a_base64(value, newline=False).decode()},
        "builtins.complex": lambda _self, value: {"$complex": [repr(value.real), repr(value.imag)]},
        "datetime.datetime": lambda _self, value: {"$datetime": value.isoformat()},
        "datetime.date": lambda _self, value: {"$date": value.isoformat()},
        "datetime.time": lambda _self, value: {"$time": value.isoformat()},
        "datetime.timedelta": lambda _self, value: {"$timedelta": [value.days, value.seconds, value.microseconds]},
        "decimal.Decimal": lambda _self, value: {"$decimal": str(value)},
        "uuid.UUID": lambda _self, value: {"$uuid": str(value)},
        "nrun.secret.Secret": lambda _self, value: {"$secret": value.reference},
    }


class Decoder:
    """Reads forms; `find` gives what a symbol names."""

    def __init__(self, find: Callable[[str], Any] = resolve) -> None:
        self._find = find
        self._nodes: dict[int, Node] = {}

    def value(self, form: Json) -> Any:  # noqa: ANN401 - as in decode
        """The value of a form. Raises whatever a damaged form makes it raise."""
        if isinstance(form, list):
            return [self.value(item) for item in form]
        if not isinstance(form, dict):
            return form
        tag = next(iter(form), "")
        if not tag.startswith("$"):
            return {key: self.value(item) for key, item in form.items()}
        read = self._READERS.get(tag)
        if read is None:
            raise ValueError(f"unknown form {tag!r}")
        return read(self, form)

    def _node(self, form: Any) -> Node:  # noqa: ANN401 - JSON of unknown shape; decode guards it
        kind, symbol = next(iter(form.items()))
        if not isinstance(symbol, str) or ":" not in symbol:
            raise ValueError(f"{symbol!r} is not the name of a target")
        arguments: dict[str | int, Any] = {}
        node = new_node(_CLASSES[kind], symbol, arguments)
        set_tags(node, tags_read(form["tags"]) if "tags" in form else None)
        if "$id" in form:
            self._nodes[form["$id"]] = node
        for other in form.get("$with", ()):
            self._node(other)
        # In the order in which they are written: a node stands where it is first met, references to it follow.
        for name, item in form.get("args", {}).items():
            arguments[name] = item if type(item) in _SCALARS else self.value(item)
        for index, item in form.get("at", {}).items():
            arguments[int(index)] = item if type(item) in _SCALARS else self.value(item)
        return node

    def _object(self, form: Any) -> Any:  # noqa: ANN401 - as above
        cls = self._find(form["$object"])
        if not isinstance(cls, type) or not is_data_class(cls):
            raise ValueError(f"{form['$object']!r} is not a class with fields")
        return cls(**{name: self.value(item) for name, item in form["fields"].items()})

    def _enum(self, form: Any) -> enum.Enum:  # noqa: ANN401 - as above
        cls = self._find(form["$enum"])
        if not isinstance(cls, type) or not issubclass(cls, enum.Enum):
            raise ValueError(f"{form['$enum']!r} is not an Enum")  # noqa: TRY004 - the document is at fault, no caller
        return cls[form["name"]]

    # The first key of a form -> how it is read. JSON of unknown shape goes in; decode guards what a reader raises.
    _READERS: dict[str, Callable[[Decoder, Any], Any]] = {  # noqa: RUF012 - a table, never changed
        "$config": _node,
        "$partial": _node,
        "$fresh": _node,
        "$object": _object,
        "$enum": _enum,
        "$ref": lambda self, form: self._nodes[form["$ref"]],
        "$symbol": lambda self, form: self._find(form["$symbol"]),
        "$dict": lambda self, form: {self.value(key): self.value(item) for key, item in form["$dict"]},
        "$tuple": lambda self, form: tuple(self.value(item) for item in form["$tuple"]),
        "$set": lambda self, form: {self.value(item) for item in form["$set"]},
        "$frozenset": lambda self, form: frozenset(self.value(item) for item in form["$frozenset"]),
        "$float": lambda _self, form: float(form["$float"]),
        "$complex": lambda _self, form: complex(*(float(part) for part in form["$complex"])),
        "$bytes": lambda _self, form: binascii.a2b_base64(form["$bytes"], strict_mode=True),
        "$path": lambda _self, form: import_module("pathlib").Path(form["$path"]),
        "$datetime": lambda _self, form: import_module("datetime").datetime.fromisoformat(form["$datetime"]),
        "$date": lambda _self, form: import_module("datetime").date.fromisoformat(form["$date"]),
        "$time": lambda _self, form: import_module("datetime").time.fromisoformat(form["$time"]),
        "$timedelta": lambda _self, form: import_module("datetime").timedelta(*form["$timedelta"]),
        "$decimal": lambda _self, form: import_module("decimal").Decimal(form["$decimal"]),
        "$uuid": lambda _self, form: import_module("uuid").UUID(form["$uuid"]),
        "$secret": lambda _self, form: import_module("nrun.secret").Secret(form["$secret"]),
    }
