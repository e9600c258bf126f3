"""The grammar of values: from text to a tree of literals, with offsets for whoever has to point at one.

A literal says how something was written, not what it means: that is up to the annotation it is read for.
Nothing here evaluates, imports or looks up anything, and the limits hold for any text.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import attrs

from nrun.data import Data
from nrun.errors import ConfigError

if TYPE_CHECKING:
    import typing

    Kind = typing.Literal["word", "string", "bytes", "reference", "list", "tuple", "braces", "call", "commas"]

LONGEST_TEXT = 64 * 1024
DEEPEST_NESTING = 64
MOST_LITERALS = 10_000

NAME = r"[^\W\d]\w*"
_DOTTED = rf"{NAME}(?:\.{NAME})*"
_CALL = re.compile(rf"({_DOTTED}(?::{_DOTTED})?)\(")
_CALL_IN_KEY = re.compile(rf"({_DOTTED})\(")
_ARGUMENT = re.compile(rf"({NAME})\s*=(?!=)\s*")
_STRING = re.compile(r"""(b?)(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")""", re.DOTALL)
_WORD = re.compile(r"""(?:\\?\$\{[^}]*\}|[^,\[\](){}'"])+""")
_WORD_IN_KEY = re.compile(r"""(?:\\?\$\{[^}]*\}|[^,:\[\](){}'"])+""")
_REFERENCE = re.compile(r"(?<!\\)\$\{")
_BRACKETS: dict[str, tuple[Kind, str]] = {"[": ("list", "]"), "(": ("tuple", ")"), "{": ("braces", "}")}
_SPACE = re.compile(r"\s*")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\n": ""}
_ESCAPED |= {"\\": "\\", "'": "'", '"': '"'}


class SyntaxProblem(ConfigError):  # noqa: N818 - reads as what it says
    """A text that is not a value of the grammar. `offset` is the place in the text."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


@attrs.frozen(eq=False, repr=False)
class Literal(Data):
    """A value as it was written, from `start` to `end` of the text."""

    kind: Kind
    start: int
    end: int
    value: str = ""
    """The text of a word or reference, the content of a string or of bytes (as Latin-1), the name of a call."""
    items: tuple[Literal, ...] = ()
    """What is inside brackets, or between bare commas."""
    keys: tuple[Literal | None, ...] = ()
    """For each item inside brackets its key in a mapping, its name in a call, or None."""

    @property
    def content(self) -> str | bytes:
        """The value as it is meant: bytes for bytes, text for all else."""
        return self.value.encode("latin-1") if self.kind == "bytes" else self.value


def parse(text: str) -> Literal:
    """The literal that `text` is; several with commas between them are one of kind `commas`.

    Raises SyntaxProblem for any other text, and for one that is too long, too deep or has too many parts.
    """
    if len(text) > LONGEST_TEXT:
        raise SyntaxProblem(f"a text of {len(text)} characters is too long; {LONGEST_TEXT} are allowed", LONGEST_TEXT)
    return _Parser(text).whole()


def is_reference(text: str) -> bool:
    """Whether `${` occurs in `text` without a backslash before it."""
    return _REFERENCE.search(text) is not None


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._made = 0
        self._depth = 0

    def whole(self) -> Literal:
        items = [self._value()]
        while self._take(","):
            items.append(self._value())
        if self._at < len(self._text):
            raise self._unexpected()
        return items[0] if len(items) == 1 else Literal("commas", items[0].start, items[-1].end, items=tuple(items))

    def _value(self, *, in_key: bool = False) -> Literal:
        """One value; in a place for a key, a colon ends a word."""
        self._skip()
        text, start = self._text, self._at
        self._made += 1
        if self._made > MOST_LITERALS:
            raise SyntaxProblem(f"more than {MOST_LITERALS} values in one text", start)
        if bracket := _BRACKETS.get(text[start : start + 1]):
            return self._bracket(bracket[0], start + 1, bracket[1])
        if string := _STRING.match(text, start):
            return self._string(string)
        if call := (_CALL_IN_KEY if in_key else _CALL).match(text, start):
            return self._bracket("call", call.end(), ")", call[1])
        word = (_WORD_IN_KEY if in_key else _WORD).match(text, start)
        if word is None:
            raise self._unexpected()
        return self._word(word)

    def _word(self, word: re.Match[str]) -> Literal:
        start, written = self._at, word[0].rstrip()
        self._at = word.end()
        if is_reference(written):
            return Literal("reference", start, start + len(written), written)
        return Literal("word", start, start + len(written), written.replace("\\${", "${"))

    def _string(self, string: re.Match[str]) -> Literal:
        start, self._at = self._at, string.end()
        content = _ESCAPE.sub(self._unescaped, string[2] if string[2] is not None else string[3])
        if string[1] and not content.isascii() and max(content) > "\xff":
            raise SyntaxProblem("bytes hold characters up to \\xff; write others as escapes", start)
        return Literal("bytes" if string[1] else "string", start, self._at, content)

    def _unescaped(self, escape: re.Match[str]) -> str:
        digits = escape[1] or escape[2] or escape[3]
        if digits and int(digits, 16) <= sys.maxunicode:
            return chr(int(digits, 16))
        if digits or escape[4] in "xuU":
            msg = f"the escape \\{escape[4] or 'U'} needs the hexadecimal number of a character"
            raise SyntaxProblem(msg, self._at)
        return _ESCAPED.get(escape[4], escape[0])

    def _bracket(self, kind: Kind, inside: int, close: str, name: str = "") -> Literal:
        """What ends with `close`; a comma may follow the last of the values."""
        start, self._at = self._at, inside
        self._depth += 1
        if self._depth > DEEPEST_NESTING:
            raise SyntaxProblem(f"more than {DEEPEST_NESTING} brackets inside one another", start)
        keys: list[Literal | None] = []
        items: list[Literal] = []
        while not self._take(close):
            if items and not self._take(",") and self._at < len(self._text):
                raise self._unexpected()
            if items and self._take(close):
                break
            if self._at == len(self._text):
                raise SyntaxProblem(f"what begins here is not closed; {close} is missing", start)
            key, item = self._pair(kind)
            if keys and (key is None) != (keys[-1] is None) and (key is None or kind == "braces"):
                what = "this needs a name too" if kind == "call" else "either every value has a key, or none has"
                raise SyntaxProblem(what, item.start)
            keys.append(key)
            items.append(item)
        self._depth -= 1
        return Literal(kind, start, self._at, name, tuple(items), tuple(keys))

    def _pair(self, kind: Kind) -> tuple[Literal | None, Literal]:
        """A value inside a bracket, with its key or name if it has one."""
        name = _ARGUMENT.match(self._text, self._at) if kind == "call" else None
        if name:
            self._at = name.end()
            return Literal("word", name.start(), name.end(1), name[1]), self._value()
        first = self._value(in_key=kind == "braces")
        return (first, self._value()) if kind == "braces" and self._take(":") else (None, first)

    def _skip(self) -> None:
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at

    def _take(self, token: str) -> bool:
        self._skip()
        taken = self._text.startswith(token, self._at)
        self._at += len(token) if taken else 0
        return taken

    def _unexpected(self) -> SyntaxProblem:
        if self._at == len(self._text) or self._text[self._at] == ",":
            return SyntaxProblem("a value is missing here", self._at)
        if self._text[self._at] in "'\"" and not _STRING.match(self._text, self._at):
            return SyntaxProblem("this quote is not closed", self._at)
        return SyntaxProblem(f"unexpected {self._text[self._at]}; quote a text that contains it", self._at)
