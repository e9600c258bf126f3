"""What is tracked: the index of a repository."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nrun_packager_git.content import Names
from nrun_packager_git.git import PIECE, check, started

if TYPE_CHECKING:
    from pathlib import Path

_WORDS = ("ls-files", "-z", "--stage", "-v")
"""They tell of each file what git does with it, its mode, content and stage, and after a tab its name."""
_PLAIN = {b"H 100644", b"H 100755", b"H 120000"}


class Index:
    """The names in an index, below a folder, and what is special about them."""

    def __init__(self) -> None:
        self.names = Names()
        """All; several times where a merge has left a conflict."""
        self.has_conflicts = False
        self.submodules: list[str] = []
        self.unseen: list[str] = []
        """Files that git does not look at, so that it does not know whether they are there."""
        self.attributes: list[str] = []
        """Files of attributes."""

    async def read(self, folder: Path) -> bytes:
        """Read all that is below a folder, a piece at a time: it may be much. Raises PackagingError."""
        async with started(folder, *_WORDS) as process:
            assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - they are pipes
            rest = b""
            while piece := await process.stdout.read(PIECE):
                *lines, rest = (rest + piece).split(b"\0")
                self._take(lines)
            complaint = await process.stderr.read()
            await process.wait()
            check(process, complaint, _WORDS)
        return b""

    def _take(self, lines: list[bytes]) -> None:
        names = [line[line.index(b"\t") + 1 :] for line in lines]
        self.names.add_listed(b"".join([name + b"\0" for name in names]))
        self.attributes += [os.fsdecode(name) for name in names if name.endswith(b".gitattributes")]
        if not {line[:8] for line in lines} <= _PLAIN:
            self._look_closer(lines, names)

    def _look_closer(self, lines: list[bytes], names: list[bytes]) -> None:
        for line, name in zip(lines, map(os.fsdecode, names), strict=True):
            if line[:1] == b"M":
                self.has_conflicts = True
            if line[2:8] == b"160000":
                self.submodules.append(name)
            if line[:1] == b"S" or line[:1].islower():
                self.unseen.append(name)
