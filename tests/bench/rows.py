"""The lines of the table: what was measured, against what, and whether that meets its target."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from measure import Series


class Row(NamedTuple):
    """One line of the table."""

    what: str
    against: str
    ours: str
    base: str
    ratio: str
    spread: str = ""
    target: str = ""
    met: bool | None = None


def compared(  # noqa: PLR0913 - two series and what to make of them
    what: str, against: str, ours: Series, base: Series, *, metric: str = "wall_s", at_most: float | None = None
) -> Row:
    """A row for two series that were measured in turns."""
    return ratio(what, against, ours.all(metric), base.all(metric), at_most=at_most)


def ratio(
    what: str, against: str, ours: Sequence[float], base: Sequence[float], *, at_most: float | None = None
) -> Row:
    """A row for seconds that were measured in turns."""
    rounds = [mine / other for mine, other in zip(ours, base, strict=True)]
    middle = statistics.median(rounds)
    target, met = (f"≤ {at_most:g}", middle <= at_most) if at_most else ("", None)
    spread = f"{_told(min(rounds))} to {_told(max(rounds))}"
    return Row(what, against, *map(seconds, map(statistics.median, (ours, base))), _told(middle), spread, target, met)


def _told(number: float) -> str:
    return f"{number:.2f}" if number >= 0.1 else f"{number:.4f}"


def memory_of(what: str, series: Series) -> Row:
    """Peak resident memory; of no use for less than this process has itself."""
    peak = max(series.all("peak_mib"))
    return Row(f"peak memory, {what}", "", f"{peak:.0f} MiB", "", "", "", "≤ 80 MB", peak * 1.048576 <= 80)


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def table(rows: Sequence[Row], *, markdown: bool) -> str:
    head = ("what", "against", "nrun", "other", "ratio", "lowest to highest", "target", "")
    marks = {None: "", True: "met", False: "MISSED"}
    cells = [head, *((*row[:-1], marks[row.met]) for row in rows)]
    if markdown:
        lines = ["| " + " | ".join(line) + " |" for line in cells]
        return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in cells]
    return "\n".join("  ".join(line).rstrip() for line in padded)
