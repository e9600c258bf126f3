"""How a shell's line is taken apart, and how a word is written so that the shell takes it as it is."""

from __future__ import annotations

import re

_PART = re.compile(
    r"""
      (?P<space>\s+)
    | \\(?P<escaped>.?)
    | '(?P<single>[^']*)(?P<single_end>'?)
    | "(?P<double>(?:[^"\\]|\\.)*\\?)(?P<double_end>"?)
    | (?P<plain>[^\s\\'"]+)
    """,
    re.DOTALL | re.VERBOSE,
)
_SPECIAL = re.compile(r"([^\w@%+=:,./~-]|^~)")
_SPECIAL_IN_DOUBLE = re.compile(r'([$`"\\])')


def split(line: str) -> list[str]:
    """The words of a line, with their quotes; the last, which may be empty, is the one that is being written."""
    words = [""]
    for part in _PART.finditer(line):
        if part["space"]:
            words.append("")
        else:
            words[-1] += part[0]
    return words if words[0] or len(words) == 1 else words[1:]


def unquoted(word: str) -> tuple[str, str]:
    """What a word means, and the quote that is still open at its end."""
    text, still_open = "", ""
    for part in _PART.finditer(word):
        text += part["plain"] or part["space"] or part["escaped"] or part["single"] or ""
        text += re.sub(r'\\([$`"\\])', r"\1", part["double"] or "")
        still_open = "'" if part["single_end"] == "" else '"' if part["double_end"] == "" else ""
    return text, still_open


def quoted(text: str, still_open: str) -> str:
    """`text` as it is written in a shell, within the quote that is open."""
    if still_open == "'":
        return text
    return (_SPECIAL_IN_DOUBLE if still_open else _SPECIAL).sub(r"\\\1", text)
