"""Being in charge of an experiment: one process at a time, and whoever comes later learns who it is.

On one machine the system's lock on a file tells: it is released with its holder, however that ends. Where machines
share the file system and locks do not reach from one to the other, the file's time does: who is in charge touches it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import time
from typing import TYPE_CHECKING

from nrun.errors import InCharge, RecordError
from nrun.events import ExperimentEnded, ExperimentStarted
from nrun.record import read_journal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nrun.record import ExperimentFolder

LOCK = "charge.lock"
BEAT_S = 10.0
"""How often who is in charge touches the lock."""
SILENCE_S = 60.0
"""How long the lock of another machine must have been left alone to be free."""


@contextlib.asynccontextmanager
async def charge(folder: ExperimentFolder) -> AsyncIterator[None]:
    """Within it, this process alone is in charge. Raises InCharge if another one is, RecordError if that cannot be."""
    path = folder.path / LOCK
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}"
        raise RecordError(msg, hint="the record must be writable to look after the experiment") from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise taken(folder, _holder(file)) from error
        last = who_is(folder)
        if last is not None and last.host != socket.gethostname() and _age_s(file, folder) < SILENCE_S:
            raise taken(folder, last)
        beating = asyncio.create_task(_beat(file, _sign(file)))
        try:
            yield
        finally:
            beating.cancel()
    finally:
        os.close(file)


def who_is(folder: ExperimentFolder) -> ExperimentStarted | None:
    """Who took charge last and has not said that it is done, whether it is alive or not."""
    for event in reversed(read_journal(folder.journal).events):
        if isinstance(event, ExperimentEnded):
            return None
        if isinstance(event, ExperimentStarted):
            return event
    return None


def taken(folder: ExperimentFolder, holder: ExperimentStarted | None = None) -> InCharge:
    """The error that says who is in charge, and what can be done."""
    by = "another process"
    if (who := holder or who_is(folder)) is not None:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(who.at))
        by = f"process {who.pid} on {who.host} (since {since})"
    msg = f"{by} is looking after experiment {folder.id}"
    return InCharge(msg, hint=f"nrun status {folder.id} --watch follows it; nrun cancel {folder.id} stops its jobs")


def _age_s(file: int, folder: ExperimentFolder) -> float:
    """How long ago the lock was touched, by the clock of the file system; a new one is old."""
    if os.fstat(file).st_size == 0:
        return float("inf")
    probe = folder.path / f".clock.{os.getpid()}"
    probe.touch()
    try:
        return probe.stat().st_mtime - os.fstat(file).st_mtime
    finally:
        probe.unlink()


def _holder(file: int) -> ExperimentStarted | None:
    """Who holds the lock, as it wrote into it."""
    try:
        pid, host, since = os.pread(file, 4096, 0).decode().split()
        return ExperimentStarted(at=float(since), title="", jobs=0, pid=int(pid), host=host)
    except (OSError, ValueError):
        return None


def _sign(file: int) -> bytes:
    """Write into the lock who holds it."""
    who = f"{os.getpid()} {socket.gethostname()} {time.time():.0f}\n".encode()
    with contextlib.suppress(OSError):  # a full disk does not end the charge
        os.pwrite(file, who, 0)
        os.ftruncate(file, len(who))
    return who


async def _beat(file: int, who: bytes) -> None:
    while True:
        await asyncio.sleep(BEAT_S)
        with contextlib.suppress(OSError):
            os.pwrite(file, who, 0)
