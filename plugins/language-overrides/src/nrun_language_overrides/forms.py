"""From an annotation to the reader of its values."""
# ruff: noqa: ANN401 - an annotation may stand for any value

from __future__ import annotations

import collections
import collections.abc
import datetime
import decimal
import enum
import fractions
import functools
import pathlib
import re
import typing
import uuid
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import attrs

from nrun.config.node import Config
from nrun_language_overrides import scalars
from nrun_language_overrides.factories import is_protocol
from nrun_language_overrides.literal import Literal
from nrun_language_overrides.members import members_of
from nrun_language_overrides.problems import name_hints
from nrun_language_overrides.reader import Faults, Rank, Reader, Reading, Unfit, collect, fault, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nrun_language_overrides.problems import Problem
    from nrun_language_overrides.reader import Readers, Scan

_MADE: dict[type, Callable[[Iterable[Any]], Any]] = {
    **dict.fromkeys((list, collections.abc.Sequence, collections.abc.MutableSequence), list),
    **dict.fromkeys((collections.abc.Collection, collections.abc.Iterable), list),
    **dict.fromkeys((set, collections.abc.Set, collections.abc.MutableSet), set),
    frozenset: frozenset,
    tuple: tuple,
    collections.deque: lambda items: Config(collections.deque, list(items)),
}
"""What is made for an annotation of a collection; what a configuration cannot hold is described."""
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
OWN_READER = "__nrun_read__"
"""The class method by which a class makes an instance from a text, with ValueError for one that does not fit."""
_MORE_THAN_A_WORD = re.compile(r"[\[({'\"]")
_BRACKETS = ("list", "tuple", "commas")


def compile_reader(annotation: object, readers: Readers) -> Reader:
    """The reader of `annotation`. What is not an annotation of values is read as `Any`."""
    compiled: list[Reader] = []
    classes: list[Any] = []
    for member in members_of(annotation, _unit):
        single = _single(member, readers)
        compiled += [single] if single else []
        classes += [] if single else [member]
    if classes:
        from nrun_language_overrides.structured import class_reader

        compiled.append(class_reader(tuple(classes)))
    return compiled[0] if len(compiled) == 1 else _union(compiled)


def _single(annotation: Any, readers: Readers) -> Reader | None:  # noqa: PLR0911 - one for each kind of annotation
    """The reader of what is no union; None for a class that is described by its arguments."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    cls = origin or annotation
    if origin is typing.Literal:
        names = {one.name: one for one in args if isinstance(one, enum.Enum)}
        return _one_of(", ".join(sorted(map(repr, args))), Rank.CHOICE, names, {(type(one), one): one for one in args})
    if origin is typing.Annotated:
        return _measured(args[0], str(_unit(annotation)))
    if cls in (Any, object) or not isinstance(cls, type):
        return _ANY
    if cls in readers.registered:
        return _scalar(cls.__name__, Rank.OTHER, cls, readers.registered[cls])
    if own := getattr(cls, OWN_READER, None):
        return _scalar(cls.__name__, Rank.OTHER, cls, own)
    if cls in _SCALARS:
        return _SCALARS[cls]
    if cls in _MADE:
        return _collection(_name(annotation), cls, args)
    if cls in _MAPPINGS:
        return _mapping(_name(annotation), args or (Any, Any))
    if cls in (type, collections.abc.Callable) or (is_protocol(cls) and "__call__" in vars(cls)):
        from nrun_language_overrides.structured import callable_reader, type_reader

        return type_reader(args) if cls is type else callable_reader(_name(annotation), args)
    if issubclass(cls, enum.Enum):
        members = {(type(one.value), one.value): one for one in cls if type(one.value) in _SCALARS}
        members |= {(cls, one): one for one in cls}
        return _one_of(", ".join(cls.__members__), Rank.ENUM, cls.__members__, members)
    return _path(cls) if issubclass(cls, pathlib.PurePath) else None


def _name(annotation: Any) -> str:
    args = typing.get_args(annotation)
    return str(annotation).replace("typing.", "") if args else getattr(annotation, "__name__", str(annotation))


# ---- scalars


_IN_JSON = (Rank.NULL, Rank.BOOL, Rank.INT, Rank.FLOAT, Rank.TEXT)


def _scalar(expected: str, rank: Rank, cls: type, scan: Scan, widened: tuple[type, ...] = ()) -> Reader:
    """Reads with `scan`. What JSON has a form for is not read from a value that is text, the rest is."""

    def read(source: Any, _context: Reading) -> Any:
        try:
            if type(source) is Literal and source.kind in ("word", "string"):
                return scan(source.value)
            if isinstance(source, cls) and not (type(source) is bool and cls is not bool):
                return source
            if type(source) in widened:
                return scalars.exact_int(source) if type(source) is float and cls is int else cls(source)
            if type(source) is str and rank not in _IN_JSON:
                return scan(source)
        except (ValueError, OverflowError):
            raise Unfit from None
        raise Unfit

    return Reader(expected, rank, read, scan, (cls,), free=rank in (Rank.PATH, Rank.TEXT))


def _fraction(source: Any, context: Reading) -> Config[fractions.Fraction]:
    """A fraction, described: a configuration cannot hold one."""
    value = _FRACTION.read(source, context)
    return Config(fractions.Fraction, value.numerator, value.denominator)


def _path(cls: type) -> Reader:
    """Reads a path, which is relative to where it was written."""
    plain = _scalar("path", Rank.PATH, cls, cls)

    def read(source: Any, context: Reading) -> Any:
        value = plain.read(source, context)
        return value if value is source else cls(scalars.path_from(context.folder, str(value)))

    return attrs.evolve(plain, read=read)


def _bytes(source: Any, context: Reading) -> Any:
    if type(source) is Literal and source.kind == "bytes":
        return source.content
    return _TEXT_AS_BYTES.read(source, context)


_TEXT_AS_BYTES = _scalar("bytes", Rank.BYTES, bytes, scalars.read_bytes)
_ENCODED_BYTES = _scalar("bytes", Rank.OTHER, bytes, scalars.read_encoded_bytes)
_FRACTION = _scalar("fraction", Rank.OTHER, fractions.Fraction, scalars.read_fraction, (int,))
_INTEGER_LITERAL = _scalar("int", Rank.INT, int, scalars.read_integer_literal)
_SCALARS: dict[type, Reader] = {
    one.types[0]: one
    for one in (
        Reader("fraction", Rank.OTHER, _fraction, types=(fractions.Fraction,)),
        _scalar("null", Rank.NULL, type(None), scalars.read_null),
        _scalar("true or false", Rank.BOOL, bool, scalars.read_bool),
        _scalar("int", Rank.INT, int, scalars.read_int, (float,)),
        _scalar("float", Rank.FLOAT, float, float, (int,)),
        _scalar("complex", Rank.COMPLEX, complex, complex, (int, float)),
        _scalar("Decimal", Rank.OTHER, decimal.Decimal, scalars.read_decimal, (int,)),
        _scalar("UUID", Rank.OTHER, uuid.UUID, uuid.UUID),
        _scalar("date", Rank.OTHER, datetime.date, datetime.date.fromisoformat),
        _scalar("datetime", Rank.OTHER, datetime.datetime, datetime.datetime.fromisoformat),
        _scalar("time", Rank.OTHER, datetime.time, datetime.time.fromisoformat),
        _scalar("timedelta", Rank.OTHER, datetime.timedelta, scalars.read_timedelta),
        Reader("bytes", Rank.BYTES, _bytes, scalars.read_bytes, (bytes,), free=True),
        _scalar("str", Rank.TEXT, str, str),
    )
}


def _unit(annotation: Any) -> str | None:
    """The unit in `Annotated[int, "bytes"]` or `Annotated[timedelta, "seconds"]`."""
    base, *metadata = typing.get_args(annotation)
    units = {int: ("bytes",), datetime.timedelta: scalars.TIME_UNITS}.get(base, ())
    return next((word for word in metadata if isinstance(word, str) and word in units), None)


def _measured(base: type, unit: str) -> Reader:
    if base is int:
        return _scalar("a number of bytes, such as 8GiB", Rank.OTHER, int, scalars.read_size)
    scan = functools.partial(scalars.read_timedelta, unit=unit)
    return _scalar(f"timedelta, or a number of {scalars.TIME_UNITS[unit]}", Rank.OTHER, base, scan)


def _one_of(shown: str, rank: Rank, names: Mapping[str, Any], members: Mapping[tuple[type, Any], Any]) -> Reader:
    """Reads a choice: by its name, by its name in any case, by its value; text only if it is no other value."""
    readers = [_SCALARS[kind] for kind in dict.fromkeys(kind for kind, _ in members) if kind in _SCALARS]
    scans = [one.scan for one in sorted(readers, key=lambda one: one.rank) if one.scan]

    def scan(text: str) -> Any:
        if text in names:
            return names[text]
        alike = {id(member): member for name, member in names.items() if name.lower() == text.lower()}
        if len(alike) == 1:
            return alike.popitem()[1]
        for read_kind in scans:
            try:
                value = read_kind(text)
            except ValueError:
                continue
            if (type(value), value) in members:
                return members[type(value), value]
        known = [*names, *(str(value) for _, value in members)]
        raise Unfit("", *name_hints(text, dict.fromkeys(known)))

    def read(source: Any, _context: Reading) -> Any:
        written = type(source) is Literal
        value = source.content if written else source
        if written and source.kind == "word":
            return scan(value)
        if isinstance(value, Hashable) and (type(value), value) in members:
            return members[type(value), value]
        if type(value) is str and (names or written) and (not written or source.kind == "string"):
            return scan(value)
        raise Unfit

    return Reader(f"one of {shown}", rank, read, scan, tuple({type(member) for member in members.values()}))


# ---- collections


def _collection(expected: str, cls: type, args: tuple[Any, ...]) -> Reader:
    made = _MADE[cls]
    fixed = args if cls is tuple and args and args[-1] is not ... else None

    def read(source: Any, context: Reading) -> Any:
        items: Any
        if type(source) is Literal and (source.kind in _BRACKETS or (source.kind == "braces" and not any(source.keys))):
            items, kind = source.items, made
        elif type(source) in _MADE and (type(source) is list or isinstance(source, cls)):
            items, kind = source, made if type(source) is list else type(source)
        elif (given := _several(args, source, context) if made is list else None) is not None:
            return given
        else:
            raise Unfit("", "write [a,b]: brackets around the elements" if type(source) is Literal else "")
        if fixed is not None and len(items) != len(fixed) and fixed != ((),):
            raise fault(f"expected {len(fixed)} elements ({expected}); got {len(items)}", source, context)
        inner = [context.readers.reader(one) for one in fixed or (args[:1] or (Any,)) * len(items)]
        parts = zip((f"[{index}]" for index in range(len(items))), items, inner, strict=False)
        elements = collect(parts, context)
        try:
            return kind(elements)
        except TypeError:
            raise fault(f"expected {expected}; these elements cannot be in a set", source, context) from None

    return Reader(expected, Rank.COLLECTION, read, types=(made if isinstance(made, type) else cls,), series=True)


def _several(args: tuple[Any, ...], source: Any, context: Reading) -> list[Any] | None:
    if type(source) is not Literal or source.kind not in ("word", "call") or not args:
        return None
    from nrun_language_overrides.structured import several

    return several(args[0], source, context)


def _mapping(expected: str, args: tuple[Any, ...]) -> Reader:
    def read(source: Any, context: Reading) -> Any:
        pairs = pairs_of(source)
        if pairs is None:
            raise Unfit("", "write {key: value}")
        key_reader, reader = map(context.readers.reader, args)
        keys = collect((("", key, key_reader) for key, _ in pairs), context)
        items: dict[Any, Any] = {}
        for key, (written, value) in zip(keys, pairs, strict=True):
            try:
                twice = key in items
            except TypeError:
                raise fault(f"{show(written)} cannot be a key", written, context) from None
            if twice:
                raise fault(f"the key {key!r} is given twice", written, context)
            items[key] = value
        values = collect(((f"[{key!r}]", value, reader) for key, value in items.items()), context)
        return dict(zip(items, values, strict=True))

    return Reader(expected, Rank.COLLECTION, read, types=(dict,), series=True)


def pairs_of(source: Any) -> list[tuple[Any, Any]] | None:
    """The keys and values of a mapping, written or given; None for anything else."""
    if type(source) is not Literal:
        return list(source.items()) if isinstance(source, collections.abc.Mapping) else None
    if (source.kind == "braces" or (source.kind, source.value) == ("call", "dict")) and all(source.keys):
        return list(zip(source.keys, source.items, strict=True))
    return None


# ---- unions, and anything


def _union(members: list[Reader]) -> Reader:
    """Tries the members from narrow to wide, however they were declared."""
    if any(one.rank in (Rank.FLOAT, Rank.COMPLEX) or one.free for one in members):
        members = [_INTEGER_LITERAL if one is _SCALARS[int] else one for one in members]
    if any(one.rank in (Rank.PATH, Rank.TEXT) for one in members):
        members = [_ENCODED_BYTES if one is _SCALARS[bytes] else one for one in members]
    members = sorted(members, key=lambda one: (one.rank, one.expected))
    texts = [one for one in members if one.rank == Rank.TEXT]
    scans = [one.scan for one in members if one.scan]

    def read(source: Any, context: Reading) -> Any:
        written = type(source) is Literal
        problems: tuple[Problem, ...] = ()
        hints: tuple[str, ...] = ()
        said: set[str] = set()
        widened: list[Any] = []
        kind = source.kind if written else ""
        own = {"list": list, "tuple": tuple, "braces": set}.get(kind)
        ordered = sorted(members, key=lambda one: (one.rank, own not in one.types))
        for one in texts if texts and kind == "string" else ordered:
            if problems and one.free:
                break  # it has the form of a narrower member; what is wrong with it must not pass as text
            try:
                value = one.read(source, context)
            except Unfit as unfit:
                hints += unfit.hints
                said |= {str(unfit)} - {""}
            except Faults as faults:
                problems = problems or faults.problems
            else:
                if written or type(value) is type(source):
                    return value
                widened.append(value)
        if widened:
            return widened[0]
        raise Faults(problems) if problems else Unfit(said.pop() if len(said) == 1 else "", *hints)

    return Reader(
        " or ".join(one.expected for one in members),
        members[-1].rank,
        read,
        _first_of(scans) if len(scans) == len(members) else None,
        tuple(cls for one in members for cls in one.types) if all(one.types for one in members) else (),
        free=any(one.free for one in members),
        series=any(one.series for one in members),
    )


def _first_of(scans: list[Scan]) -> Scan:
    def scan(text: str) -> Any:
        for one in scans:
            try:
                return one(text)
            except ValueError:
                continue
        raise ValueError(text)

    return scan


def _plain(text: str) -> Any:
    """A number, true, false or null as written; every other text is text."""
    if not any(character.isdigit() for character in text):
        return {"true": True, "false": False, "null": None, "none": None}.get(text.strip().lower(), text)
    for read in (scalars.read_integer_literal, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _scan_anything(text: str) -> Any:
    if _MORE_THAN_A_WORD.search(text):
        raise ValueError(text)
    return _plain(text)


def _anything(source: Any, context: Reading) -> Any:
    kind = source.kind if type(source) is Literal else type(source)
    if kind == "word":
        return _plain(source.value)
    if pairs_of(source) is not None:
        kind = dict
    elif kind == "call":
        from nrun_language_overrides.structured import class_reader

        return class_reader((object,)).read(source, context)
    return _PARTS_OF_ANYTHING[kind].read(source, context) if kind in _PARTS_OF_ANYTHING else source


_ANY = Reader("any value", Rank.ANYTHING, _anything, _scan_anything, free=True)
_PARTS_OF_ANYTHING: dict[object, Reader] = {
    **{cls: _collection(cls.__name__, cls, ()) for cls in (list, tuple, set, frozenset)},
    "string": _SCALARS[str],
    "bytes": _SCALARS[bytes],
    dict: _mapping("mapping", (Any, Any)),
}
_PARTS_OF_ANYTHING |= {
    kind: _PARTS_OF_ANYTHING[cls] for kind, cls in (("list", list), ("tuple", tuple), ("braces", set))
}
