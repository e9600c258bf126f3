"""Where values come from: the trail that every argument keeps, and how it is told."""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Literal, cast

import attrs

from nrun.config.node import check_name, set_trail
from nrun.config.paths import format_path, get_at, holder_of, steps_of
from nrun.config.show import brief
from nrun.config.target import display_name, signature_of
from nrun.data import Data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nrun.config.node import CodeOrigin, Node, Trail
    from nrun.config.paths import Path

OriginKind = Literal["default", "code", "file", "env", "cli", "factory", "sweep", "plugin", "migrated"]


@attrs.frozen(eq=False, repr=False)
class Origin(Data):
    """Where a value came from.

    `where` is the place: `exp/base.yaml:12:7` for a file, `argv[4]` for the command line, the name of an
    environment variable, factory or plugin. `text` is what was written there, `note` what else is worth
    knowing, such as the file that included this one.
    """

    kind: OriginKind
    where: str = ""
    text: str = ""
    note: str = ""

    def __str__(self) -> str:
        told = [self.where, f'"{self.text}"' if self.text else "", f"({self.note})" if self.note else ""]
        return f"{self.kind:<7} {'  '.join(filter(None, told))}".rstrip()


@attrs.frozen(eq=False, repr=False)
class Explanation(Data):
    """Why an argument has the value it has. `trail` is newest first: an origin, and the value it gave, None if none."""

    path: str
    value: str | None
    annotation: str
    doc: str
    trail: tuple[tuple[Origin, str | None], ...]

    def __str__(self) -> str:
        said = [f"{self.path} = {_or_unset(self.value)}", self.annotation, self.doc]
        lines = ["   ".join(filter(None, said))]
        for index, (origin, value) in enumerate(self.trail):
            lines.append(f"  {origin}" + (f"  {_or_unset(value)}" if index or value != self.value else ""))
        return "\n".join(lines)


def explain(root: Any, path: str | Path) -> Explanation:
    """Where the value at `path` came from, and what it displaced; within a container, that of the whole container.

    Imports nothing: of a target that is still a name, neither type nor default is told. Raises ConfigError if
    there is no such place.
    """
    steps = steps_of(path)
    node, name, inside = holder_of(root, steps)
    value = brief(get_at(root, steps)) if inside or name in node else None
    annotation = doc = ""
    default: Any = inspect.Parameter.empty
    target = node.__nrun_target__
    if not isinstance(target, str):
        from nrun.config.annotations import annotation_of, doc_of
        from nrun.config.checks import tell_annotation

        if name not in node:
            check_name(signature_of(target), display_name(target), name)
        default = signature_of(target).default(name)
        if not inside:
            hint = annotation_of(target, name)
            annotation, doc = "" if hint is Any else tell_annotation(hint), doc_of(target, name)
    trail = list(records(node, name))
    if default is not inspect.Parameter.empty:
        trail.append((Origin("default", f"{display_name(target)}.{name}"), brief(default)))
        value = trail[-1][1] if value is None else value
    return Explanation(format_path(steps), value, annotation, doc, tuple(trail))


def came_from(node: Node, origin: Callable[[str | int | None], Origin]) -> None:
    """Note where the arguments of a node came from, in the place of the code that set them; of None, the node."""
    trail: Trail = (None, origin(None), None, None)
    for name in node:
        trail = (name, origin(name), None, trail)
    set_trail(node, trail)


def records(node: Node, name: str | int) -> Iterator[tuple[Origin, str | None]]:
    """What happened to an argument since its node was made, newest first: an origin, and the value it gave."""
    value = brief(node[name]) if name in node else None
    record: Trail | None = node.__nrun_trail__
    while record is not None:
        changed, origin, displaced, before = record if len(record) == 4 else (None, record, None, None)  # noqa: PLR2004
        if changed == name or (changed is None and value is not None):
            yield _origin(origin), value
            value = displaced
        record = before


def _origin(origin: object) -> Origin:
    if isinstance(origin, Origin):
        return origin
    if isinstance(origin, tuple):
        code, instruction = cast("CodeOrigin", origin)
        line = next((line for start, end, line in code.co_lines() if start <= instruction < end), None)
        return Origin("code", f"{code.co_filename}:{line}", note=f"in {code.co_qualname}")
    return Origin("default", note="copied, to be edited") if origin else Origin("code", "not known")


def _or_unset(value: str | None) -> str:
    return "not set" if value is None else value
