"""Spans of time, moments and sizes as people write them: `30d`, `2026-01-02`, `50GB`."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from nrun.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_STEP = 1000
_SPAN = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?[smhdw])+", re.ASCII)
_PART = re.compile(r"([\d.]+)([smhdw])", re.ASCII)
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([kmgtp]?)(i?)b?", re.ASCII | re.IGNORECASE)


def parse_span(text: str) -> float:
    """Seconds in a span of time such as `90s`, `3h`, `2d` or `1d12h`. Raises UsageError."""
    if not _SPAN.fullmatch(text):
        msg = f"{text!r} is no span of time"
        raise UsageError(msg, hint="write a number and s, m, h, d or w, such as 30d or 1d12h")
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def parse_moment(given: str | float | datetime, now: float | None = None) -> float:
    """Seconds since the epoch at a moment: such a number, a datetime, an ISO date, or a span of time ago.

    A date without a zone is in local time. Raises UsageError.
    """
    if isinstance(given, int | float):
        return given
    if isinstance(given, str):
        if _SPAN.fullmatch(given):
            return (time.time() if now is None else now) - parse_span(given)
        from datetime import datetime

        try:
            return datetime.fromisoformat(given).timestamp()
        except (ValueError, OverflowError, OSError) as error:
            msg = f"{given!r} is no moment: {error}"
            raise UsageError(
                msg, hint="write a date such as 2026-01-02 or 2026-01-02T15:30, or how long ago: 2d"
            ) from error
    return given.timestamp()


def parse_size(text: str) -> int:
    """Bytes in a size such as `500`, `50GB` or `1.5 TiB`. Raises UsageError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or (match[3] and not match[2]):
        raise UsageError(f"{text!r} is no size", hint="write a number and a unit, such as 500MB, 50GB or 1.5TiB")
    power = " kmgtp".index(match[2].lower() or " ")
    return int(float(match[1]) * (1024 if match[3] else _STEP) ** power)


def size_text(size: float) -> str:
    """A number of bytes for people, such as `1.5 GB`."""
    for unit in _UNITS:
        if size < _STEP or unit == _UNITS[-1]:
            break
        size /= _STEP
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
