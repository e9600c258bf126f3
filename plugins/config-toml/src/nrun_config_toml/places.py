"""Where the values of a TOML text stand, which `tomllib` does not tell, and how deep they go, before it goes there."""

from __future__ import annotations

import bisect
import re
import tomllib
from typing import TYPE_CHECKING

from nrun_config_toml.problem import problem

if TYPE_CHECKING:
    from nrun.errors import ConfigError
    from nrun_config_toml.problem import Path, Place

MOST_DEPTH = 64
MOST_DIGITS = 1000
"""Of anything without quotes. The longest number of 64 bits, written in full, is far shorter."""

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*+")
_SPACE = re.compile(r"[ \t]*+")
_LINE = re.compile(r"[^\n]*+")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"{3,5}'
    r"|'''(?:[^']|'(?!''))*+'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*+"'
    r"|'[^'\n]*+'",
    re.DOTALL,
)
_KEY = re.compile(r"""[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+'""")
_ESCAPED_NONE = re.compile(r"\$\$+none")
_WORD = re.compile(r"[^\[\]{},#\n\"']++")


class NotTomlError(Exception):
    """The text is not TOML; `tomllib` says why."""


class Places:
    """Looks through one text, once, for the places of its values."""

    def __init__(self, text: str) -> None:
        self.found: dict[Path, Place] = {}
        self.twice: ConfigError | None = None
        """That a place has a second value, which no TOML can have unless both keys are escaped differently."""
        self._text = text
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]
        self._tables: dict[Path, int] = {}
        """Arrays of tables and how many tables each has so far."""

    def look(self) -> None:
        """Fill in `found`. Raises ConfigError for too much of anything, NotTomlError where this is no TOML."""
        table: Path = ()
        at = self._skip(_BLANK, 0)
        while at < len(self._text):
            if self._text[at] == "[":
                table, at = self._header(at)
            else:
                keys, value = self._key(at, len(table))
                for count in range(1, len(keys)):
                    self._put((*table, *keys[:count]), at)
                at = self._value(self._skip(_SPACE, self._expect("=", value)), (*table, *keys))
            at = self._skip(_BLANK, at)

    def place(self, at: int) -> Place:
        """Line and column, from 1, of an index."""
        line = bisect.bisect_right(self._lines, at)
        return line, at - self._lines[line - 1] + 1

    def _header(self, at: int) -> tuple[Path, int]:
        many = self._text.startswith("[[", at)
        keys, end = self._key(self._skip(_SPACE, at + 1 + many), 0)
        path: Path = ()
        for index, key in enumerate(keys):
            path = (*path, key)
            self._put(path, at)
            if many and index == len(keys) - 1:
                self._tables[path] = self._tables.get(path, 0) + 1
            if path in self._tables:
                path = (*path, self._tables[path] - 1)
                self._put(path, at)
        self._check_depth(len(path), at)
        return path, self._expect("]]" if many else "]", end)

    def _key(self, at: int, depth: int) -> tuple[list[str], int]:
        """The parts of a key with dots, and where it ends."""
        keys: list[str] = []
        start = at
        while True:
            found = _KEY.match(self._text, at)
            if not found:
                raise NotTomlError
            keys.append(_key_of(found[0]))
            self._check_depth(depth + len(keys), start)
            at = self._skip(_SPACE, found.end())
            if self._text[at : at + 1] != ".":
                return keys, at
            at = self._skip(_SPACE, at + 1)

    def _value(self, at: int, path: Path) -> int:
        """Note the place of the value at `at`, and of all that is inside. Returns where it ends."""
        self._check_depth(len(path), at)
        if path in self.found and self.twice is None:
            told = f"the key {path[-1]!r} occurs twice; its first value is in line {self.found[path][0]}"
            self.twice = problem(self._text, self.place(at), told)
        self._put(path, at)
        first = self._text[at : at + 1]
        if first == "[":
            return self._array(at, path)
        if first == "{":
            return self._inline_table(at, path)
        found = (_STRING if first in {'"', "'"} else _WORD).match(self._text, at)
        if not found:
            raise NotTomlError
        if first not in {'"', "'"} and len(found[0].rstrip()) > MOST_DIGITS:
            raise problem(self._text, self.place(at), f"a number may have at most {MOST_DIGITS} digits")
        return found.end()

    def _array(self, at: int, path: Path) -> int:
        at = self._skip(_BLANK, at + 1)
        index = 0
        while self._text[at : at + 1] != "]":
            at = self._skip(_BLANK, self._value(at, (*path, index)))
            index += 1
            if self._text[at : at + 1] != "]":
                at = self._skip(_BLANK, self._expect(",", at))
        return at + 1

    def _inline_table(self, at: int, path: Path) -> int:
        at = self._skip(_BLANK, at + 1)
        while self._text[at : at + 1] != "}":
            keys, value = self._key(at, len(path))
            for count in range(1, len(keys)):
                self._put((*path, *keys[:count]), at)
            at = self._value(self._skip(_SPACE, self._expect("=", value)), (*path, *keys))
            at = self._skip(_BLANK, at)
            if self._text[at : at + 1] != "}":
                at = self._skip(_BLANK, self._expect(",", at))
        return at + 1

    def _put(self, path: Path, at: int) -> None:
        self.found.setdefault(path, self.place(at))

    def _check_depth(self, depth: int, at: int) -> None:
        if depth > MOST_DEPTH:
            raise problem(self._text, self.place(at), f"nested more than {MOST_DEPTH} deep")

    def _expect(self, mark: str, at: int) -> int:
        if not self._text.startswith(mark, at):
            raise NotTomlError
        return at + len(mark)

    def _skip(self, blank: re.Pattern[str], at: int) -> int:
        found = blank.match(self._text, at)
        return found.end() if found else at


def data_key(key: str) -> str:
    """The key of plain data for a key of TOML, where a key `$none` has one more `$`."""
    return key[1:] if _ESCAPED_NONE.fullmatch(key) else key


def _key_of(written: str) -> str:
    if written[0] not in {'"', "'"}:
        return written
    if written[0] == "'" or "\\" not in written:
        return data_key(written[1:-1])
    try:
        return data_key(str(tomllib.loads(f"key = {written}")["key"]))
    except tomllib.TOMLDecodeError:
        raise NotTomlError from None
