"""Runs the installed `nrun` as its users do: as a process, in a folder and with a home of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nrun_testing.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator


class Shell:
    """A folder, a home, and the `nrun` command in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self._terminals: list[Terminal] = []
        self.env = {
            name: value for name, value in os.environ.items() if not name.startswith("NRUN_") and name != "PYTHONPATH"
        } | {"NRUN_HOME": str(self.home), "COLUMNS": "100"}

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(textwrap.dedent(text), "utf-8")
        return path

    def read(self, name: str) -> str:
        return (self.folder / name).read_text("utf-8")

    def nrun(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "nrun", *args, **env)

    def python(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *args],
            cwd=self.folder,
            env=self.env | env,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=90,
            check=False,
        )

    def start(self, *args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "nrun", *args],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def terminal(self, *args: str) -> Terminal:
        """The `nrun` command on a pseudo terminal."""
        self._terminals.append(Terminal(["-m", "nrun", *args], self.folder, self.env))
        return self._terminals[-1]

    def close(self) -> None:
        """Leave no process behind: neither at a terminal nor a job nor who looks after one."""
        for terminal in self._terminals:
            terminal.close()
        for pid in self._left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _left(self) -> list[int]:
        home = str(self.home).encode()
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and b"NRUN_HOME=" + home in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
        return found


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    opened = Shell(tmp_path)
    yield opened
    opened.close()
