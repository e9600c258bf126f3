"""What is in a working tree, as it is on disk."""

from __future__ import annotations

import hashlib
import os
import re
import time
from typing import TYPE_CHECKING

import attrs

from nrun.packaging.snapshot import TICK_NS
from nrun_packager_git.content import LARGEST_POINTER, LFS, POINTER, SUBMODULE, Content
from nrun_packager_git.git import PIECE, ask, listed, together

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from nrun import IgnoreRule, Packing

_ENTRY = r"(?:\A|\0){} [^\t\0]*\t([^\0]+)"
"""What `git ls-files --stage -v -z` says of a file: what git does with it, its mode, content, stage and name."""
_NAMES = re.compile(_ENTRY.format("."))
_SUBMODULES = re.compile(_ENTRY.format(f". {SUBMODULE}"))
_SPARSE = re.compile(_ENTRY.format("[Ss]"))
"""What is not checked out."""
_CONFLICT = re.compile(r" [123]\t")
"""A file that has several entries."""
_UNSURE = re.compile(r"(?:\A|\0)(?:[a-zS] |. 160000 )")
"""Entries that git does not look at, and repositories inside: of these it does not know all."""


@attrs.frozen
class WorkingTree:
    """What is in `folder`, a repository or a folder of one: what is tracked, and what is neither that nor ignored.

    The ignore rule is above that: it drops what is tracked, and brings back what git ignores. Repositories inside,
    submodules or not, are as they are checked out.
    """

    folder: Path
    packing: Packing
    with_repositories: bool
    """Whether repositories inside travel."""
    _rule: IgnoreRule = attrs.field(init=False)

    @_rule.default
    def _(self) -> IgnoreRule:
        return self.packing.ignore_rule(self.folder)

    async def content(self, *, may_be_known: bool) -> Content:
        """What travels; nothing if it may be known from before, and is. Raises PackagingError."""
        content, pending = Content(), [""]
        while pending:
            pending += await self._add(pending.pop(), content, may_be_known=may_be_known)
        return content

    async def _add(self, prefix: str, content: Content, *, may_be_known: bool) -> list[str]:
        """Add what is in the repository at `prefix`. Gives the prefixes of those inside it."""
        folder = self.folder / prefix
        index, others, ignored, changed, place = await together(
            ask(folder, "ls-files", "-z", "--stage", "-v"),
            ask(folder, "ls-files", "-z", "--others", "--exclude-standard"),
            ask(folder, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"),
            ask(folder, "diff-files", "-z", "--name-only", "--relative", "--ignore-submodules=all"),
            ask(folder, "rev-parse", "--git-path", "index"),
        )
        has_rules = self._has_rules(prefix, index, others, ignored)
        if may_be_known and not has_rules and not (prefix or _UNSURE.search(index) or "/\0" in others):
            key = _key(folder, place, [*listed(others), *listed(changed)])
            if key is not None and self.packing.known(key):
                return []
        named = _NAMES.findall(index)  # there may be very many, so they are in memory once
        submodules = _SUBMODULES.findall(index) if f" {SUBMODULE} " in index else []
        inside = [prefix + name for name in submodules]
        lacking = (*listed(changed), *_SPARSE.findall(index))
        gone = {*submodules, *(name for name in lacking if not os.path.lexists(folder / name))}
        if gone or _CONFLICT.search(index):
            named = [name for name in dict.fromkeys(named) if name not in gone]
        if prefix:
            named = [prefix + name for name in named]
        found = [prefix + name for name in listed(others)]
        tracked, untracked = _reached(named, found), [name for name in found if not name.endswith("/")]
        if has_rules:
            tracked, untracked = ([one for one in names if not self._dropped(one)] for names in (tracked, untracked))
        content.names.extend((*tracked, *untracked, *self._brought_back(prefix + name for name in listed(ignored))))
        content.untracked.extend(untracked)
        content.pointers.extend(await self._pointers(prefix, tracked))
        if not self.with_repositories:
            return []
        inside = [name + "/" for name in inside] + [name for name in found if name.endswith("/")]
        wanted = [name for name in inside if not self._dropped(name.removesuffix("/"), folder=True)]
        there = [name for name in wanted if (self.folder / name / ".git").exists()]
        content.absent.extend(name for name in wanted if name not in there)
        return there

    def _has_rules(self, prefix: str, *listings: str) -> bool:
        """Whether the rule may have something to say of the repository at `prefix`: else nobody need ask it."""
        if self._rule.files is None:
            return True
        above = (self.folder / prefix).parents
        return any(
            any(f"{name}\0" in listing for listing in listings) or any((folder / name).exists() for folder in above)
            for name in self._rule.files
        )

    def _dropped(self, name: str, *, folder: bool = False) -> bool:
        return self._rule.ignores(name, folder=folder, tracked=True) is True

    def _brought_back(self, ignored: Iterator[str]) -> Iterator[str]:
        """What git ignores, but the rule names as what travels."""
        for name in ignored:
            path, is_folder = name.removesuffix("/"), name.endswith("/")
            if self._rule.ignores(path, folder=is_folder) is False:
                below = self.folder / path
                within = self.packing.walk(below, self.packing.ignore_rule(below)) if is_folder else [""]
                yield from (name + each for each in within)

    async def _pointers(self, prefix: str, tracked: list[str]) -> list[str]:
        """Those of the files that Git LFS has in its care and has not fetched."""
        if not any(LFS in _start(path, PIECE) for path in self._attributes(self.folder / prefix, tracked)):
            return []
        in_care = await ask(self.folder / prefix, "ls-files", "-z", f":(attr:{LFS.decode()})")
        names = set(tracked).intersection(prefix + name for name in listed(in_care))
        return sorted(name for name in names if _start(self.folder / name, LARGEST_POINTER).startswith(POINTER))

    def _attributes(self, repository: Path, tracked: list[str]) -> Iterator[Path]:
        """The files of attributes that a repository has, also above the folder that is shipped."""
        yield from (self.folder / name for name in tracked if name.endswith(".gitattributes"))
        while not (repository / ".git").exists() and repository != repository.parent:
            repository = repository.parent
            yield repository / ".gitattributes"


def _key(folder: Path, place: str, different: list[str]) -> str | None:
    """What git knows of the files of a working tree, in one digest; None if it cannot be relied on yet.

    Its index, at `place`, has the content of each file, and the size and times that it had then; to this comes the same
    of what is different now, or new. What was changed just now may change again unseen.
    """
    where = folder / place.removesuffix("\n")
    if not where.exists():
        return None
    digest = hashlib.sha256(where.read_bytes())
    settled = time.time_ns() - TICK_NS
    for name in different:
        path = os.fsencode(folder / name)
        digest.update(path + b"\0")
        if os.path.lexists(path):
            found = os.lstat(path)
            if found.st_ctime_ns > settled:
                return None
            told = (found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
            digest.update(repr(told).encode())
    return digest.hexdigest()


def _reached(tracked: list[str], untracked: Collection[str]) -> list[str]:
    """The tracked names without those that lead through something new, such as a link in the place of a folder."""
    folders: set[str] = set()
    for name in tracked:
        folder = name.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    blocked = tuple(f"{name}/" for name in folders.intersection(untracked))
    return [name for name in tracked if not name.startswith(blocked)] if blocked else tracked


def _start(path: Path, size: int) -> bytes:
    """The first bytes of a file; nothing if it cannot be read, which is told when it is packed."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""
