"""What docstrings say of arguments, in the styles of Google, NumPy and Sphinx."""

from __future__ import annotations

import functools
import re

_ARGUMENT = re.compile(
    r"(?m)^([ \t]*)(?::param (?:\w+ )?(?P<sphinx>\w+):|(?P<google>\w+)(?: ?\([^)\n]*\))?:|(?P<numpy>\w+) : [^\n]*\n)"
    r"(?=(?P<text>.*(?:\n\1[ \t]+\S.*)*))"
)


@functools.lru_cache(maxsize=256)
def told_of_arguments(text: str) -> dict[str, str]:
    """What a docstring says of each argument, by name. Whatever looks like a name with a colon counts as one."""
    told: dict[str, str] = {}
    for found in _ARGUMENT.finditer(text):
        told.setdefault(found["sphinx"] or found["google"] or found["numpy"], " ".join(found["text"].split()))
    return told
