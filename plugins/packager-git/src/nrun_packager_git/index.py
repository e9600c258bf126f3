"""What is tracked: the index of a repository."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from nrun_packager_git.content import Names
from nrun_packager_git.git import PIECE, check, started

if TYPE_CHECKING:
    from pathlib import Path

_WORDS = ("ls-files", "-z", "--stage", "-v")
_ENTRY = rb"(?:\A|(?<=\0))%b [^\t\0]*\t"
"""What git says of a file before its name: what it does with it, its mode, content and stage."""
_ANY = re.compile(_ENTRY % b".")
_SUBMODULE = re.compile(_ENTRY % b". 160000" + rb"([^\0]+)")
_UNSEEN = re.compile(_ENTRY % b"[a-zS]" + rb"([^\0]+)")
_CONFLICT = re.compile(rb" [123]\t")
_ATTRIBUTES = re.compile(rb"\t((?:[^\0]*/)?\.gitattributes)\0")


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
                lines, end, rest = (rest + piece).rpartition(b"\0")
                self._take(lines + end)
            complaint = await process.stderr.read()
            await process.wait()
            check(process, complaint, _WORDS)
        return b""

    def _take(self, lines: bytes) -> None:
        self.names.add_listed(_ANY.sub(b"", lines))
        self.has_conflicts = self.has_conflicts or _CONFLICT.search(lines) is not None
        self.submodules.extend(map(os.fsdecode, _SUBMODULE.findall(lines)))
        self.unseen.extend(map(os.fsdecode, _UNSEEN.findall(lines)))
        self.attributes.extend(map(os.fsdecode, _ATTRIBUTES.findall(lines)))
