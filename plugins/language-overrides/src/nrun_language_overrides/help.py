"""Help that shows the tree as it is: every argument with type, value, origin, a line about it, and what fits it."""
# ruff: noqa: ANN401 - values and annotations of any kind

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import click

from nrun.config.annotations import annotation_of, doc_of
from nrun.config.checks import effective_default, tell_annotation
from nrun.config.node import NODES, set_arguments, target_of
from nrun.config.origin import records
from nrun.config.paths import format_path, nodes_of
from nrun.config.show import brief
from nrun.config.target import display_name, signature_of
from nrun.text import columns, printable
from nrun_language_overrides.factories import fitting_factories
from nrun_language_overrides.start import CONTEXT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nrun.config.node import Node
    from nrun.config.paths import Path
    from nrun_language_overrides.factories import Factory
    from nrun_language_overrides.invocation import Typed

WIDEST_CELL = 48
_DOC_SECTION = re.compile(
    r"^(?:Args|Arguments|Parameters|Returns|Raises|Yields|Examples?)\b:?\s*$|^:param ", re.MULTILINE
)
_QUALIFIED = re.compile(r"\b(?:\w+\.)+(\w+)")


def help_text(read: Typed) -> str:
    """Everything that can be typed, as it stands after what was typed."""
    context = click.get_current_context()
    parts = [context.command.get_usage(context), _about(read.entry.function.__doc__ or read.entry.help)]
    for title, root, prefix in (("Arguments", read.task, ""), ("Run", read.settings, "run.")):
        rows = [row for row in _rows(root, (), prefix) if row[0] != CONTEXT or read.entry.type == "task"]
        parts.append(_section(title, columns(rows)) if rows else "")
    factories = list(_factory_rows(read))
    parts.append(_section("Factories", columns(factories)) if factories else "")
    formatter = context.make_formatter()
    context.command.format_options(context, formatter)
    parts.append(formatter.getvalue().rstrip())
    return "\n\n".join(filter(None, parts))


def _about(doc: str) -> str:
    """A docstring without its sections: what they say of arguments stands in the table."""
    return _DOC_SECTION.split(inspect.cleandoc(doc), maxsplit=1)[0].strip()


def _section(title: str, text: str) -> str:
    return f"{click.style(title, bold=True)}:\n" + "\n".join(f"  {line}".rstrip() for line in text.splitlines())


def _rows(node: Node, path: Path, prefix: str) -> Iterator[Sequence[str]]:
    """One row for each argument of a node, those of the nodes in it after their own."""
    target = target_of(node)
    given = set_arguments(node)
    for name in dict.fromkeys((*signature_of(target).names, *given)):
        at = (*path, name)
        value = given.get(name, effective_default(target, name))
        is_node = type(value) in NODES
        shown = "required" if value is inspect.Parameter.empty else _value(value, is_node=is_node)
        origin = next(records(node, name))[0] if name in given else None
        told = "" if origin is None or (prefix and origin.kind == "code") else " ".join(str(origin).split())
        annotation = annotation_of(target, name)
        kind = "" if annotation is Any else _QUALIFIED.sub(r"\1", tell_annotation(annotation))
        cells = (prefix + format_path(at), kind, shown, told, doc_of(target, name))
        yield [_cell(text) for text in cells[:-1]] + [printable(cells[-1])]
        if is_node:
            yield from _rows(value, at, prefix)


def _value(value: Any, *, is_node: bool) -> str:
    return display_name(value.__nrun_target__) if is_node else brief(value)


def _cell(text: str) -> str:
    text = printable(text)
    return text if len(text) <= WIDEST_CELL else text[: WIDEST_CELL - 1] + "…"


def _factory_rows(read: Typed) -> Iterator[Sequence[str]]:
    """One row for each factory that fits an argument of the task or of the run."""
    for root, prefix in ((read.task, ""), (read.settings, "run.")):
        for path, node in nodes_of(root):
            target = target_of(node)
            for name in signature_of(target).names:
                for factory in fitting_factories(read.reading.factories, target, name):
                    doc = (factory.function.__doc__ or "").strip().partition("\n")[0]
                    yield [prefix + format_path((*path, name)), _call(factory), printable(doc)]


def _call(factory: Factory) -> str:
    return f"{factory.name}({', '.join(signature_of(factory.function).names)})"[:WIDEST_CELL]
