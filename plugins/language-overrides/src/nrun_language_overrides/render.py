"""Help on the screen: with colours and guides where a plugin draws it, in plain columns everywhere else."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, cast

import click

from nrun.plugins import installed
from nrun.text import columns
from nrun_language_overrides.help import every

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nrun_language_overrides.help import Help, Row

RENDERER = "cli.show_help"
"""The name (see `nrun_names`) of what draws help on a terminal."""
WIDEST_CELL = 48


def show_help(shown: Help) -> None:
    """Print help: drawn by a plugin if there is one and this is a terminal."""
    names = installed().names if sys.stdout.isatty() else ()
    if RENDERER in names:
        draw = cast("Callable[[Help], None]", installed().names.get(RENDERER).load())
        draw(shown)
    else:
        width = os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else 0
        click.echo(plain(shown, width))


def plain(shown: Help, width: int = 0) -> str:
    """Help in columns, each line of arguments cut to `width` unless that is 0."""
    sections = [(title, [_cells(row) for row in every(rows)]) for title, rows in shown.sections]
    fitting = [cells for _, rows in shown.sections for row in every(rows) for cells in row.factories]
    if fitting:
        sections.append(("Factories", [_short(cells) for cells in fitting]))
    tables = [_section(title, columns(cells), width) for title, cells in sections]
    return "\n\n".join(filter(None, [shown.usage, shown.about, *tables, shown.options]))


def _cells(row: Row) -> list[str]:
    value = f"{row.value}, {row.hidden} more in it" if row.hidden else row.value
    return _short((row.path, row.type, value, row.origin, row.doc))


def _short(cells: Sequence[str]) -> list[str]:
    """Cells cut to what a column may take; the last one stands as it is."""
    return [*(_upto(cell, WIDEST_CELL) for cell in cells[:-1]), cells[-1]]


def _upto(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _section(title: str, text: str, width: int) -> str:
    lines = (f"  {line}".rstrip() for line in text.splitlines())
    return f"{click.style(title, bold=True)}:\n" + "\n".join(_upto(line, width) if width else line for line in lines)
