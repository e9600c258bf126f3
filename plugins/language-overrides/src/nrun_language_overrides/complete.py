"""What may come next in an item: the rest of a path, or a value that the argument admits."""

from __future__ import annotations

import enum
import typing
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

from nrun.config.annotations import annotation_of, doc_of
from nrun.config.node import NODES, target_of
from nrun.config.paths import format_path, holder_of, nodes_of, parse_path
from nrun.config.target import signature_of
from nrun.errors import NrunError
from nrun.plugins import installed
from nrun_language_overrides.start import default_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nrun import Entrypoint
    from nrun.config.node import Node

RUN = "run."


def completions(entry: Entrypoint, incomplete: str) -> list[CompletionItem]:
    """What may stand where `incomplete` stands; nothing where that cannot be told."""
    try:
        if incomplete.startswith(RUN):
            from nrun_language_overrides.invocation import typed

            found = _completions(typed(entry, (), installed()).settings, incomplete.removeprefix(RUN))
            return [CompletionItem(RUN + item.value, help=item.help) for item in found]
        found = _completions(default_task(entry), incomplete)
        return [*found, *([CompletionItem(RUN)] if RUN.startswith(incomplete) else [])]
    except NrunError:
        return []


def _completions(root: Node, incomplete: str) -> list[CompletionItem]:
    path, equals, start = incomplete.partition("=")
    if equals:
        return [CompletionItem(f"{path}={value}") for value in _values(root, path) if value.startswith(start)]
    found = []
    for at, node in nodes_of(root):
        target, base = target_of(node), format_path(at)
        for name in signature_of(target).names:
            text = f"{base}.{name}" if base else name
            if text.startswith(incomplete):
                deeper = type(node[name]) in NODES if name in node else False
                found.append(CompletionItem(text + ("." if deeper else "="), help=doc_of(target, name)))
    return found


def _values(root: Node, path: str) -> Iterator[str]:
    """Factories, choices and words that the argument at `path` admits."""
    node, name, inside = holder_of(root, parse_path(path))
    if inside or not isinstance(name, str):
        return
    from nrun_language_overrides.factories import fitting_factories
    from nrun_language_overrides.invocation import known_factories
    from nrun_language_overrides.members import members_of

    annotation = annotation_of(node, name)
    factories = known_factories(installed())
    yield from (factory.name for factory in fitting_factories(factories, target_of(node), name))
    for member in members_of(annotation):
        if typing.get_origin(member) is typing.Literal:
            yield from map(str, typing.get_args(member))
        elif member is bool:
            yield from ("true", "false")
        elif member is type(None):
            yield "null"
        elif isinstance(member, type) and issubclass(member, enum.Enum):
            yield from member.__members__
