"""Asks for passwords and codes at the terminal, if there is one."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING

from nrun.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_QUESTIONS = 10
"""How often one login may ask; some ask for ever."""


def possible() -> bool:
    """Whether somebody sits there who can be asked."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None and sys.stderr.isatty()


def ask(host: str, texts: Sequence[str], prompts: Sequence[tuple[str, bool]]) -> list[str]:
    """Show `texts`, which the host sent, then ask: each prompt says whether what is typed may be seen."""
    for text in texts:
        if text.strip():
            print(f"{host}: {printable(text.strip())}", file=sys.stderr)  # noqa: T201 - a conversation
    return [_answer(f"{host}: {printable(prompt.strip())} ", seen=seen) for prompt, seen in prompts]


def _answer(prompt: str, *, seen: bool) -> str:
    if not seen:
        return getpass.getpass(prompt, sys.stderr)
    print(prompt, end="", file=sys.stderr, flush=True)  # noqa: T201 - as above
    return sys.stdin.readline().rstrip("\n")
