"""Daemons of the test run: started as children, known by id and start time, ended with all they started.

Every daemon carries `NRUN_TEST_SERVICE=<folder>` in its environment and so does what it starts. A process is ended only
while it is still the one that was recorded, so an id that was given to somebody else is safe.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MARK = "NRUN_TEST_SERVICE"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ServiceError(Exception):
    """A service does not come up; the message has what it wrote."""


@attrs.frozen
class Process:
    """A process that was seen once; `alive` tells whether it is still that one."""

    pid: int
    started: int
    """In ticks since boot, as the kernel has it."""

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process that has this id now; None for a dead one."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    def alive(self) -> bool:
        return Process.of(self.pid) == self

    def send(self, number: signal.Signals) -> None:
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def marked(folder: Path) -> set[Process]:
    """What carries the mark of the services in `folder`, wherever it has got to since; never this process."""
    line, found = f"{MARK}={folder}".encode(), set()
    for environ in Path("/proc").glob("[0-9]*/environ"):
        pid = int(environ.parent.name)
        with contextlib.suppress(OSError):
            if pid != os.getpid() and line in environ.read_bytes().split(b"\0") and (seen := Process.of(pid)):
                found.add(seen)
    return found


def children(pid: int) -> set[Process]:
    """All living descendants of a process."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(stat.read_text("utf-8", "replace").rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(stat.parent.name))
    found, pending = set(), list(parents.get(pid, ()))
    while pending:
        one = pending.pop()
        pending += parents.get(one, ())
        found.add(Process.of(one))
    return found - {None}


def end(processes: Iterable[Process], patience_s: float = 5) -> None:
    """Have processes end: asked, then killed."""
    left = set(processes)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in left:
            process.send(number)
        with contextlib.suppress(ServiceError):
            wait_until(lambda: not any(process.alive() for process in left), "", patience_s)  # noqa: B023
        left = {process for process in left if process.alive()}
        if not left:
            return


def wait_until(holds: Callable[[], object], what: str, patience_s: float = 30) -> None:
    """Wait for a condition. Raises ServiceError."""
    last = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > last:
            raise ServiceError(what)
        time.sleep(0.02)


class Daemon:
    """One server program, in the foreground as a child, which the kernel ends should this process be killed."""

    def __init__(self, folder: Path, name: str, argv: list[str], env: Mapping[str, str] | None = None) -> None:
        self.log = folder / f"{name}.out"
        guard = [shutil.which("setpriv"), "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
        with self.log.open("ab") as out:
            self._popen = subprocess.Popen(
                [*guard, *argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd="/",
                start_new_session=True,
                env={"PATH": SYSTEM_PATH, "HOME": str(Path.home()), "LANG": "C.UTF-8", MARK: str(folder)} | (env or {}),
            )
        self.process = Process.of(self._popen.pid)

    @property
    def pid(self) -> int:
        return self._popen.pid

    def running(self) -> bool:
        return self._popen.poll() is None

    def wait_until(self, holds: Callable[[], object], what: str, *logs: Path) -> None:
        """Wait until it answers. Raises ServiceError with what it wrote, if it ends or takes too long."""
        try:
            wait_until(lambda: not self.running() or holds(), what)
        except ServiceError as error:
            raise ServiceError(self._told(str(error), *logs)) from None
        if not self.running():
            raise ServiceError(self._told(f"it ended with {self._popen.returncode} before {what}", *logs))

    def _told(self, what: str, *logs: Path) -> str:
        texts = [log.read_text("utf-8", "replace")[-2000:] for log in (self.log, *logs) if log.exists()]
        return "\n".join([what, *texts])

    def stop(self, number: signal.Signals = signal.SIGTERM, patience_s: float = 10) -> None:
        if self.running():
            self._popen.send_signal(number)
            try:
                self._popen.wait(patience_s)
            except subprocess.TimeoutExpired:
                self._popen.kill()
        self._popen.wait(patience_s)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that are free now, below those that the system gives to outgoing connections."""
    try:
        ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("utf-8").split()[0])
    except OSError:
        ephemeral = 32768
    found = []
    for port in random.sample(range(12000, max(ephemeral, 14000)), 500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                found.append(port)
        if len(found) == count:
            return found
    raise ServiceError("there are no free ports")
