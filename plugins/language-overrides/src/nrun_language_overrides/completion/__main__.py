"""Answers one Tab: `python -P -m nrun_language_overrides.completion SHELL ...`, as the scripts in `shells` call it.

    bash LINE WORD      the line up to the cursor, and the end of it that bash replaces
    zsh WORD...         the words up to the cursor, as they are written
    fish WORD...        the words up to the cursor, the last as it is written

Prints one line for each answer. Whatever goes wrong is kept silent: the shell then offers nothing.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from nrun_language_overrides.completion.quoting import quoted, split, unquoted
from nrun_language_overrides.completion.words import answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def bash(line: str, word: str) -> Iterator[str]:
    """What bash puts in the place of `word`, which begins at the last `=` or `:` and not where the word does."""
    *before, last = split(line)
    typed, still_open = unquoted(last)
    kept, _ = unquoted(last.removesuffix(word)) if last.endswith(word) else (typed.removesuffix(word), "")
    found = list(_answers(before, typed))
    for text, _doc, whole in found:
        yield quoted(text.removeprefix(kept), still_open) + (" " if whole and not still_open else "")
    if still_open and len(found) == 1 and not found[0][2]:
        yield quoted(found[0][0].removeprefix(kept), still_open) + "…"  # were it alone, bash would close the quote


def zsh(*words: str) -> Iterator[str]:
    """Whether the answer is whole, itself, and what is shown, with tabs between."""
    *before, last = words
    for text, doc, whole in _answers(before, unquoted(last)[0]):
        yield f"{'whole' if whole else 'part'}\t{text}\t{text}{f'  -- {doc}' if doc else ''}"


def fish(*words: str) -> Iterator[str]:
    """The answer and what is said of it, with a tab between."""
    *before, last = words
    for text, doc, _whole in _answers(before, unquoted(last)[0]):
        yield f"{text}\t{doc}"


def _answers(before: Sequence[str], typed: str) -> list[tuple[str, str, bool]]:
    words = [unquoted(word)[0] for word in before]
    while words and "=" in words[0]:
        del words[0]  # A=1 nrun ...
    return answers(words, typed) if words else []


SHELLS: dict[str, Callable[..., Iterator[str]]] = {"bash": bash, "zsh": zsh, "fish": fish}

if __name__ == "__main__":
    shell, *given = sys.argv[1:]
    with contextlib.suppress(Exception):
        text = "\n".join(SHELLS[shell](*given))
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
