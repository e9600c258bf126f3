"""The lines of one ignore file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

if TYPE_CHECKING:
    from collections.abc import Callable

_BELOW = "ps_d"
"""The group of the library's expressions that takes in what is below a folder. Here each folder is asked by itself."""


class _Pattern(NamedTuple):
    fits: Callable[[bytes], object]
    ignores: bool
    only_folders: bool


class Patterns:
    """What an ignore file says. `below` is the length of its folder, with the slash, in the paths it is asked for."""

    def __init__(self, text: bytes, below: int) -> None:
        lines = text.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        self._last_first = [pattern for line in reversed(lines) if (pattern := _pattern(line.removesuffix(b"\r")))]
        self._below = below

    def say(self, path: bytes, *, folder: bool) -> bool | None:
        """Whether the path itself is ignored by the last line that fits; None if there is none."""
        name = path[self._below :]
        for pattern in self._last_first:
            if (folder or not pattern.only_folders) and pattern.fits(name):
                return pattern.ignores
        return None


def _pattern(line: bytes) -> _Pattern | None:
    """A line as git reads it; None for one that says nothing."""
    if line.startswith(b"#"):
        return None
    text = line.rstrip(b" ")
    if text != line and (len(text) - len(text.rstrip(b"\\"))) % 2:
        text += b" "  # it was escaped
    ignores = not text.startswith(b"!")
    bare = text.removeprefix(b"!").removesuffix(b"/")
    if bare.startswith((b"#", b"!")):
        bare = b"\\" + bare  # only the first character of a line is special
    try:
        pattern = GitIgnoreSpecPattern(bare)
    except (ValueError, re.error):
        return None
    if pattern.regex is None:
        return None
    fits = pattern.regex.fullmatch if _BELOW in pattern.regex.groupindex else pattern.regex.search
    return _Pattern(fits, ignores, only_folders=text.endswith(b"/"))
