"""From an annotation to the reader of its values."""
# ruff: noqa: ANN401 - an annotation may stand for any value

from __future__ import annotations

import collections
import collections.abc
import enum
import functools
import inspect
import types
import typing
from typing import TYPE_CHECKING, Any

from nrun.config import reader as rank
from nrun.config import scalars
from nrun.config.literal import Literal
from nrun.config.problems import Problem, name_hints
from nrun.config.reader import Faults, Reader, Reading, Unfit, collect, read_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nrun.config.reader import Readers

_MADE = {
    **dict.fromkeys((list, collections.abc.Sequence, collections.abc.MutableSequence), list),
    **dict.fromkeys((collections.abc.Collection, collections.abc.Iterable), list),
    **dict.fromkeys((set, collections.abc.Set, collections.abc.MutableSet), set),
    frozenset: frozenset,
    tuple: tuple,
    collections.deque: collections.deque,
}
"""What is made for a collection of this annotation."""
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


def compile_reader(annotation: object, readers: Readers) -> Reader:
    """The reader of `annotation`. What is not an annotation of values is read as `Any`."""
    members = list(dict.fromkeys(_members(annotation)))
    compiled = [_single(member, readers) for member in members if not _is_class(member, readers)]
    classes = tuple(member for member in members if _is_class(member, readers))
    if classes:
        from nrun.config.structured import class_reader

        compiled.append(class_reader(classes))
    return compiled[0] if len(compiled) == 1 else _union(compiled)


def _members(annotation: Any) -> Iterator[Any]:
    """The members of a union, or the annotation alone, without what says nothing about values."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        for member in args:
            yield from _members(member)
    elif origin is typing.Annotated:
        yield from [annotation] if _unit(annotation) else _members(args[0])
    elif origin in (typing.Required, typing.NotRequired, typing.Final, typing.ClassVar):
        yield from _members(args[0])
    elif isinstance(annotation, typing.NewType):
        yield from _members(annotation.__supertype__)
    elif isinstance(annotation, typing.TypeVar):
        for member in annotation.__constraints__ or (annotation.__bound__ or Any,):
            yield from _members(member)
    elif hasattr(annotation, "__value__") and not isinstance(annotation, type):  # type X = ..., from Python 3.12
        yield from _members(annotation.__value__)
    else:
        yield type(None) if annotation is None else annotation


def _is_class(annotation: Any, readers: Readers) -> bool:
    """Whether a value of it is described by the arguments of a class."""
    cls = typing.get_origin(annotation) or annotation
    known = (*_MADE, *_MAPPINGS, *_scalars(), *readers.registered, object, type, collections.abc.Callable)
    if not isinstance(cls, type) or cls in known or _is_callback(cls):
        return False
    import pathlib

    return not issubclass(cls, enum.Enum | pathlib.PurePath)


def _single(annotation: Any, readers: Readers) -> Reader:
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    cls = origin or annotation
    if origin is typing.Literal:
        return _choice(args)
    if origin is typing.Annotated:
        return _measured(args[0], _unit(annotation))
    if not isinstance(cls, type) or cls is object:
        return _ANY
    if cls in readers.registered:
        return _scalar(cls.__name__, rank.OTHER, (cls,), readers.registered[cls], from_text=True)
    if cls in _scalars():
        return _scalars()[cls]
    if cls in _MADE:
        return _collection(_name(annotation), cls, args)
    if cls in _MAPPINGS:
        return _mapping(_name(annotation), args or (Any, Any))
    if issubclass(cls, enum.Enum):
        return _enum(cls)
    if cls is type or cls is collections.abc.Callable or _is_callback(cls):
        from nrun.config.structured import callable_reader, type_reader

        return type_reader(args) if cls is type else callable_reader(_name(annotation), args)
    return _path(cls)


def _is_callback(cls: type) -> bool:
    return bool(vars(cls).get("_is_protocol")) and "__call__" in vars(cls)


def _name(annotation: Any) -> str:
    args = typing.get_args(annotation)
    return str(annotation).replace("typing.", "") if args else getattr(annotation, "__name__", str(annotation))


# ---- scalars


def _scalar(
    expected: str,
    place: int,
    kinds: tuple[type, ...],
    scan: Callable[[str], Any],
    *,
    widened: tuple[type, ...] = (),
    from_text: bool = False,
    free: bool = False,
) -> Reader:
    """Reads with `scan`; takes values of `kinds` as they are, others and text only if it is said."""

    def read(source: Any, _context: Reading) -> Any:
        try:
            if type(source) is Literal:
                if source.kind not in ("word", "string"):
                    raise Unfit
                return scan(source.value)
            if type(source) in kinds or (isinstance(source, kinds) and type(source) is not bool):
                return source
            if type(source) in widened:
                return kinds[-1](source)
            if from_text and type(source) is str:
                return scan(source)
        except Unfit:
            raise
        except (ValueError, OverflowError) as error:
            raise Unfit(str(error) if " are allowed" in str(error) else "") from None
        raise Unfit

    return Reader(expected, place, read, scan, kinds, free=free)


@functools.cache
def _scalars() -> dict[type, Reader]:
    import datetime
    import decimal
    import fractions
    import uuid

    found = (
        _scalar("null", rank.NULL, (type(None),), scalars.read_null),
        _scalar("true or false", rank.BOOL, (bool,), scalars.read_bool),
        _scalar("int", rank.INT, (int,), scalars.read_int),
        _scalar("float", rank.FLOAT, (float,), scalars.read_float, widened=(int,)),
        _scalar("complex", rank.COMPLEX, (complex,), scalars.read_complex, widened=(int, float), from_text=True),
        _scalar("Decimal", rank.OTHER, (decimal.Decimal,), scalars.read_decimal, widened=(int,), from_text=True),
        _scalar("fraction", rank.OTHER, (fractions.Fraction,), scalars.read_fraction, widened=(int,), from_text=True),
        _scalar("UUID", rank.OTHER, (uuid.UUID,), uuid.UUID, from_text=True),
        _scalar("date", rank.OTHER, (datetime.date,), datetime.date.fromisoformat, from_text=True),
        _scalar("datetime", rank.OTHER, (datetime.datetime,), datetime.datetime.fromisoformat, from_text=True),
        _scalar("time", rank.OTHER, (datetime.time,), datetime.time.fromisoformat, from_text=True),
        _scalar("timedelta", rank.OTHER, (datetime.timedelta,), scalars.read_timedelta, from_text=True),
        _BYTES,
        _scalar("str", rank.TEXT, (str,), str, free=True),
    )
    return {one.types[0]: one for one in found}


def _path(cls: type) -> Reader:
    return _scalar("path", rank.PATH, (cls,), cls, widened=(str,), free=True)


def _bytes(source: Any, context: Reading) -> Any:
    if type(source) is Literal and source.kind == "bytes":
        return source.value
    return _BYTE_TEXT.read(source, context)


_BYTE_TEXT = _scalar("bytes", rank.BYTES, (bytes,), scalars.read_bytes, from_text=True, free=True)
_BYTES = Reader("bytes", rank.BYTES, _bytes, scalars.read_bytes, (bytes,), free=True)


def _unit(annotation: Any) -> str | None:
    """The unit in `Annotated[int, "bytes"]` or `Annotated[timedelta, "seconds"]`."""
    base, *metadata = typing.get_args(annotation)
    if base is int and "bytes" in metadata:
        return "bytes"
    if getattr(base, "__name__", "") == "timedelta":
        return next((word for word in metadata if isinstance(word, str) and word in scalars.TIME_UNITS), None)
    return None


def _measured(base: type, unit: str | None) -> Reader:
    if unit == "bytes":
        return _scalar("a number of bytes, such as 8GiB", rank.INT, (int,), scalars.read_size, from_text=True)
    scan = functools.partial(scalars.read_time_in, unit or "seconds")
    return _scalar(f"timedelta, or {unit}", rank.OTHER, (base,), scan, from_text=True)


def _choice(choices: tuple[Any, ...]) -> Reader:
    """Strings among the choices compare as text, others by what is read for their type; the others first."""
    others = [_scalars().get(type(choice)) or _enum(type(choice)) for choice in choices if type(choice) is not str]
    others = sorted({one.expected: one for one in others}.values(), key=lambda one: one.rank)
    shown = ", ".join(sorted(repr(choice) for choice in choices))

    def scan(text: str) -> Any:
        for one in others:
            try:
                return chosen(one.scan(text) if one.scan else text)
            except ValueError:
                continue
        return chosen(text)

    def chosen(value: Any) -> Any:
        for choice in choices:
            if type(choice) is type(value) and choice == value:
                return choice
        raise Unfit(hints=name_hints(str(value), [str(choice) for choice in choices]))

    def read(source: Any, context: Reading) -> Any:
        if type(source) is not Literal:
            return chosen(source)
        if source.kind == "word":
            return scan(str(source.value))
        if source.kind in ("string", "bytes"):
            return chosen(source.value)
        raise Unfit

    return Reader(f"one of {shown}", rank.CHOICE, read, scan, tuple({type(choice) for choice in choices}))


def _enum(cls: type[enum.Enum]) -> Reader:
    def scan(text: str) -> enum.Enum:
        if text in cls.__members__:
            return cls[text]
        alike = {member for name, member in cls.__members__.items() if name.lower() == text.lower()}
        if len(alike) == 1:
            return alike.pop()
        for member in cls:
            known = _scalars().get(type(member.value))
            try:
                if known and known.scan and known.scan(text) == member.value:
                    return member
            except ValueError:
                continue
        raise Unfit(hints=name_hints(text, cls.__members__))

    def read(source: Any, context: Reading) -> Any:
        if not isinstance(source, Literal | str | cls):  # what is written as a number in a file is a value
            source = Literal("word", 0, 0, str(source))
        return by_text.read(source, context)

    by_text = _scalar("", rank.ENUM, (cls,), scan, from_text=True)
    return Reader(f"one of {', '.join(cls.__members__)}", rank.ENUM, read, scan, (cls,))


# ---- collections


def _collection(expected: str, cls: type, args: tuple[Any, ...]) -> Reader:
    made = _MADE[cls]
    fixed = args if cls is tuple and args and args[-1] is not ... else None
    element = Any if not args else args[0]

    def read(source: Any, context: Reading) -> Any:
        if type(source) is Literal:
            if source.kind not in ("list", "tuple", "commas") and (source.kind != "braces" or source.keys):
                raise Unfit(hints=["write [1,2]: brackets around the elements"] if source.kind == "word" else ())
            items, kind = source.items, made
        else:
            if type(source) is not list and not (type(source) in _MADE and isinstance(source, cls)):
                raise Unfit
            items, kind = source, made if type(source) is list else type(source)
        if fixed is not None and len(items) != len(fixed) and fixed != ((),):
            msg = f"expected {len(fixed)} elements ({expected}); got {len(items)}"
            raise Unfit(msg)
        reader = context.readers.reader
        kinds = (reader(element) for _ in items) if fixed is None else map(reader, fixed)
        parts = ((f"[{index}]", item, one) for index, (item, one) in enumerate(zip(items, kinds, strict=False)))
        try:
            return kind(collect(parts, context))
        except TypeError:
            msg = f"expected {expected}; these elements cannot be in a set"
            raise Unfit(msg) from None

    return Reader(expected, rank.STRUCTURED, read, types=(made,), series=True)


def _mapping(expected: str, args: tuple[Any, ...]) -> Reader:
    def read(source: Any, context: Reading) -> Any:
        pairs = pairs_of(source)
        if pairs is None:
            raise Unfit(hints=["write {key: value}"])
        key_reader, reader = map(context.readers.reader, args)
        keys = collect((("", key, key_reader) for key, _ in pairs), context)
        items = {}
        problems = []
        for key, (written, value) in zip(keys, pairs, strict=True):
            try:
                fault = f"the key {key!r} is given twice" if key in items else ""
                items[key] = value
            except TypeError:
                fault = f"{written!r} cannot be a key"
            if fault:
                problems.append(Problem("", fault, context.where(written)))
        if problems:
            raise Faults(problems)
        values = collect(((f"[{key!r}]", value, reader) for key, value in items.items()), context)
        return dict(zip(items, values, strict=True))

    return Reader(expected, rank.STRUCTURED, read, types=(dict,), series=True)


def pairs_of(source: Any) -> list[tuple[Any, Any]] | None:
    """The keys and values of a mapping, written or given; None for anything else."""
    if type(source) is not Literal:
        return list(source.items()) if isinstance(source, collections.abc.Mapping) else None
    named = (source.kind, source.value) == ("call", "dict") and all(source.keys)
    if named or (source.kind == "braces" and len(source.keys) == len(source.items)):
        return list(zip(source.keys, source.items, strict=True))
    return None


# ---- unions, and anything


def _union(members: list[Reader]) -> Reader:
    """Tries the members from narrow to wide, however they were declared."""
    members = sorted(members, key=lambda one: (one.rank, one.expected))
    if any(one.rank in (rank.FLOAT, rank.COMPLEX) or one.free for one in members):
        members = [_INTEGER_LITERAL if one.rank == rank.INT and one.scan is scalars.read_int else one for one in members]
    if any(one.rank in (rank.PATH, rank.TEXT) for one in members):
        members = [_ENCODED_BYTES if one is _BYTES else one for one in members]
        members.sort(key=lambda one: one.rank)
    texts = [one for one in members if one.rank == rank.TEXT]
    scans = [one.scan for one in members if one.scan]

    def scan(text: str) -> Any:
        for one in scans:
            try:
                return one(text)
            except ValueError:
                continue
        raise ValueError(text[:80])

    def read(source: Any, context: Reading) -> Any:
        written = type(source) is Literal
        problems: tuple[Problem, ...] = ()
        hints: tuple[str, ...] = ()
        widened: list[Any] = []
        for one in texts if written and source.kind == "string" and texts else members:
            if problems and one.free:
                break
            try:
                value = one.read(source, context)
            except Unfit as unfit:
                hints += unfit.hints
            except Faults as faults:
                problems = problems or faults.problems
            else:
                if written or type(value) is type(source):
                    return value
                widened.append(value)
        if widened:
            return widened[0]
        if problems:
            raise Faults(problems)
        raise Unfit(hints=hints)

    return Reader(
        " or ".join(one.expected for one in members),
        members[-1].rank,
        read,
        scan if len(scans) == len(members) else None,
        tuple(cls for one in members for cls in one.types) if all(one.types for one in members) else (),
        free=any(one.free for one in members),
        series=any(one.series for one in members),
    )


_INTEGER_LITERAL = _scalar("int", rank.INT, (int,), scalars.read_integer_literal)
_ENCODED_BYTES = _scalar("bytes", rank.OTHER, (bytes,), scalars.read_encoded_bytes)


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


def _anything(source: Any, context: Reading) -> Any:
    if type(source) is Literal and source.kind in ("word", "string", "bytes"):
        return _plain(str(source.value)) if source.kind == "word" else source.value
    if type(source) is Literal and source.kind == "call" and source.value != "dict":
        from nrun.config.structured import class_reader

        return class_reader((object,)).read(source, context)
    if pairs_of(source) is not None:
        return _ANY_MAPPING.read(source, context)
    if type(source) in (list, tuple, set, frozenset) or type(source) is Literal:
        kind = source.kind if type(source) is Literal else type(source).__name__
        return _ANY_COLLECTION[kind].read(source, context)
    return source


_ANY = Reader("any value", rank.ANYTHING, _anything, free=True)
_ANY_MAPPING = _mapping("mapping", (Any, Any))
_ANY_COLLECTION = {cls.__name__: _collection(cls.__name__, cls, ()) for cls in (list, tuple, set, frozenset)}
_ANY_COLLECTION |= {"braces": _ANY_COLLECTION["set"]}
