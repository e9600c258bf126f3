"""JSON to plain data, with the place of every value: containers are read here, everything else by `json`."""

from __future__ import annotations

import bisect
import json
import re
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from nrun.errors import ConfigError

if TYPE_CHECKING:
    from nrun.model import Json

Path: TypeAlias = "tuple[str | int, ...]"

MOST_CHARACTERS = 64 * 2**20
MOST_DEPTH = 64
MOST_DIGITS = 4300
"""Python's own limit: reading a number takes the square of its length."""
FLOATS = frozenset({"nan", "inf", "-inf"})
"""What `{"$float": …}` may hold: the numbers that JSON lacks."""

_SPACE = re.compile(r"[ \t\n\r]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED = re.compile(r"\$\$+float")
_BEFORE, _SHOWN = 60, 100


class Reader:
    """Reads one text, once. `positions` is complete after `read`."""

    def __init__(self, text: str) -> None:
        self.positions: dict[Path, tuple[int, int]] = {}
        self._text = text
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]
        self._scalars = json.JSONDecoder(parse_int=_int, parse_constant=_refuse_constant)

    def read(self) -> Json:
        """The value of the document. Raises ConfigError that points at what is wrong."""
        if len(self._text) > MOST_CHARACTERS:
            msg = f"a JSON text may have at most {MOST_CHARACTERS:,} characters; this one has {len(self._text):,}"
            raise ConfigError(msg)
        data, end = self._value(self._skip(0), ())
        if self._skip(end) < len(self._text):
            self._fail(self._skip(end), "the document ends before this")
        return data

    def _value(self, at: int, path: Path) -> tuple[Json, int]:
        if len(path) > MOST_DEPTH:
            self._fail(at, f"nested more than {MOST_DEPTH} deep")
        self.positions[path] = self._place(at)
        first = self._text[at : at + 1]
        if first == "{":
            return self._object(at, path)
        if first == "[":
            return self._array(at, path)
        return self._string(at) if first == '"' else self._scalar(at)

    def _object(self, at: int, path: Path) -> tuple[Json, int]:
        data: dict[str, Json] = {}
        name = ""
        at = self._skip(at + 1)
        more = self._text[at : at + 1] != "}"
        while more:
            if self._text[at : at + 1] != '"':
                self._fail(at, "a key in double quotes is expected here")
            name, end = self._string(at)
            key = name[1:] if _ESCAPED.fullmatch(name) else name
            here = (*path, key)
            if key in data:
                self._fail(at, f"the key {key!r} occurs twice; its first value is in line {self.positions[here][0]}")
            at = self._skip(end)
            if self._text[at : at + 1] != ":":
                self._fail(at, "a colon is expected here")
            data[key], at = self._value(self._skip(at + 1), here)
            at, more = self._continues(at, "}")
        if name == "$float" and len(data) == 1 and isinstance(form := data[name], str) and form in FLOATS:
            return float(form), at + 1
        return data, at + 1

    def _array(self, at: int, path: Path) -> tuple[Json, int]:
        data: list[Json] = []
        at = self._skip(at + 1)
        more = self._text[at : at + 1] != "]"
        while more:
            item, at = self._value(at, (*path, len(data)))
            data.append(item)
            at, more = self._continues(at, "]")
        return data, at + 1

    def _continues(self, at: int, end: str) -> tuple[int, bool]:
        """Where the next item stands and that there is one; or where `end` stands."""
        at = self._skip(at)
        found = self._text[at : at + 1]
        if found not in {",", end}:
            self._fail(at, f"a comma or {end} is expected here")
        return (self._skip(at + 1), True) if found == "," else (at, False)

    def _scalar(self, at: int) -> tuple[Json, int]:
        value: Json
        try:
            value, end = self._scalars.raw_decode(self._text, at)
        except json.JSONDecodeError as error:
            self._fail(error.pos, error.msg[:1].lower() + error.msg[1:])
        except ValueError as error:
            self._fail(at, str(error))
        return value, end

    def _string(self, at: int) -> tuple[str, int]:
        value, end = self._scalar(at)
        text = str(value)
        if _SURROGATE.search(text):
            self._fail(at, "this text has a lone surrogate, which is no character")
        return text, end

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def _place(self, at: int) -> tuple[int, int]:
        line = bisect.bisect_right(self._lines, at)
        return line, at - self._lines[line - 1] + 1

    def _fail(self, at: int, message: str) -> NoReturn:
        line, column = self._place(at)
        start = max(self._lines[line - 1], at - _BEFORE)
        whole = self._text[start : start + _SHOWN].partition("\n")[0]
        shown = "".join(char if char.isprintable() else " " for char in whole)
        raise ConfigError(f"line {line}, column {column}: {message}\n  {shown}\n  {' ' * (at - start)}^")


def _int(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        msg = f"a number may have at most {MOST_DIGITS} digits"
        raise ValueError(msg)
    return int(digits)


def _refuse_constant(name: str) -> NoReturn:
    word = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}[name]
    msg = f'{name} is not JSON; write {{"$float": "{word}"}}'
    raise ValueError(msg)
