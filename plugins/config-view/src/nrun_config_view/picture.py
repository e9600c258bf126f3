"""Pictures of a configuration: a tree of text, and SVG drawn here, with every shared node drawn once.

A row is an argument. What holds others stands above them, indented; a place that holds a node which is drawn elsewhere
says its number, and in SVG is linked to it and joined by a curve.
"""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

import attrs

from nrun.config.paths import children, format_path
from nrun.config.show import show
from nrun.config.target import display_name
from nrun.errors import ConfigError
from nrun.text import printable
from nrun_config_view.branches import branches
from nrun_config_view.nodes import full_name, holds_nodes, is_node, shared_in

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

_WIDEST = 100
_ROW, _INDENT, _GLYPH, _MARGIN, _CURVE = 22, 22, 7.3, 12, 40
"""Sizes in pixels; a glyph is one of a monospaced font of 12."""
_STYLE = (
    ".nrun text{font:12px monospace;fill:#111}.nrun path{fill:none;stroke:#999}"
    ".nrun .same{stroke:#c2410c;stroke-dasharray:4 3}"
)
_FILL = {"Config": "#dbeafe", "Partial": "#fef3c7", "Fresh": "#dcfce7"}


@attrs.frozen
class Row:
    """One line of a picture: an argument and what it holds."""

    depth: int
    text: str
    kind: str = ""
    """Config, Partial or Fresh where a node is drawn."""
    title: str = ""
    """What the node calls, in full."""
    number: int = 0
    """Of a shared node, from 1."""
    again: bool = False
    """Whether the node is drawn elsewhere."""


@attrs.frozen(repr=False)
class Picture:
    """A configuration to look at: notebooks show it, `str` gives it as text, `save` writes it."""

    config: Any

    def __str__(self) -> str:
        return as_text(self.config)

    __repr__ = __str__

    def _repr_svg_(self) -> str:
        return as_svg(self.config)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture. Raises ConfigError for a name without the ending of one, or if it cannot be written."""
        from nrun_config_view.pages import as_html, as_mermaid

        file, drawn = Path(path), {".svg": as_svg, ".html": as_html, ".mmd": as_mermaid}
        if file.suffix.lower() not in drawn:
            msg = f"{file.name} does not end in {', '.join(drawn)}, the formats for pictures"
            raise ConfigError(msg, hint=f"{file.stem}.svg opens in browsers and editors")
        try:
            file.write_text(drawn[file.suffix.lower()](self.config), "utf-8")
        except OSError as error:
            raise ConfigError(f"cannot write {file}: {error.strerror}") from error


def as_text(config: Any) -> str:
    """A configuration as a tree of text."""
    rows = list(rows_of(config))
    inner: dict[int, list[int]] = {}
    above: list[int] = []
    for index, row in enumerate(rows):
        del above[row.depth :]
        if above:
            inner.setdefault(above[-1], []).append(index)
        above.append(index)
    return "\n".join(branches([0], lambda index: [label_of(rows[index])], lambda index: inner.get(index, [])))


def rows_of(config: Any) -> Iterator[Row]:
    """The rows of a picture, from the root down."""
    shared, drawn = shared_in(config), dict[int, int]()
    todo: list[tuple[int, str, Any]] = [(0, "", config)]
    while todo:
        depth, name, value = todo.pop()
        if id(value) in drawn:
            yield Row(depth, name, number=drawn[id(value)], again=True)
            continue
        if is_node(value):
            if id(value) in shared:
                drawn[id(value)] = len(drawn) + 1
            yield Row(depth, name, type(value).__name__, full_name(value.__nrun_target__), drawn.get(id(value), 0))
        elif holds_nodes(value) and children(value):
            yield Row(depth, name or type(value).__name__)
        else:
            text = show(value)
            text = text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
            yield Row(depth, f"{name} = {text}" if name else text)
            continue
        todo += [(depth + 1, format_path((step,)), item) for step, item in reversed(children(value))]


def as_svg(config: Any) -> str:
    """A configuration as a drawing, with lines to what is inside and curves to what is shared."""
    rows = list(rows_of(config))
    labels = [label_of(row) for row in rows]
    marks = f"n{zlib.crc32(repr(labels).encode()):x}"  # of several pictures on one page each has its own
    boxes = [_Box(row, label, number, marks) for number, (row, label) in enumerate(zip(rows, labels, strict=True))]
    lines: list[str] = []
    above: list[_Box] = []
    drawn: dict[int, _Box] = {}
    for box in boxes:
        del above[box.row.depth :]
        if above:
            lines.append(f'<path d="M{box.x - _INDENT + 8:g} {above[-1].y + 9:g}V{box.y:g}H{box.x:g}"/>')
        above.append(box)
        if box.row.number and box.row.again:
            lines.append(_curve(box, drawn[box.row.number]))
        elif box.row.number:
            drawn[box.row.number] = box
    width, height = max(box.end for box in boxes) + _CURVE + _MARGIN, len(rows) * _ROW + 2 * _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="nrun" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
        f' height="{height:g}" role="img" aria-label={quoteattr(labels[0])}><style>{_STYLE}</style>'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(lines)}{"".join(map(str, boxes))}</svg>\n'
    )


@attrs.frozen
class _Box:
    """A row where it is drawn."""

    row: Row
    label: str
    index: int
    marks: str

    @property
    def x(self) -> float:
        return _MARGIN + self.row.depth * _INDENT

    @property
    def y(self) -> float:
        return _MARGIN + (self.index + 0.5) * _ROW

    @property
    def end(self) -> float:
        return self.x + len(self.label) * _GLYPH + 14

    def __str__(self) -> str:
        text = f'<text x="{self.x + 6:g}" y="{self.y + 4:g}">{escape(self.label)}</text>'
        if self.row.kind:
            place = f'x="{self.x:g}" y="{self.y - 9:g}" width="{self.end - self.x:g}" height="18" rx="4"'
            title = f"<title>{escape(printable(self.row.title))}</title>"
            text = f'{title}<rect {place} fill="{_FILL[self.row.kind]}"/>{text}'
        if not self.row.number:
            return f"<g>{text}</g>"
        mark = f"{self.marks}-{self.row.number}"
        return f'<a href="#{mark}">{text}</a>' if self.row.again else f'<g id="{mark}">{text}</g>'


def _curve(box: _Box, node: _Box) -> str:
    """The line from a place to the node that is there too."""
    bend = max(box.end, node.end) + _CURVE
    ways = f"{bend:g} {box.y:g} {bend:g} {node.y:g}"
    return f'<path class="same" d="M{box.end:g} {box.y:g}C{ways} {node.end:g} {node.y:g}"/>'


def label_of(row: Row) -> str:
    """A row as text."""
    short = display_name(row.title) if row.title else ""
    node = f"{row.kind}({short})" if row.kind else ""
    words = [" = ".join(filter(None, (row.text, node)))]
    if row.number:
        words.append(f"→ #{row.number}" if row.again else f"#{row.number}")
    return printable(" ".join(words))
