"""From exact arguments to one line for the login shell there, and from what comes back to what the command said.

Every login shell (sh, bash, zsh, fish, csh) understands the line. It starts a POSIX shell that runs the command and
marks where its output begins and ends. So it is told from start-up files that print, from processes behind it that keep
a pipe open, and from connections that break.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from nrun.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

MOST_BYTES = 100_000
"""Linux takes 128 KiB for one argument, and the line is one."""
READ_BYTES = 1 << 16
_MARK_BYTES = 64
"""No mark is longer."""


class Line:
    """One command for one session. `token` is known to this run of it alone."""

    def __init__(self, argv: Sequence[str], pre_command: str | None = None) -> None:
        self.token = os.urandom(16).hex()
        script = _script(argv, self.token, pre_command)
        self.text = f"exec sh -c {quoted(script)}"
        if len(os.fsencode(self.text)) > MOST_BYTES:
            msg = f"{argv[0]} has {len(self.text):,} characters of arguments, which no host takes"
            raise UsageError(msg, hint="give them as input, or as a file")


def _script(argv: Sequence[str], token: str, pre_command: str | None) -> str:
    if any("\0" in word for word in argv) or not argv:
        msg = f"{argv!r:.80} cannot be the arguments of a command"
        raise UsageError(msg)
    words = shlex.join(argv)
    newline = ""
    if "\n" in words:  # csh allows no newline within quotes
        newline = "n=$(printf '\\012.'); n=${n%.}; "
        words = words.replace("\n", "'\"$n\"'")
    before = f"{{ {pre_command.replace(chr(10), ';')}; }} >&2 </dev/null || exit; " if pre_command else ""
    both = "{ echo %s; echo %s >&2; }"
    start, end = (both.replace("%s", f"{token}{sign}") for sign in ("+$$", "-$e"))
    return f"{newline}{before}{start}; {words}; e=$?; {end}; exit $e"


def quoted(text: str) -> str:
    """`text` as one word for any login shell: quotes, backslashes and `!` stand outside of quotes."""
    return "".join(
        f"\\{part}" if part in {"'", "\\", "!"} else f"'{part}'" for part in re.split(r"(['\\!])", text) if part
    )


class Marked:
    """What a command writes to one stream, between its marks."""

    def __init__(self, token: str, read: Callable[[int], Awaitable[bytes]]) -> None:
        self._start = re.compile(rb"%s\+(\d+)\n" % token.encode())
        self._last = f"{token}-".encode()
        self._end = re.compile(rb"%s-(\d+)\n" % token.encode())
        self._read = read
        self.pid: int | None = None
        """The process group there, once it has begun."""
        self.code: int | None = None
        """How it ended, once it has."""
        self.noise = b""
        """What came before it."""

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The output as it comes, up to the end of the command or of the stream."""
        held = b""
        while piece := await self._read(READ_BYTES):
            held += piece
            if self.pid is None:
                found = self._start.search(held)
                if found is None:
                    continue
                self.pid, self.noise, held = int(found[1]), held[: found.start()], held[found.end() :]
            if found := self._end.search(held):
                self.code, held = int(found[1]), held[: found.start()]
                break
            keep = self._begun(held)
            if len(held) > keep:
                yield held[: len(held) - keep]
                held = held[len(held) - keep :]
        if self.pid is None:
            self.noise = held
        elif held:
            yield held

    def _begun(self, held: bytes) -> int:
        """How many bytes at the end may be the beginning of the last mark."""
        length = len(self._last)
        for count in range(min(len(held), _MARK_BYTES), 0, -1):
            tail = held[-count:]
            if self._last.startswith(tail[:length]) and (count <= length or tail[length:].isdigit()):
                return count
        return 0

    async def all(self) -> bytes:
        """The whole output."""
        return b"".join([piece async for piece in self.pieces()])
