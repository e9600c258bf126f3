from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nrun_testing.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def on_terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def start(script: str, **env: str) -> Terminal:
        opened.append(Terminal(["-c", script], tmp_path, env))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()
