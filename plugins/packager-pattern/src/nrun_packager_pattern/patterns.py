"""What a pattern means, and what it names on disk."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from nrun.errors import PackagingError

if TYPE_CHECKING:
    from nrun import Packing

_WILD = re.compile(r"(\*+|\?|\[!?\]?[^]]*\])")


def expression(pattern: str) -> re.Pattern[str]:
    """What the whole of a name must fit: the pattern names it, or a folder above it. Raises PackagingError."""
    *steps, last = pattern.rstrip("/").split("/")
    folders = ("(?:[^/]+/)*" if step == "**" else _name(step) + "/" for step in steps)
    try:
        return re.compile("".join(folders) + (".*" if last == "**" else _name(last)) + "(?:/.*)?", re.DOTALL)
    except re.error as error:
        msg = f"the pattern {pattern!r} cannot be read: {error.msg}"
        raise PackagingError(msg, hint="in brackets stand the characters that may stand there, as in [a-z]") from error


def _name(text: str) -> str:
    return "".join(_wild(part) if number % 2 else re.escape(part) for number, part in enumerate(_WILD.split(text)))


def _wild(text: str) -> str:
    if text.startswith("*"):
        return "[^/]*"
    if text == "?":
        return "[^/]"
    negated, characters = "^/" if text.startswith("[!") else "", text[1:-1].removeprefix("!")
    return "[" + negated + re.sub(r"([\\\[\]^&~|])", r"\\\1", characters) + "]"


def chosen(pattern: str, folder: str, source: Path, packing: Packing) -> tuple[Path, list[str]]:
    """The folder that `folder` is, and the names below it that `pattern` names; both start at `source`.

    Raises PackagingError if there are none, or if they would not be below it.
    """
    root = Path(os.path.normpath(source / folder))
    wanted = os.path.relpath(source / pattern, root)
    if wanted == ".." or wanted.startswith("../"):
        msg = f"{pattern!r} is not below the folder that its names would start at, {root}"
        raise PackagingError(msg, hint="set relative_path to a folder above what the pattern names")
    steps = wanted.split("/")
    fixed = next((number for number, step in enumerate(steps) if _WILD.search(step)), len(steps))
    start = os.path.normpath("/".join(steps[:fixed]))
    if fixed == len(steps) and _is_file(root / start):
        return root, [start]
    names = _below(root, start, packing) if (root / start).is_dir() else []
    if fixed < len(steps):
        names = list(filter(expression(wanted).fullmatch, names))
    if not names:
        msg = f"the pattern {pattern!r} matches nothing in {source}"
        hint = "nothing is there, or all of it is ignored: name it without a wildcard, or by !NAME in .nrunignore"
        raise PackagingError(msg, hint=hint)
    return root, names


def _is_file(path: Path) -> bool:
    """Whether it can travel by itself: also a link, wherever it leads."""
    return os.path.lexists(path) and (path.is_symlink() or not path.is_dir())


def _below(root: Path, start: str, packing: Packing) -> list[str]:
    """What is below a folder but for what is ignored there; the folder itself may be: it was asked for."""
    folder = root / start
    found = packing.walk(folder, packing.ignore_rule(folder))
    return found if start == "." else [f"{start}/{name}" for name in found]
