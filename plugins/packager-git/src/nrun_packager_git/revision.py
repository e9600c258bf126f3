"""A bundle that was made before, with the few files that have changed since: by what git tells the rest has not."""

from __future__ import annotations

import bisect
import os
import stat
from typing import TYPE_CHECKING

import attrs

from nrun.packaging.snapshot import read_file
from nrun.packaging.store import PACKING, Contents, Entry, written

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nrun.packaging.store import PackWriter, Store

_MOST_FILES = 1000
_MOST_BYTES = 16_000_000
_MOST_PACKS = 16
"""More than that is packed as if it were new: then nothing is read that has not changed, and every pack is needed."""


@attrs.frozen
class Revision:
    """What has become of a bundle of `folder`, whose index git has not changed since, nor what else there is.

    What git takes for unchanged, then and now, is. Only the others are looked at.
    """

    folder: Path
    different: Sequence[str]
    """What is not as in the index, or not in it. All of these are files, or gone."""
    max_size: int | None

    @property
    def note(self) -> bytes:
        """What the next one must know of this one."""
        return b"\0".join(map(os.fsencode, self.different))

    def __call__(self, store: Store, bundle: str, note: bytes) -> str | None:
        """The bundle as it is now; None if that takes a look at everything.

        Raises PackagingError if a file cannot be read, OSError, Damaged.
        """
        names, packs = {*note.split(b"\0"), *self.note.split(b"\0")} - {b""}, store.packs(bundle)
        if len(names) > _MOST_FILES or len(packs) >= _MOST_PACKS:
            return None
        contents = Contents()
        for pack in (*packs, PACKING):
            contents.begin(pack)
        lines = store.manifest(bundle).split(b"\0")
        with store.write() as writer:
            writer.contents = contents  # what is elsewhere in the store takes longer to find than to write again
            if not self._edit(lines, names, writer):
                return None
            sizes = (int(line.split(b" ", 2)[1]) for line in lines[:-1])
            if self.max_size is not None and sum(sizes) > self.max_size:
                return None
            writer.finish()
            return store.hold(b"\0".join(lines), [pack for pack in contents.packs if pack != PACKING])

    def _edit(self, lines: list[bytes], names: set[bytes], writer: PackWriter) -> bool:
        """Bring a manifest up to date. Whether that could be done."""
        left = _MOST_BYTES
        for name in names:
            path = os.path.join(os.fsencode(self.folder), name)  # noqa: PTH118 - it is bytes
            at = bisect.bisect_left(lines, name, 0, len(lines) - 1, key=_name)
            before = lines[at] if _name(lines[at]) == name else b""
            status = os.lstat(path) if os.path.lexists(path) else None
            if before.startswith(b"l") or (status and not (before and stat.S_ISREG(status.st_mode))):
                return False  # links, and names that are new, may be in the way of others
            if not status:
                lines[at : at + bool(before)] = []
                continue
            left -= status.st_size
            if left < 0:
                return False
            kind = "x" if status.st_mode & stat.S_IXUSR else "f"
            for pack in (None, writer):
                told, digest = read_file(path, pack)
                after = written(Entry(name, kind, int.from_bytes(told[:8], "big"), digest))[:-1]
                if after.split(b" ")[2] == before.split(b" ")[2]:
                    break  # it is in the store already
            lines[at] = after
        return True


def _name(line: bytes) -> bytes:
    return line.split(b" ", 3)[3] if line else b""
