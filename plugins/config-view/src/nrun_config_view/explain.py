"""Why an argument has the value it has: its trail, told."""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import attrs

from nrun.config.origin import Origin, records
from nrun.config.paths import format_path, get_at, holder_of, steps_of
from nrun.config.show import brief
from nrun.config.target import check_name, display_name, signature_of
from nrun.data import Data

if TYPE_CHECKING:
    from nrun.config.paths import Path


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


def _or_unset(value: str | None) -> str:
    return "not set" if value is None else value
