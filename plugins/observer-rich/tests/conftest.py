"""A terminal of our own, on which whole programs run."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

DEADLINE_S = 60.0
ROWS, COLUMNS = 40, 100
DECIDES_THE_LOOK = {"NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES"}


class Terminal:
    """A program on a pseudo-terminal, and all it has written there so far."""

    def __init__(self, script: str, folder: Path, env: Mapping[str, str]) -> None:
        self.text = ""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        inherited = {name: value for name, value in os.environ.items() if name not in DECIDES_THE_LOOK}
        self.process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env={**inherited, "TERM": "xterm-256color", "NRUN_HOME": str(folder / "home"), **env},
        )
        os.close(slave)

    def read_until(self, wanted: str) -> str:
        """Read on until `wanted` was written; fails when the program ends before."""
        deadline = time.monotonic() + DEADLINE_S
        while wanted not in self.text:
            assert self._read(deadline), f"{wanted!r} was not written; this was:\n{self.text}"
        return self.text

    def finish(self) -> str:
        """Everything the program has written when it has ended."""
        deadline = time.monotonic() + DEADLINE_S
        while self._read(deadline):
            pass
        self.process.wait(DEADLINE_S)
        return self.text

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(deadline - time.monotonic(), 0.0))
        assert ready, f"the program wrote nothing for too long; this was:\n{self.text}"
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: nobody has the other end any more
            return False
        self.text += data.decode()
        return bool(data)

    def close(self) -> None:
        """Leave no process behind."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(DEADLINE_S)
        os.close(self._master)


@pytest.fixture
def on_terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def start(script: str, **env: str) -> Terminal:
        opened.append(Terminal(script, tmp_path, env))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()
