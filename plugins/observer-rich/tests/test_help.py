"""Help in a terminal is a tree, as wide as the terminal."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from nrun_observer_rich.help import show_help


def row(name, rows=(), factories=(), **cells):
    empty = dict.fromkeys(("type", "value", "origin", "doc"), "")
    return SimpleNamespace(name=name, rows=rows, factories=factories, hidden=0, **{**empty, **cells})


HELP = SimpleNamespace(
    usage="Usage: train.py",
    about="Trains.",
    sections=[
        (
            "Arguments",
            [
                row("model", [row("layers", type="int", value="7", origin='cli argument 1 "model.layers=7"')]),
                row("steps", type="int", value="required", doc="How often [bold]all[/bold] is seen. " * 5),
                row("hooks", factories=[("hooks[+]", "early(patience)", "Stops.")], value="\x1b[31mred"),
            ],
        )
    ],
    options="Options:",
)


@pytest.mark.parametrize("width", [60, 200])
def test_the_tree_has_guides_and_fits_the_terminal(width):
    out = io.StringIO()
    show_help(HELP, Console(file=out, width=width, force_terminal=False))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    starts = [line.split()[:2] for line in lines if "─" in line]
    assert starts == [
        ["├─", "model"],
        ["│", "└─"],
        ["├─", "steps"],
        ["└─", "hooks"],
        ["└─", "+="],
    ]
    assert "[bold]all" in out.getvalue() or width == 60
    assert "\x1b" not in out.getvalue()


def test_colours_tell_what_is_required_and_what_was_typed():
    out = io.StringIO()
    show_help(HELP, Console(file=out, width=120, force_terminal=True, color_system="standard"))
    assert "\x1b[1;31mrequired" in out.getvalue()
    assert '\x1b[33mcli argument 1 "model' in out.getvalue()
