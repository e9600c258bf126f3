"""The journal: one event per line, appended, never rewritten. What it says is the truth about an experiment.

A line without its end was cut short by a crash and does not count, nor does it when whoever writes next has ended it;
a line that cannot be read is reported and skipped, and the rest stays readable.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import attrs

from nrun.data import Data
from nrun.errors import RecordError
from nrun.events import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Self

    from nrun.events import Event

CUT = b"\x18"
"""What a line ends with that somebody could not finish. No JSON has it."""
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), check_circular=False).encode


@attrs.frozen(eq=False, repr=False)
class Reading(Data):
    """What a journal says, from some offset on."""

    events: list[Event]
    damaged: tuple[int, ...]
    """Byte offsets of the lines that could not be read."""
    end: int
    """Where to read on: after the last whole line."""


def read_journal(path: Path, offset: int = 0) -> Reading:
    """The events of the journal at `path` from byte `offset` on. Raises RecordError if it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return Reading([], (), offset)
    except OSError as error:
        raise RecordError(f"cannot read the journal {path}: {error.strerror}") from error
    events: list[Event] = []
    damaged: list[int] = []
    position = offset
    for line in data.split(b"\n")[:-1]:
        if line and not line.endswith(CUT):
            try:
                events.append(from_json(json.loads(line)))
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                damaged.append(position)
        position += len(line) + 1
    return Reading(events, tuple(damaged), position)


class Journal:
    """A journal that this process writes to. Others may append too: `foreign` gives what they wrote."""

    def __init__(self, path: Path, known: int = 0) -> None:
        """`known` is where a reading ended: what was written after it is foreign."""
        self.path = path
        self._known = self._looked = known
        try:
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise RecordError(f"cannot write the journal {path}: {error.strerror}") from error

    def append(self, events: Iterable[Event], *, durable: bool = False) -> None:
        """Write the events in one piece. With `durable` they are on the disk when this returns.

        Raises RecordError when they cannot be written: then nothing may be done that relies on them.
        """
        data = b"".join(_encode(to_json(event)).encode() + b"\n" for event in events)
        try:
            size = self._size()
            if size not in {0, self._known} and os.pread(self._file, 1, size - 1) != b"\n":
                data = CUT + b"\n" + data  # end the line that somebody could not finish, or ours would be lost with it
            written = os.write(self._file, data)
            while written < len(data):
                written += os.write(self._file, data[written:])
            if durable:
                os.fsync(self._file)
        except OSError as error:
            msg = f"cannot write the journal {self.path}: {error.strerror}"
            raise RecordError(msg, hint="free some space or check the file system, then look at the status") from error
        self._known += len(data)

    def foreign(self) -> list[Event]:
        """What was appended since this was last asked, if any of it came from another process.

        Lines of this process may be among them. Costs one system call when nobody else wrote.
        """
        if self._size() == self._known:
            return []
        reading = read_journal(self.path, self._looked)
        self._looked = self._known = reading.end
        return reading.events

    def _size(self) -> int:
        return os.lseek(self._file, 0, os.SEEK_END)  # tells less than fstat, in a quarter of the time

    def close(self) -> None:
        """Close the file. Harmless when done twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
