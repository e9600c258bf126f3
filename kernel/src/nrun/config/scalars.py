"""From a text to a value of a type that a single word can express. Each function raises ValueError for what does not fit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime
    import decimal
    import fractions

MOST_DIGITS = 4300
MOST_POINTS = 10_000
_EXACT_DIGITS = 19
_TRUTH = {word: value for value, words in ((True, "true yes on 1"), (False, "false no off 0")) for word in words.split()}
_AMOUNT = r"(?:(\d+(?:\.\d+)?){})?"
_CLOCK = re.compile(r"(\d{1,9}):([0-5]?\d):([0-5]?\d(?:\.\d{1,6})?)", re.ASCII)
_UNITS = re.compile("".join(_AMOUNT.format(unit) for unit in ("w", "d", "h", "m", "s", "ms", "us")), re.ASCII)
_ISO = re.compile(
    f"P{''.join(_AMOUNT.format(unit) for unit in 'WD')}(?:T{''.join(_AMOUNT.format(unit) for unit in 'HMS')})?",
    re.ASCII,
)
_UNIT_NAMES = ("weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds")
TIME_UNITS = {unit: name for name in _UNIT_NAMES for unit in (name, name[:-1], name[0])}
TIME_UNITS |= {"m": "minutes", "min": "minutes", "ms": "milliseconds", "us": "microseconds"}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:([kmgtpe])(i?))?b?\s*", re.IGNORECASE | re.ASCII)


def read_null(text: str) -> None:
    """`null` or `none`, in any case."""
    if text.strip().lower() not in ("null", "none"):
        raise ValueError(text[:80])


def read_bool(text: str) -> bool:
    """true, yes, on, 1 and their opposites, in any case."""
    try:
        return _TRUTH[text.strip().lower()]
    except KeyError:
        raise ValueError(text[:80]) from None


def read_integer_literal(text: str) -> int:
    """A whole number as it is written in Python, with a sign."""
    if len(text) > MOST_DIGITS:
        msg = f"a number of {len(text)} characters is too long; {MOST_DIGITS} are allowed"
        raise ValueError(msg)
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


def read_float(text: str) -> float:
    """As Python's `float`."""
    return float(text)


def read_complex(text: str) -> complex:
    """As Python's `complex`."""
    return complex(text)


def read_decimal(text: str) -> decimal.Decimal:
    """As Python's `Decimal`."""
    import decimal

    if len(text) > MOST_DIGITS:
        msg = f"a number of {len(text)} characters is too long; {MOST_DIGITS} are allowed"
        raise ValueError(msg)
    try:
        return decimal.Decimal(text)
    except ArithmeticError as error:
        raise ValueError(text[:80]) from error


def read_fraction(text: str) -> fractions.Fraction:
    """As Python's `Fraction`: `1/3`, `0.25`; without exponents that make huge numbers."""
    import fractions

    exponent = re.search(r"[eE][+-]?0*(\d*)\s*$", text)
    if len(text) > MOST_DIGITS or (exponent and len(exponent[1]) > 3):  # noqa: PLR2004 - up to 1e999
        msg = "a number of this size is too long"
        raise ValueError(msg)
    try:
        return fractions.Fraction(text)
    except ZeroDivisionError as error:
        raise ValueError(text[:80]) from error


def read_bytes(text: str) -> bytes:
    """The text as UTF-8, or what follows `hex:` or `base64:`."""
    if text.startswith(("hex:", "base64:")):
        return read_encoded_bytes(text)
    return text.encode()


def read_encoded_bytes(text: str) -> bytes:
    """Bytes behind `hex:` or `base64:`."""
    import base64

    if text.startswith("hex:"):
        return bytes.fromhex(text[4:])
    if text.startswith("base64:"):
        return base64.b64decode(text[7:], validate=True)
    raise ValueError(text[:80])


def read_timedelta(text: str) -> datetime.timedelta:
    """`1:02:03`, `1d2h3m4s` or `P1DT2H`, with a sign if need be."""
    import datetime

    sign, text = (-1, text.strip()[1:]) if text.lstrip().startswith("-") else (1, text.strip())
    if clock := _CLOCK.fullmatch(text):
        amounts = dict(zip(("hours", "minutes", "seconds"), map(float, clock.groups()), strict=True))
    else:
        match = _ISO.fullmatch(text) if text.startswith("P") else _UNITS.fullmatch(text)
        if match is None or not any(match.groups()):
            raise ValueError(text[:80])
        amounts = {name: float(amount) for name, amount in zip(_UNIT_NAMES, match.groups(), strict=False) if amount}
    try:
        return sign * datetime.timedelta(**amounts)
    except OverflowError as error:
        raise ValueError(text[:80]) from error


def read_time_in(unit: str, text: str) -> datetime.timedelta:
    """A plain number of `unit`, or a time as in `read_timedelta`."""
    import datetime

    try:
        amount = float(text)
    except ValueError:
        return read_timedelta(text)
    try:
        return datetime.timedelta(**{TIME_UNITS[unit]: amount})
    except OverflowError as error:
        raise ValueError(text[:80]) from error


def read_size(text: str) -> int:
    """A number of bytes: `8GiB`, `1.5 GB`, `4096`. Raises ValueError for a part of a byte."""
    match = _SIZE.fullmatch(text)
    if match is None:
        return read_int(text)
    number, prefix, binary = match.groups()
    power = "kmgtpe".index(prefix.lower()) + 1 if prefix else 0
    size = read_decimal(number) * (1024 if binary else 1000) ** power
    if size != size.to_integral_value():
        raise ValueError(text[:80])
    return int(size)


def series(name: str, arguments: list[str]) -> list[str]:
    """The numbers of `range`, `linspace` or `logspace` as texts, computed in decimals so that none is a hair off."""
    import decimal

    wanted = {"range": (1, 2, 3), "linspace": (3,), "logspace": (3,)}[name]
    if len(arguments) not in wanted:
        msg = f"{name} takes {' or '.join(map(str, wanted))} numbers"
        raise ValueError(msg)
    numbers = [read_decimal(text) for text in arguments]
    with decimal.localcontext(decimal.Context(prec=34)):
        try:
            values = _range(*numbers) if name == "range" else _between(name, *numbers)
            return [f"{decimal.Context(prec=17).plus(value).normalize():f}" for value in values]
        except ArithmeticError:
            msg = f"{name} cannot be computed for {', '.join(arguments)[:80]}"
            raise ValueError(msg) from None


def _range(
    start: decimal.Decimal, stop: decimal.Decimal | None = None, step: decimal.Decimal | int = 1
) -> list[decimal.Decimal]:
    start, stop = (start * 0, start) if stop is None else (start, stop)
    count = (stop - start) / step
    _check_count(count)
    return [start + step * index for index in range(max(0, -int(-count // 1)))]


def _between(
    name: str, start: decimal.Decimal, stop: decimal.Decimal, count: decimal.Decimal
) -> list[decimal.Decimal]:
    _check_count(count)
    last = max(1, int(count) - 1)
    if name == "linspace":
        return [start + (stop - start) * index / last for index in range(int(count))]
    return [start * (stop / start) ** (index / (last * start**0)) for index in range(int(count))]


def _check_count(count: decimal.Decimal) -> None:
    if not count <= MOST_POINTS:
        msg = f"more than {MOST_POINTS} points"
        raise ValueError(msg)
