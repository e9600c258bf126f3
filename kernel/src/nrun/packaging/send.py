"""Bundles on their way to another store: only what it lacks, in one stream. `receive.py` is the other side."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nrun.errors import BackendError
from nrun.packaging.store import PIECE, Store, entries

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from nrun.model import Bundle

RECEIVER = tuple(Path(__file__).with_name(name) for name in ("receive.py", "store.py"))
"""What must be in one folder of the other side, where `python3 receive.py ROOT` is then run."""


class Line(Protocol):
    """A process on the other side: what it reads and what it writes."""

    async def write(self, data: bytes) -> None:
        """Send bytes, when the other side takes them. Raises BackendError if it is gone."""
        ...

    async def readline(self) -> bytes:
        """The next line that came, with its end; what there is if the other side is gone."""
        ...


async def send(bundles: Collection[Bundle], line: Line, progress: Callable[[int, int], None] = lambda *_: None) -> int:
    """Have these bundles at the other side of `line`, and give how many bytes went over it.

    `progress` is told bytes sent and bytes to send, of contents. Sent again after it broke, it goes on where it
    was. Raises BackendError if the other side is gone or refuses, OSError or Damaged if the store here is not whole.
    """
    sent = 0
    for bundle in bundles:
        sent += await _send(bundle, line, progress)
    return sent


async def _send(bundle: Bundle, line: Line, progress: Callable[[int, int], None]) -> int:
    store = Store(str(bundle.store))
    greeting = f"{bundle.id}\n".encode()
    await line.write(greeting)
    if await _answer(line) == "have":
        return len(greeting)
    manifest = store.manifest(bundle.id)
    packed = zlib.compress(manifest, 1)
    await line.write(f"{len(packed)}\n".encode() + packed)
    missing, offset = (await _answer(line)).split()
    wanted = dict.fromkeys((entry.content, entry.size) for entry in entries(manifest) if entry.kind != "l")
    absent = [one for one, bit in zip(wanted, f"{int(missing, 16):b}"[1:], strict=True) if bit == "1"]
    here, whole = int(offset), sum(size for _, size in absent)
    sent, pieces = here, bytearray()
    for piece in store.stream(bundle.id, [digest for digest, _ in absent], here):
        pieces += piece
        if len(pieces) >= PIECE:
            await line.write(bytes(pieces))
            sent += len(pieces)
            pieces.clear()
            progress(sent, whole)
    await line.write(bytes(pieces))
    progress(whole, whole)
    if await _answer(line) != "kept":
        raise BackendError("the other side did not keep the code")
    return len(greeting) + len(packed) + whole - here


async def _answer(line: Line) -> str:
    """What the other side says. Raises BackendError if it is gone, or says what is wrong."""
    answer = (await line.readline()).decode("utf-8", "replace")
    if not answer.endswith("\n"):
        raise BackendError("the connection ended while code was sent; what came is kept there")
    if answer.startswith("wrong "):
        raise BackendError(f"the other side cannot take the code: {answer[6:].strip()}")
    return answer.strip()
