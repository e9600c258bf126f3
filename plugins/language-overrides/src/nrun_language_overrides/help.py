"""Help as data: the tree as it is, every argument with type, value, origin, a line about it, and what fits it."""
# ruff: noqa: ANN401 - values and annotations of any kind

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

import attrs
import click

from nrun.config.annotations import annotation_of, doc_of
from nrun.config.checks import effective_default, tell_annotation
from nrun.config.node import NODES, set_arguments, target_of
from nrun.config.origin import records
from nrun.config.paths import children, format_path, parse_path
from nrun.config.show import brief
from nrun.config.target import display_name, signature_of
from nrun.data import Data
from nrun.errors import ConfigError, UsageError, did_you_mean
from nrun.text import printable
from nrun_language_overrides.factories import classes_in, fitting_factories
from nrun_language_overrides.start import CONTEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nrun.config.node import Node
    from nrun.config.paths import Path
    from nrun_language_overrides.factories import Factories, Factory
    from nrun_language_overrides.invocation import Typed

DEEPEST = 3
"""Levels that are shown unless all are asked for."""
_DOC_SECTION = re.compile(
    r"^(?:Args|Arguments|Parameters|Returns|Raises|Yields|Examples?)\b:?\s*$|^:param ", re.MULTILINE
)
_QUALIFIED = re.compile(r"\b(?:\w+\.)+(\w+)")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Row(Data):
    """An argument, or an element of one, with what is in it."""

    path: str
    """As it is typed."""
    name: str
    """The last step of it."""
    type: str
    value: str
    origin: str
    doc: str
    factories: tuple[tuple[str, str, str], ...]
    """The place that each fits, its call, and the first line of its documentation."""
    rows: tuple[Row, ...]
    hidden: int = 0
    """Arguments in it that are not shown."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Help(Data):
    """What can be typed after an entrypoint."""

    usage: str
    about: str
    sections: tuple[tuple[str, tuple[Row, ...]], ...]
    """Arguments under a title."""
    options: str


def is_path(word: str) -> bool:
    """Whether a word names a place, and says nothing of it: help is to show that place alone."""
    try:
        return bool(parse_path(word))
    except ConfigError:
        return False


def help_of(read: Typed, places: Sequence[str] = (), *, deepest: int = DEEPEST) -> Help:
    """Everything that can be typed, as it stands after what was typed; with `places`, what is there alone.

    What is more than `deepest` levels down is only counted. Raises UsageError for a place that is not there.
    """
    context = click.get_current_context()
    known = read.reading.factories
    arguments = tuple(
        row
        for row in _rows(read.task, (), "", known, {})
        if row.path.partition(".")[0] != CONTEXT or read.entry.type == "task"
    )
    arguments = _linked(arguments, {format_path(parse_path(link.dst)): link.src for link in read.entry.links})
    run = tuple(_rows(read.settings, (), "run.", known, {}))
    sections: tuple[tuple[str, tuple[Row, ...]], ...] = (("Arguments", arguments), ("Run", run))
    if places:
        sections = tuple((place, (_found(place, (*arguments, *run)),)) for place in places)
        about = options = ""
    else:
        about = _about(read.entry.function.__doc__ or read.entry.help)
        formatter = context.make_formatter()
        context.command.format_options(context, formatter)
        options = formatter.getvalue().rstrip()
    return Help(
        usage=context.command.get_usage(context),
        about=about,
        sections=tuple((title, _cut(rows, deepest)) for title, rows in sections if rows),
        options=options,
    )


def every(rows: Sequence[Row]) -> Iterator[Row]:
    """Rows, those in each after it."""
    for row in rows:
        yield row
        yield from every(row.rows)


def _found(place: str, rows: Sequence[Row]) -> Row:
    path = format_path(parse_path(place))
    by_path = {row.path: row for row in every(rows)}
    if path not in by_path:
        raise UsageError(f"there is no argument {place}.{did_you_mean(path, by_path)}", hint="--help shows them all")
    return by_path[path]


def _linked(rows: Sequence[Row], links: Mapping[str, str]) -> tuple[Row, ...]:
    """Rows in which what nobody can type says what it follows from."""
    return tuple(
        attrs.evolve(row, value=f"from {links[row.path]}", origin="", factories=(), rows=())
        if row.path in links
        else attrs.evolve(row, rows=_linked(row.rows, links))
        for row in rows
    )


def _cut(rows: Sequence[Row], deepest: int) -> tuple[Row, ...]:
    """Rows without what is deeper than so many levels, which is counted."""
    if deepest > 1:
        return tuple(attrs.evolve(row, rows=_cut(row.rows, deepest - 1)) if row.rows else row for row in rows)
    return tuple(
        attrs.evolve(row, rows=(), hidden=sum(1 for _ in every(row.rows))) if row.rows else row for row in rows
    )


def _about(doc: str) -> str:
    """A docstring without its sections: what they say of arguments stands in the table."""
    return _DOC_SECTION.split(inspect.cleandoc(doc), maxsplit=1)[0].strip()


def _rows(node: Node, path: Path, prefix: str, known: Factories, told: dict[int, str]) -> Iterator[Row]:
    """One row for each argument of a node."""
    target = target_of(node)
    given = set_arguments(node)
    for name in dict.fromkeys((*signature_of(target).names, *given)):
        value = given.get(name, effective_default(target, name))
        origin = next(records(node, name))[0] if name in given else None
        where = "" if origin is None or (prefix and origin.kind == "code") else " ".join(str(origin).split())
        annotation = annotation_of(target, name)
        at = prefix + format_path((*path, name))
        yield _row(
            value,
            (*path, name),
            prefix,
            known,
            told,
            type=_type(annotation),
            origin=printable(where),
            doc=printable(doc_of(target, name)),
            factories=tuple(_fitting(known, target, name, annotation, at)),
        )


def _row(value: Any, path: Path, prefix: str, known: Factories, told: dict[int, str], **cells: Any) -> Row:
    """The row of a value, with rows for what is in it if that is a node, or a container of nodes."""
    at = prefix + format_path(path)
    rows: tuple[Row, ...] = ()
    if type(value) in NODES:
        shown = display_name(value.__nrun_target__)
        if first := told.get(id(value)):
            shown += f", the same as {first}"
        else:
            told[id(value)] = at
            rows = tuple(_rows(value, path, prefix, known, told))
    else:
        shown = "required" if value is inspect.Parameter.empty else brief(value)
        rows = tuple(
            _row(item, (*path, step), prefix, known, told, type="", origin="", doc="", factories=())
            for step, item in children(value)
            if type(item) in NODES
        )
    return Row(path=at, name=format_path(path[-1:]), value=printable(shown), rows=rows, **cells)


def _type(annotation: Any) -> str:
    return "" if annotation is Any else printable(_QUALIFIED.sub(r"\1", tell_annotation(annotation)))


def _fitting(
    known: Factories, target: Callable[..., Any], name: str | int, annotation: Any, at: str
) -> Iterator[tuple[str, str, str]]:
    """The factories that fit an argument, and those that fit the elements of one."""
    for factory in fitting_factories(known, target, str(name)):
        yield at, _call(factory), _first_line(factory)
    for element in _elements(annotation):
        classes = classes_in(element)
        for factory in known.of_several(classes, target):
            yield at, _call(factory), _first_line(factory)
        for factory in known.fitting(classes, target, None) if classes else ():
            if factory.provides:
                yield f"{at}[+]", _call(factory), _first_line(factory)


def _elements(annotation: Any) -> Iterator[Any]:
    """What the containers that an annotation names can hold; of mappings, the values."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(origin, type) and issubclass(origin, Sequence | AbstractSet | Mapping):
        yield from (arg for arg in dict.fromkeys(args[issubclass(origin, Mapping) :]) if arg is not ...)
    elif origin is types.UnionType or (origin is not None and not isinstance(origin, type)):
        for arg in args:
            yield from _elements(arg)


def _call(factory: Factory) -> str:
    return printable(f"{factory.name}({', '.join(map(str, signature_of(factory.function).names))})")


def _first_line(factory: Factory) -> str:
    return printable((factory.function.__doc__ or "").strip().partition("\n")[0])
