"""Where values come from: the trail that every argument keeps."""

from __future__ import annotations

from types import CodeType
from typing import TYPE_CHECKING, Literal, cast

import attrs

from nrun.config.node import DEFAULT, set_arguments, set_trail
from nrun.config.show import brief, outline
from nrun.data import Data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeGuard

    from nrun.config.node import CodeOrigin, Node, ReaderOrigin, Trail

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


def came_from(node: Node, origin: Callable[[str | int | None], Origin]) -> None:
    """Note where the arguments of a node came from, in the place of the code that set them; of None, the node."""
    trail: Trail = origin(None)
    for name in node:
        trail = (name, origin(name), None, trail)
    set_trail(node, trail)


def note_reader(node: Node, name: str | int, container: object, origin: CodeOrigin) -> None:
    """Note what a container is where it is first read: if it is another one later, it was edited from there on."""
    record = node.__nrun_trail__
    while isinstance(record, tuple) and record[0] != name:
        record = record[3]
    if not isinstance(record, tuple) or not _is_reader(record[1]):
        set_trail(node, (name, (*origin, outline(container)), brief(container), node.__nrun_trail__))


def records(node: Node, name: str | int) -> Iterator[tuple[Origin, str | None]]:
    """What happened to an argument since its node was made, newest first: an origin, and the value it gave."""
    now = set_arguments(node).get(name)
    value = brief(now) if name in node else None
    trail, newest = node.__nrun_trail__, True
    while isinstance(trail, tuple):
        changed, origin, displaced, trail = trail
        if changed == name:
            if not _is_reader(origin) or (outline(now) != origin[2] if newest else value != displaced):
                yield _origin(origin), value
            value, newest = displaced, False
    if value is not None:
        yield _origin((trail, node.__nrun_at__) if isinstance(trail, CodeType) else trail), value


def _is_reader(origin: object) -> TypeGuard[ReaderOrigin]:
    return isinstance(origin, tuple) and len(origin) > 2  # noqa: PLR2004 - code and instruction


def _origin(origin: object) -> Origin:
    if isinstance(origin, Origin):
        return origin
    if isinstance(origin, tuple) and origin[0]:
        code, instruction = cast("tuple[CodeType, int]", origin[:2])
        line = next((line for start, end, line in code.co_lines() if start <= instruction < end), None)
        note = f"{'edited in place since it was read ' if _is_reader(origin) else ''}in {code.co_qualname}"
        return Origin("code", f"{code.co_filename}:{line}", note=note)
    return Origin("default", note="copied, to be edited") if origin == DEFAULT else Origin("code", "not known")
