"""Pictures for other programs: a page of HTML that folds, and a flowchart for Mermaid, which draws it in Markdown."""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

from html import escape
from typing import Any

from nrun.text import printable
from nrun_config_view.picture import label_of, rows_of

_STYLE = "body{font:14px monospace}details,div{margin-left:1.5em}summary{margin-left:-1em}:target{background:#fef3c7}"
_PLAIN = frozenset(" _.-='()[],:/")


def as_html(config: Any) -> str:
    """A configuration as a page that needs nothing else; a place that holds what stands elsewhere leads there."""
    rows = list(rows_of(config))
    lines: list[str] = []
    opened = 0
    for row, depth_after in zip(rows, [*(row.depth for row in rows[1:]), 0], strict=True):
        lines += ["</details>"] * (opened - row.depth)
        opened = row.depth
        text = f'<span title="{escape(printable(row.title))}">{escape(label_of(row))}</span>'
        if row.number:
            text = f'<a href="#n{row.number}">{text}</a>' if row.again else f'<b id="n{row.number}">{text}</b>'
        if depth_after > row.depth:
            lines.append(f"<details open><summary>{text}</summary>")
            opened += 1
        else:
            lines.append(f"<div>{text}</div>")
    lines += ["</details>"] * opened
    head = f'<meta charset="utf-8"><title>{escape(label_of(rows[0]))}</title><style>{_STYLE}</style>'
    return "\n".join(("<!doctype html>", head, *lines, ""))


def as_mermaid(config: Any) -> str:
    """A configuration as a flowchart: a box for each node, with its plain arguments, and arrows to what it holds."""
    rows = list(rows_of(config))
    boxes: list[list[str]] = []
    arrows: list[str] = []
    numbered: dict[int, int] = {}
    above: list[tuple[int, str]] = []
    """The box around what comes next, and the way from it: the last for each depth."""
    for row, depth_after in zip(rows, [*(row.depth for row in rows[1:]), 0], strict=True):
        del above[row.depth :]
        box, way = above[-1] if above else (0, "")
        way += row.text if row.text.startswith("[") or not way else f".{row.text}"
        if row.again:
            arrows.append(f'  n{box} -->|"{_quoted(way)}"| n{numbered[row.number]}')
        elif row.kind or not above:
            if above:
                arrows.append(f'  n{box} -->|"{_quoted(way)}"| n{len(boxes)}')
            box, way = len(boxes), ""
            numbered[row.number] = box
            boxes.append([f"{row.kind}({row.title.rpartition(':')[2]})" if row.kind else row.text])
        elif depth_after <= row.depth:
            boxes[box].append(way)
        above.append((box, way))
    drawn = (f'  n{index}["{"<br>".join(map(_quoted, lines))}"]' for index, lines in enumerate(boxes))
    return "\n".join(("flowchart LR", *drawn, *arrows, ""))


def _quoted(text: str) -> str:
    """Text that means nothing to Mermaid."""
    return "".join(char if char.isalnum() or char in _PLAIN else f"#{ord(char)};" for char in printable(text))
