"""Moments that are typed, and those that lines of a log begin with."""

from __future__ import annotations

import datetime
import re

import click

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_STAMP = re.compile(rb"[^\w\s]?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,6})\d*)?\s?(Z|[+-]\d\d:?\d\d)?")


def typed_moment(text: str) -> float:
    """Seconds since the epoch for `2026-01-02T15:04`, `15:04` of today, or how long ago: `90s`, `10m`, `2h`, `1d`.

    Raises click.BadParameter.
    """
    now = datetime.datetime.now().astimezone()
    if found := _DURATION.fullmatch(text):
        return now.timestamp() - float(found[1]) * _UNITS_S[found[2]]
    try:
        if re.fullmatch(r"\d\d?:\d\d(:\d\d)?", text):
            text = f"{now.date()}T{text if text[2] == ':' else '0' + text}"
        return datetime.datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError) as error:
        msg = f"{text!r} is no time such as 2026-01-02T15:04 or 15:04, nor a span such as 90s or 2h"
        raise click.BadParameter(msg) from error


def moment_of(line: bytes) -> float | None:
    """The time that a line begins with, in seconds since the epoch; without a zone it is that of this machine."""
    found = _STAMP.match(line)
    if found is None:
        return None
    day, clock, fraction, zone = (part.decode() if part else "" for part in found.groups())
    try:
        return datetime.datetime.fromisoformat(f"{day}T{clock}.{fraction:0<6}{zone}").timestamp()
    except (ValueError, OverflowError):
        return None
