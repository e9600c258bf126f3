"""What is found, whether on disk or in a commit, and what whoever ships it should know."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Collection
from typing import TYPE_CHECKING

import attrs

from nrun.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SUBMODULE = "160000"
"""The mode of an entry that names a commit of another repository."""
LFS = b"filter=lfs"
"""In `.gitattributes`: files that are committed as pointers."""
POINTER = b"version https://git-lfs.github.com/spec/v1\n"
LARGEST_POINTER = 1024
_NAMED = 5
_NAME = re.compile(rb"[^\0]+")
_log = logging.getLogger("nrun.packager.git")


class Names(Collection[bytes]):
    """Names, each with the byte behind it that no name has: there may be very many."""

    def __init__(self) -> None:
        self.listed = bytearray()

    def __iter__(self) -> Iterator[bytes]:
        return (found.group() for found in _NAME.finditer(self.listed))

    def __len__(self) -> int:
        return self.listed.count(b"\0")

    def __contains__(self, name: object) -> bool:
        return any(name == each for each in self)

    def add(self, names: Iterable[str]) -> None:
        """Names as Python has them."""
        for name in names:
            self.add_listed(os.fsencode(name) + b"\0")

    def add_listed(self, listed: bytes | bytearray) -> None:
        """Names as git lists them with `-z`."""
        self.listed += listed


@attrs.frozen
class Content:
    """Names below the folder that is shipped."""

    names: Names = attrs.field(factory=Names)
    """What travels."""
    untracked: list[str] = attrs.field(factory=list)
    """Those of them that are in no index."""
    pointers: list[str] = attrs.field(factory=list)
    """Those of them that stand for content which Git LFS has not fetched."""
    absent: list[str] = attrs.field(factory=list)
    """Submodules that are not checked out."""

    def warn(self) -> None:
        """Say what jobs will miss."""
        if self.pointers:
            _log.warning(
                "pointers of Git LFS travel instead of content; `git lfs pull` fetches it: %s", some(self.pointers)
            )
        if self.absent:
            hint = "`git submodule update --init --recursive` does that"
            _log.warning("submodules that are not checked out stay behind; %s: %s", hint, some(self.absent))


def some(names: Sequence[str]) -> str:
    """A few of the names, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(printable, names[:_NAMED])) + more
