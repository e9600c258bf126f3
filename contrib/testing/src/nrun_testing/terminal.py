"""A terminal for tests, on which whole programs run."""

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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

DEADLINE_S = 60.0
ROWS, COLUMNS = 40, 100
DECIDES_THE_LOOK = {"NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES"}


class Terminal:
    """A program on a pseudo-terminal, and all it has written there so far."""

    def __init__(self, words: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
        """Start the interpreter with `words`, in `folder`; `env` is added to the environment."""
        self.text = ""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        inherited = {name: value for name, value in os.environ.items() if name not in DECIDES_THE_LOOK}
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env={**inherited, "TERM": "xterm-256color", "NRUN_HOME": str(folder / "home"), **env},
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 - no threads here
        )
        os.close(slave)

    def read_until(self, wanted: str) -> str:
        """Read on until `wanted` was written. Raises AssertionError when the program ends before."""
        deadline = time.monotonic() + DEADLINE_S
        while wanted not in self.text:
            if not self._read(deadline):
                msg = f"{wanted!r} was not written; this was:\n{self.text}"
                raise AssertionError(msg)
        return self.text

    def finish(self) -> str:
        """Everything the program has written when it has ended. Raises AssertionError when that takes too long."""
        deadline = time.monotonic() + DEADLINE_S
        while self._read(deadline):
            pass
        self.process.wait(DEADLINE_S)
        return self.text

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(deadline - time.monotonic(), 0.0))
        if not ready:
            msg = f"the program wrote nothing for too long; this was:\n{self.text}"
            raise AssertionError(msg)
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: nobody has the other end any more
            return False
        self.text += data.decode()
        return bool(data)

    def press(self, keys: str) -> None:
        """Type keys; `\x03` is Ctrl-C."""
        os.write(self._master, keys.encode())

    def close(self) -> None:
        """Leave no process behind."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(DEADLINE_S)
        os.close(self._master)


def _take_terminal() -> None:
    """Make the terminal at stdin that of this session, so that Ctrl-C typed there is a signal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
