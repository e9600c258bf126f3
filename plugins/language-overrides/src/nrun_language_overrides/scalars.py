"""From a text to a value that a single word can express. Each function raises ValueError for what does not fit."""

from __future__ import annotations

import datetime
import decimal
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import fractions

MOST_DIGITS = 4300
MOST_POINTS = 10_000
_EXACT_DIGITS = 19
_MOST_EXACT = 2**53
_TRUTH = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)
_UNITS = ("weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds")
_PLAIN_TIME, _ISO_DATE, _ISO_TIME = (
    "".join(rf"(?:(\d+(?:\.\d+)?){unit})?" for unit in units.split()) for units in ("w d h m s ms us", "W D", "H M S")
)
_TIME = re.compile(
    rf"(-?)(?:{_PLAIN_TIME}|P{_ISO_DATE}(?:T{_ISO_TIME})?|(\d+):([0-5]?\d):([0-5]?\d(?:\.\d+)?))", re.ASCII
)
_TIME_GROUPS = (*_UNITS, *_UNITS[:5], *_UNITS[2:5])
TIME_UNITS = {name: unit for unit in _UNITS for name in (unit, unit[:-1])}
TIME_UNITS |= dict(zip(("w", "d", "h", "m", "s", "ms", "us"), _UNITS, strict=True))
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:([kmgtpe])(i?))?b?\s*", re.IGNORECASE | re.ASCII)


def read_null(text: str) -> None:
    """`null` or `none`, in any case."""
    if text.strip().lower() not in ("null", "none"):
        raise ValueError(text)


def read_bool(text: str) -> bool:
    """true, yes, on, 1 and their opposites, in any case."""
    try:
        return _TRUTH[text.strip().lower()]
    except KeyError:
        raise ValueError(text) from None


def read_integer_literal(text: str) -> int:
    """A whole number as Python writes it, with a sign."""
    if len(text) > MOST_DIGITS:
        raise ValueError(text)
    try:
        return int(text)
    except ValueError:
        return int(text, 0)


def read_int(text: str) -> int:
    """A whole number; also one written as a decimal, such as `1e6` or `2.0`, if it has at most 19 digits."""
    try:
        return read_integer_literal(text)
    except ValueError:
        number = read_decimal(text)
        if not number.is_finite() or number.adjusted() >= _EXACT_DIGITS or number != number.to_integral_value():
            raise
        return int(number)


def exact_int(number: float) -> int:
    """A float such as `1e4`, which files have for it, as the whole number that it is; none that may be rounded."""
    if not number.is_integer() or abs(number) >= _MOST_EXACT:
        raise ValueError(number)
    return int(number)


def read_decimal(text: str) -> decimal.Decimal:
    """As Python's Decimal."""
    try:
        return decimal.Decimal(text if len(text) <= MOST_DIGITS else "")
    except ArithmeticError as error:
        raise ValueError(text) from error


def read_fraction(text: str) -> fractions.Fraction:
    """As Python's Fraction, without exponents that make huge numbers."""
    import fractions

    if len(text) > MOST_DIGITS or re.search(r"[eE][+-]?[\d_]{4}", text):
        raise ValueError(text)
    try:
        return fractions.Fraction(text)
    except ZeroDivisionError as error:
        raise ValueError(text) from error


def read_bytes(text: str) -> bytes:
    """What follows `hex:` or `base64:`; any other text as UTF-8."""
    return read_encoded_bytes(text) if text.startswith(("hex:", "base64:")) else text.encode()


def read_encoded_bytes(text: str) -> bytes:
    """What follows `hex:` or `base64:`."""
    import base64

    encoding, _, encoded = text.partition(":")
    if encoding not in ("hex", "base64"):
        raise ValueError(text)
    return bytes.fromhex(encoded) if encoding == "hex" else base64.b64decode(encoded, validate=True)


def read_timedelta(text: str, unit: str | None = None) -> datetime.timedelta:
    """`1:02:03`, `1d2h3m4s` or `P1DT2H`, with a sign if need be; with `unit` also a plain number."""
    text = text.strip()
    match = _TIME.fullmatch(text)
    try:
        if match and any(match.groups()[1:]):
            amounts = [(name, float(n)) for name, n in zip(_TIME_GROUPS, match.groups()[1:], strict=True) if n]
            return datetime.timedelta(**dict(amounts)) * (-1 if match[1] else 1)
        if unit is None:
            raise ValueError(text)
        return datetime.timedelta(**{TIME_UNITS[unit]: float(text)})
    except OverflowError as error:
        raise ValueError(text) from error


def read_size(text: str) -> int:
    """A number of bytes: `8GiB`, `1.5 GB`, `4096`; a part of a byte is refused."""
    match = _SIZE.fullmatch(text)
    if match is None:
        return read_int(text)
    power = "kmgtpe".index(match[2].lower()) + 1 if match[2] else 0
    size = read_decimal(match[1]) * (1024 if match[3] else 1000) ** power
    if size != size.to_integral_value():
        raise ValueError(text)
    return int(size)


def series(name: str, texts: list[str]) -> list[str]:
    """The numbers of `range`, `linspace` or `logspace` as texts, computed in decimals so that none is a hair off."""
    if not (len(texts) == 3 or (name == "range" and 1 <= len(texts) <= 3)):  # noqa: PLR2004 - from, to, step or count
        raise ValueError(f"{name} takes {'up to ' if name == 'range' else ''}three numbers")
    numbers = [read_decimal(text) for text in texts]
    try:
        with decimal.localcontext(decimal.Context(prec=34)):
            points = _range(*numbers) if name == "range" else _between(name, *numbers)
        rounded = [decimal.Context(prec=17).plus(point).normalize() for point in points]
        return [f"{point:f}" if abs(point.adjusted()) < _EXACT_DIGITS else str(point) for point in rounded]
    except ArithmeticError:
        raise ValueError(f"{name} cannot be computed for these numbers") from None


def _range(
    first: decimal.Decimal, stop: decimal.Decimal | None = None, step: decimal.Decimal | int = 1
) -> list[decimal.Decimal]:
    start, stop = (first - first, first) if stop is None else (first, stop)
    return [start + step * index for index in range(-_count((start - stop) / step))]


def _between(name: str, start: decimal.Decimal, stop: decimal.Decimal, count: decimal.Decimal) -> list[decimal.Decimal]:
    places = [decimal.Decimal(index) / max(1, _count(count) - 1) for index in range(_count(count))]
    if name == "linspace":
        return [start + (stop - start) * place for place in places]
    return [start * (stop / start) ** place for place in places]


def _count(number: decimal.Decimal) -> int:
    if not abs(number) <= MOST_POINTS:
        raise ValueError(f"more than {MOST_POINTS} points")
    return int(number.to_integral_value(decimal.ROUND_FLOOR))
