"""The typed reader: from a text, or from structured data, to a value of an annotation.

One reader is compiled per annotation and kept; values never are. What an annotation means depends neither on where
the text comes from nor on the order in which a union is declared: its members are tried from narrow to wide.
Nothing is imported but for annotations that ask for a class or a callable, and then only what the policy allows.
"""
# ruff: noqa: ANN401 - an annotation may stand for any value

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

import attrs

from nrun.config.special import Reference, Sweep
from nrun.data import Data
from nrun.errors import ConfigError
from nrun.secret import URL, Secret
from nrun_language_overrides.factories import Factories, is_kind, type_given
from nrun_language_overrides.literal import LONGEST_TEXT, Literal, SyntaxProblem, is_reference, parse
from nrun_language_overrides.problems import ConfigProblems, Problem, Source, shell_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nrun.config.node import Config

    Scan = Callable[[str], Any]

GENERATORS = ("choice", "range", "linspace", "logspace")
_LONGEST_MESSAGE = 400
_MORE_THAN_TEXT = ("'", '"', "b'", 'b"', "choice(", URL)

Rank = enum.IntEnum(
    "Rank", "NULL CHOICE ENUM BOOL INT FLOAT COMPLEX OTHER CLASS COLLECTION CALLABLE PATH BYTES TEXT ANYTHING"
)
"""From narrow to wide: the order in which the members of a union are tried."""


class Unfit(ValueError):  # noqa: N818 - reads as what it says
    """A value that does not have the form that is read for; with a sentence if there is more to say than that."""

    def __init__(self, message: str = "", *hints: str) -> None:
        super().__init__(message)
        self.hints = tuple(hint for hint in hints if hint)


class Faults(Exception):  # noqa: N818 - reads as what it says
    """Located problems; `unfit` if the value as a whole does not have the form that is read for."""

    def __init__(self, problems: Iterable[Problem], *, unfit: bool = False) -> None:
        super().__init__()
        self.problems = tuple(problems)
        self.unfit = unfit


@attrs.frozen(eq=False, repr=False)
class Reader(Data):
    """How values of one annotation are read."""

    expected: str
    """What is read, for people."""
    rank: Rank
    read: Callable[[Any, Reading], Any]
    """From a Literal or a given value. Raises Unfit or Faults."""
    scan: Scan | None = None
    """From a text without quotes, if that is all that is needed. Raises ValueError."""
    types: tuple[type, ...] = ()
    """What a node must build to; empty if that cannot be said."""
    free: bool = False
    """Whether any text fits."""
    series: bool = False
    """Whether values with bare commas are its elements."""


class Readers:
    """The readers of all annotations: nrun's own, and those registered for classes. Keeps what it has compiled."""

    def __init__(self, registered: Mapping[type, Scan] | None = None) -> None:
        self.registered = dict(registered or {})
        self._compiled: dict[object, Reader] = {}

    @classmethod
    def of(cls, *functions: Scan) -> Readers:
        """With the functions that `@reader` marked."""
        return cls({function.__nrun_reads__: function for function in functions})  # type: ignore[attr-defined] # the mark

    def reader(self, annotation: object) -> Reader:
        """The reader of `annotation`."""
        try:
            return self._compiled[annotation]
        except (KeyError, TypeError) as missing:  # TypeError: not hashable, such as Annotated with a list
            from nrun_language_overrides.forms import compile_reader

            compiled = compile_reader(annotation, self)
            if isinstance(missing, KeyError):
                self._compiled[annotation] = compiled
            return compiled


def reader(cls: type) -> Callable[[Scan], Scan]:
    """Mark a function as the one that makes a `cls` from a text, with ValueError for a text that does not fit."""

    def mark(function: Scan) -> Scan:
        function.__nrun_reads__ = cls  # type: ignore[attr-defined] # the mark
        return function

    return mark


@attrs.frozen(eq=False, repr=False)
class Reading(Data):
    """What is known while reading: where the value goes, where it was written, what it may refer to."""

    path: str = ""
    """Of the argument, for errors."""
    source: Source | None = None
    """The text as it was written; what is read begins at its `start`. None: it is the text that is read."""
    factories: Factories = Factories()  # noqa: RUF009 - immutable
    readers: Readers = Readers()  # noqa: RUF009 - holds nothing but what can be computed again
    allowed: Callable[[str], bool] = lambda _symbol: False
    """Whether the symbol `module:name` may be imported."""
    parent: object = None
    """The target whose argument is read, and the argument: some factories are only for one."""
    argument: str | None = None
    folder: str = ""
    """What a relative path is relative to: the folder of the file it is read from."""
    made: dict[tuple[int, object], Config[Any]] | None = None
    """The nodes that were made of mappings, which stay alive, so that a mapping that stands twice makes one node."""

    def where(self, source: object) -> Source | None:
        """Where a literal was written; for a given value, where the whole was."""
        if isinstance(source, Literal) and self.source is not None:
            return self.source.part(source.start, source.end)
        return self.source


_NOWHERE = Reading()


def read_text(text: str, annotation: object, context: Reading = _NOWHERE) -> Any:
    """The value of `annotation` that `text` is; a Reference or a Sweep if it is written as one.

    Raises ConfigProblems with every problem in the text.
    """
    found = context.readers.reader(annotation)
    special = found.free and ("${" in text or text.startswith(_MORE_THAN_TEXT))
    if found.scan is not None and not special and len(text) <= LONGEST_TEXT:
        try:
            return found.scan(text)
        except ValueError:
            pass  # a sweep, a reference, in quotes, or wrong
    if context.source is None:
        context = attrs.evolve(context, source=Source("", text))
    try:
        literal = _literal_of(text, found, context)
        try:
            return read_source(found, literal, context)
        except Faults as faults:
            if not found.free or not (faults.unfit or literal.kind == "commas"):
                raise
            return read_source(found, _as_text(text), context)  # it looked like more than text, but is not
    except Faults as faults:
        raise _report(faults, context) from None


def read_value(value: object, annotation: object, context: Reading = _NOWHERE) -> Any:
    """`value`, from a file or from Python, as a value of `annotation`.

    Text is never read as what JSON has forms for, such as numbers. Only safe widenings are made: int to float, list
    to tuple or set, text to a path. Raises ConfigProblems with every problem in the value.
    """
    try:
        return read_source(context.readers.reader(annotation), value, context)
    except Faults as faults:
        raise _report(faults, context) from None
    except RecursionError:
        raise ConfigProblems([Problem(context.path, "contains itself, or is nested too deeply")]) from None


def read_source(found: Reader, source: Any, context: Reading) -> Any:
    """The value that a Literal or a given value is. Raises Faults."""
    try:
        return (_read_literal if type(source) is Literal else _read_given)(found, source, context)
    except Unfit as unfit:
        message = str(unfit) or f"expected {found.expected}; got {show(source)}"
        raise Faults(
            [Problem("", message[:_LONGEST_MESSAGE], context.where(source), unfit.hints)], unfit=True
        ) from None


def collect(parts: Iterable[tuple[str, Any, Reader]], context: Reading) -> list[Any]:
    """The values of several parts, each with the step that leads to it. Raises Faults with the problems of all."""
    values, problems = [], []
    for step, source, found in parts:
        try:
            values.append(read_source(found, source, context))
        except Faults as faults:
            problems += [problem.under(step) for problem in faults.problems]
    if problems:
        raise Faults(problems)
    return values


def fault(message: str, source: object, context: Reading, *hints: str) -> Faults:
    """One problem with what is written or given at `source`, whatever else would fit there."""
    return Faults([Problem("", message, context.where(source), tuple(hint for hint in hints if hint))])


def show(source: object) -> str:
    """A literal or a value for a message, short."""
    if not isinstance(source, Literal):
        import reprlib

        return reprlib.repr(source)
    if source.kind in ("word", "string", "bytes"):
        return repr(source.value[:60])
    return {"call": f"a call of {source.value!r}", "commas": "several values"}.get(source.kind, f"a {source.kind}")


def _literal_of(text: str, found: Reader, context: Reading) -> Literal:
    """A whole text through the grammar; as a single word where any text fits and it is nothing else."""
    try:
        literal = parse(text)
    except SyntaxProblem as problem:
        if found.free and len(text) <= LONGEST_TEXT:
            return _as_text(text)
        place = Literal("word", problem.offset, problem.offset + 1)
        raise fault(problem.message, place, context, *shell_hints(text)) from None
    if not found.free or literal.kind in ("string", "bytes") or (literal.kind, literal.value) == ("call", "choice"):
        return literal
    only_text = found.scan and found.rank is not Rank.ANYTHING
    is_text = only_text or literal.kind in ("word", "reference") or (literal.kind == "commas" and not found.series)
    return _as_text(text) if is_text else literal


def _as_text(text: str) -> Literal:
    if is_reference(text):
        return Literal("reference", 0, len(text), text)
    return Literal("word", 0, len(text), text.replace("\\${", "${"))


def _read_literal(found: Reader, literal: Literal, context: Reading) -> Any:
    if literal.kind == "reference":
        return _reference(literal.value, found)
    if literal.kind == "word" and literal.value.startswith(URL):
        return _secret(literal.value)
    if literal.kind == "call" and literal.value == "copy" and [item.kind for item in literal.items] == ["reference"]:
        return _reference(literal.items[0].value.replace("${", "${copy:", 1), found)
    if literal.kind == "call" and literal.value in GENERATORS:
        return _sweep(_points(literal), found, context)
    if literal.kind == "commas" and not found.series:
        return _sweep(literal.items, found, context)
    return found.read(literal, context)


def _read_given(found: Reader, value: Any, context: Reading) -> Any:
    if type(value) in (Reference, Secret):
        return value
    if type(value) is Sweep:
        return _sweep(value.points, found, context)
    if getattr(type(value), "__nrun_node__", False):
        return _node(value, found)
    if type(value) is str and value.startswith(URL):
        return _secret(value)
    if type(value) is str and "${" in value:
        if is_reference(value):
            return _reference(value, found)
        value = value.replace("\\${", "${")
    return found.read(value, context)


def _points(literal: Literal) -> tuple[Literal, ...]:
    if any(literal.keys) or not literal.items:
        raise Unfit(f"{literal.value} takes values, without names")
    if literal.value == "choice":
        return literal.items
    from nrun_language_overrides.scalars import series

    try:
        texts = series(literal.value, [item.value for item in literal.items])
    except ValueError as error:
        raise Unfit(f"{literal.value} does not fit: {error}") from None
    if not texts:
        raise Unfit(f"this {literal.value} has no points")
    return tuple(Literal("word", literal.start, literal.end, text) for text in texts)


def _sweep(points: Iterable[Any], found: Reader, context: Reading) -> Sweep:
    return Sweep(tuple(collect((("", point, found) for point in points), context)))


def _reference(text: str, found: Reader) -> Reference:
    try:
        reference = Reference.parse(text)
    except ConfigError as error:
        raise Unfit(error.message, error.hint or "") from None
    if not reference.is_whole and not found.free:
        raise Unfit(f"a reference with text around it is text; expected {found.expected}")
    return reference


def _secret(text: str) -> Secret:
    try:
        return Secret.parse(text)
    except ConfigError as error:
        raise Unfit(error.message, error.hint or "") from None


def _node(node: Any, found: Reader) -> Any:
    given = type_given(node)
    widened = float in found.types and given is int
    if given is not None and found.types and not widened and not is_kind(given, found.types):
        raise Unfit(f"expected {found.expected}; got a node that gives {given.__name__}")
    return node


def _report(faults: Faults, context: Reading) -> ConfigProblems:
    return ConfigProblems(
        attrs.evolve(problem, path=f"{context.path}{problem.path}".removeprefix(".")) for problem in faults.problems
    )
