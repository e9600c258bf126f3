"""The typed reader: from a text, or from structured data, to a value of an annotation.

One reader is compiled per annotation and kept; values never are. What an annotation means does not depend on where
the text comes from, nor on the order in which a union is declared: its members are tried from narrow to wide.
Nothing is imported but by annotations that ask for a callable or a class, and then only what the policy allows.
"""
# ruff: noqa: ANN401 - an annotation may stand for any value

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any

import attrs

from nrun.config.factories import Factories, is_kind, type_given
from nrun.config.literal import LONGEST_TEXT, Literal, SyntaxProblem, is_reference, parse
from nrun.config.problems import ConfigProblems, Problem, Source, shell_hints
from nrun.config.special import Reference, Sweep
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

GENERATORS = frozenset({"choice", "range", "linspace", "logspace"})
_SPECIAL = ("'", '"', "b'", 'b"', "choice(")
# From narrow to wide: the order in which the members of a union are tried.
NULL, CHOICE, ENUM, BOOL, INT, FLOAT, COMPLEX, OTHER, STRUCTURED, CALLABLE, PATH, BYTES, TEXT, ANYTHING = range(14)


class Unfit(ValueError):
    """A value that does not have the form that is read for. Says so in words if it can say more than that."""

    def __init__(self, message: str = "", hints: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.hints = tuple(hints)


class Faults(Exception):  # noqa: N818 - several problems inside one value, on their way to the report
    """Located problems; `unfit` if the value as a whole does not have the form that is read for."""

    def __init__(self, problems: Iterable[Problem], *, unfit: bool = False) -> None:
        super().__init__()
        self.problems = tuple(problems)
        self.unfit = unfit


@attrs.frozen
class Reader:
    """How values of one annotation are read."""

    expected: str
    """What is read, for people."""
    rank: int
    read: Callable[[Any, Reading], Any]
    """From a literal or a value. Raises Unfit or Faults."""
    scan: Callable[[str], Any] | None = None
    """From a text without quotes, if a text is all that is needed. Raises ValueError."""
    types: tuple[type, ...] = ()
    """What a node must build to; empty if that cannot be said."""
    free: bool = False
    """Whether any text fits."""
    series: bool = False
    """Whether texts with bare commas are its elements."""


class Readers:
    """The readers of all annotations: those of nrun, and those that were registered for classes."""

    def __init__(self, registered: Mapping[type, Callable[[str], Any]] | None = None) -> None:
        self.registered = dict(registered or {})
        self._compiled: dict[object, Reader] = {}

    @classmethod
    def of(cls, *functions: Callable[[str], Any]) -> Readers:
        """With the functions that `@reader` marked."""
        return cls({function.__nrun_reads__: function for function in functions})  # type: ignore[attr-defined] # the mark

    def reader(self, annotation: object) -> Reader:
        """The reader of `annotation`."""
        try:
            found = self._compiled.get(annotation)
        except TypeError:  # not hashable, such as Annotated with a list
            return self._compile(annotation)
        if found is None:
            found = self._compiled[annotation] = self._compile(annotation)
        return found

    def _compile(self, annotation: object) -> Reader:
        from nrun.config.annotations import compile_reader

        return compile_reader(annotation, self)


def reader(cls: type) -> Callable[[Callable[[str], Any]], Callable[[str], Any]]:
    """Mark a function as the one that makes a `cls` from a text; it raises ValueError for what does not fit."""

    def mark(function: Callable[[str], Any]) -> Callable[[str], Any]:
        function.__nrun_reads__ = cls  # type: ignore[attr-defined] # the mark
        return function

    return mark


def _nothing(_symbol: str) -> bool:
    return False


@attrs.frozen
class Reading:
    """What is known while reading: where the value goes, where it was written, and what it may refer to."""

    path: str = ""
    """Of the argument, for errors."""
    source: Source | None = None
    """The text as it was written; the value begins at its `start`. None: the text that is read."""
    factories: Factories = attrs.field(factory=Factories)
    readers: Readers = attrs.field(factory=Readers)
    allowed: Callable[[str], bool] = _nothing
    """Whether the symbol `module:name` may be imported."""
    parent: object = None
    """The target whose argument is read, for the factories made for it."""
    argument: str | None = None

    def where(self, source: object) -> Source | None:
        """Where a literal was written; for a value, where the whole was."""
        if isinstance(source, Literal) and self.source is not None:
            return self.source.part(source.start, source.end)
        return self.source


_PLAIN = Reading()


def read_text(text: str, annotation: object, context: Reading = _PLAIN) -> Any:
    """The value of `annotation` that `text` is; a Reference or Sweep if it is written as one.

    Raises ConfigProblems, which names every problem in the text.
    """
    found = context.readers.reader(annotation)
    if found.scan is not None and len(text) <= LONGEST_TEXT and not (found.free and _is_special(text)):
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
            return read_source(found, _as_text(text), context)  # it looks like more than text, but is not
    except Faults as faults:
        raise ConfigProblems(problem.under(context.path).under("") for problem in faults.problems) from None


def read_value(value: object, annotation: object, context: Reading = _PLAIN) -> Any:
    """`value`, from a file or from Python, as a value of `annotation`.

    What JSON can say is not read from text here: text is never a number. Only safe widenings are made: int to
    float, list to tuple or set, text to a path. Raises ConfigProblems, which names every problem in the value.
    """
    try:
        return read_source(context.readers.reader(annotation), value, context)
    except Faults as faults:
        raise ConfigProblems(problem.under(context.path).under("") for problem in faults.problems) from None
    except RecursionError:
        raise ConfigProblems([Problem(context.path, "contains itself, or is nested too deeply")]) from None


def read_source(found: Reader, source: Any, context: Reading) -> Any:
    """The value that a literal or a structured value is. Raises Faults."""
    try:
        if type(source) is Literal:
            if source.kind == "reference":
                return _reference(str(source.value), found)
            if source.kind == "call" and source.value in GENERATORS:
                return _sweep(source, found, context)
            if source.kind == "commas" and not found.series:
                return Sweep(tuple(collect((("", item, found) for item in source.items), context)))
        elif type(source) is str and "${" in source:
            if is_reference(source):
                return _reference(source, found)
            source = source.replace("\\${", "${")
        elif type(source) is Reference:
            return source
        elif type(source) is Sweep:
            return Sweep(tuple(collect((("", item, found) for item in source.points), context)))
        elif getattr(type(source), "__nrun_node__", False):
            return _node(source, found)
        return found.read(source, context)
    except Unfit as unfit:
        message = str(unfit) or f"expected {found.expected}; got {show(source)}"
        raise Faults([Problem("", message, context.where(source), unfit.hints)], unfit=True) from None


def collect(parts: Iterable[tuple[str, Any, Reader]], context: Reading) -> list[Any]:
    """The values of several parts, each with the step that leads to it. Raises Faults with those of all parts."""
    values, problems = [], []
    for step, source, found in parts:
        try:
            values.append(read_source(found, source, context))
        except Faults as faults:
            problems += [problem.under(step) if step else problem for problem in faults.problems]
    if problems:
        raise Faults(problems)
    return values


def show(source: object) -> str:
    """A literal or value for a message, short."""
    if not isinstance(source, Literal):
        import reprlib

        return reprlib.repr(source) if not isinstance(source, str) else repr(source[:60])
    if source.kind in ("word", "string", "bytes"):
        return repr(source.value[:60])
    if source.kind == "braces":
        return "a mapping" if source.keys else "a set"
    return {"call": f"a call of {source.value!r}", "commas": "several values"}.get(source.kind, f"a {source.kind}")


def _is_special(text: str) -> bool:
    return "${" in text or text.startswith(_SPECIAL)


def _literal_of(text: str, found: Reader, context: Reading) -> Literal:
    """A whole text through the grammar, or as a single word where any text fits. Raises Faults."""
    try:
        literal = parse(text)
    except SyntaxProblem as problem:
        if found.free and len(text) <= LONGEST_TEXT:
            return _as_text(text)
        where = context.where(Literal("word", problem.offset, problem.offset + 1))
        raise Faults([Problem("", problem.message, where, shell_hints(text))]) from None
    if not found.free or literal.kind in ("string", "bytes") or (literal.kind, literal.value) == ("call", "choice"):
        return literal
    is_text = found.scan or literal.kind in ("word", "reference") or (literal.kind == "commas" and not found.series)
    return _as_text(text) if is_text else literal


def _as_text(text: str) -> Literal:
    if is_reference(text):
        return Literal("reference", 0, len(text), text)
    return Literal("word", 0, len(text), text.replace("\\${", "${"))


def _sweep(source: Literal, found: Reader, context: Reading) -> Sweep:
    if any(source.keys) or not source.items:
        msg = f"{source.value} takes values, without names"
        raise Unfit(msg)
    points = source.items
    if source.value != "choice":
        from nrun.config.scalars import series

        try:
            texts = series(str(source.value), [str(item.value) for item in source.items])
        except ValueError as error:
            raise Unfit(str(error)) from None
        points = tuple(Literal("word", source.start, source.end, text) for text in texts)
    return Sweep(tuple(collect((("", point, found) for point in points), context)))


def _reference(text: str, found: Reader) -> Reference:
    try:
        reference = Reference.parse(text)
    except ConfigError as error:
        raise Unfit(error.message, [error.hint] if error.hint else []) from None
    if not reference.is_whole and not found.free:
        msg = f"a reference with text around it is text; expected {found.expected}"
        raise Unfit(msg)
    return reference


def _node(node: Any, found: Reader) -> Any:
    given = type_given(node)
    widened = float in found.types and given in (int, bool)
    if given is not None and found.types and not widened and not is_kind(given, found.types):
        msg = f"expected {found.expected}; got a node that gives {given.__name__}"
        raise Unfit(msg)
    return node
