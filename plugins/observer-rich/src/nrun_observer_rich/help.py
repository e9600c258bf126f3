"""Help of an entrypoint as a tree with guides, in colours, as wide as the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from nrun.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

_ORIGINS = {"cli": "yellow", "file": "blue", "env": "magenta", "factory": "green", "sweep": "yellow", "plugin": "cyan"}
"""Colours of what begins with the kind of an origin."""


class Row(Protocol):
    """An argument, with what is in it."""

    name: str
    type: str
    value: str
    origin: str
    doc: str
    factories: Sequence[tuple[str, str, str]]
    rows: Sequence[Row]
    hidden: int


class Help(Protocol):
    """What can be typed after an entrypoint. Command languages make it."""

    usage: str
    about: str
    sections: Sequence[tuple[str, Sequence[Row]]]
    options: str


def show_help(shown: Help, console: Console | None = None) -> None:
    """Print help on a console, or on standard output."""
    (console or Console(highlight=False)).print(picture(shown))


def picture(shown: Help) -> Group:
    """What the screen shows. No text in it can be more than text."""
    parts: list[RenderableType] = [Text(shown.usage)]
    if shown.about:
        parts += ["", Text(shown.about)]
    for title, rows in shown.sections:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        for _ in range(4):
            table.add_column()  # each text in it is cut where there is no room, the longest first
        for line in _lines(rows, ""):
            table.add_row(*line)
        parts += ["", Text(printable(title), style="bold"), table]
    if shown.options:
        parts += ["", Text(shown.options)]
    return Group(*parts)


def _lines(rows: Sequence[Row], guide: str) -> Iterator[list[Text]]:
    """The cells of each row and of what is in it. Factories that fit an argument stand under it, as if in it."""
    for index, row in enumerate(rows):
        last = index + 1 == len(rows)
        yield [_branch(guide, row.name, "bold", last=last), *_cells(row)]
        inner = guide + ("   " if last else "│  ")
        calls = [(place.endswith("[+]"), call, doc) for place, call, doc in row.factories]
        for number, (is_element, call, doc) in enumerate(calls, 1):
            ends = number == len(calls) and not row.rows
            said = _branch(inner, "+= " if is_element else "= ", "green", last=ends)
            yield [said, _cell(call, "green"), _cell(""), _cell(""), _cell(doc, "dim")]
        yield from _lines(row.rows, inner)


def _branch(guide: str, name: str, style: str, *, last: bool) -> Text:
    return Text.assemble((guide + ("└─ " if last else "├─ "), "dim"), (printable(name), style))


def _cells(row: Row) -> list[Text]:
    value = f"{row.value}, {row.hidden} more in it" if row.hidden else row.value
    style = "bold red" if row.value == "required" else "" if row.origin else "dim"
    return [
        _cell(row.type, "cyan"),
        _cell(value, style),
        _cell(row.origin, _ORIGINS.get(row.origin.partition(" ")[0], "dim")),
        _cell(row.doc, "dim"),
    ]


def _cell(text: str, style: str = "") -> Text:
    """Text of any origin, on one line, shortened where there is no room."""
    return Text(printable(text), style=style, overflow="ellipsis", no_wrap=True)
