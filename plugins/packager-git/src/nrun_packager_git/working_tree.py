"""What is in a working tree, as it is on disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import attrs

from nrun.errors import PackagingError
from nrun_packager_git.content import LARGEST_POINTER, LFS, POINTER, SUBMODULE, Content
from nrun_packager_git.git import PIECE, ask, listed, together

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nrun import IgnoreRule, Packing


@attrs.frozen
class WorkingTree:
    """What is in `folder`, a repository or a folder of one: what is tracked, and what is neither that nor ignored.

    nrun's own ignore files are above that: they drop what is tracked, and bring back what git ignores. Repositories
    inside, submodules or not, are as they are checked out.
    """

    folder: Path
    packing: Packing
    with_repositories: bool
    """Whether repositories inside travel."""
    _rule: IgnoreRule = attrs.field(init=False)
    _folders: dict[str, tuple[set[str], set[str]]] = attrs.field(factory=dict, init=False)

    @_rule.default
    def _(self) -> IgnoreRule:
        return self.packing.ignore_rule(self.folder)

    async def content(self) -> Content:
        """What travels. Raises PackagingError."""
        content, pending = Content(), [""]
        while pending:
            pending += await self._add(pending.pop(), content)
        return content

    async def _add(self, prefix: str, content: Content) -> list[str]:
        """Add what is in the repository at `prefix`. Gives the prefixes of those inside it."""
        folder = self.folder / prefix
        index, others, ignored = await together(
            ask(folder, "ls-files", "-z", "--stage"),
            ask(folder, "ls-files", "-z", "--others", "--exclude-standard"),
            ask(folder, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"),
        )
        entries = listed(index)
        named = dict.fromkeys(prefix + entry[entry.index("\t") + 1 :] for entry in entries)  # a conflict has several
        tracked = [name for name in named if self._is_file(name) and not self._dropped(name)]
        found = [prefix + name for name in listed(others)]
        untracked = [name for name in found if not name.endswith("/") and not self._dropped(name)]
        content.names.extend((*tracked, *untracked, *self._brought_back(prefix + name for name in listed(ignored))))
        content.untracked.extend(untracked)
        content.pointers.extend(await self._pointers(prefix, tracked))
        if not self.with_repositories:
            return []
        inside = [prefix + entry[entry.index("\t") + 1 :] + "/" for entry in entries if entry.startswith(SUBMODULE)]
        inside += [name for name in found if name.endswith("/")]
        wanted = [name for name in inside if not self._dropped(name.removesuffix("/"), folder=True)]
        there = [name for name in wanted if (self.folder / name / ".git").exists()]
        content.absent.extend(name for name in wanted if name not in there)
        return there

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

    def _is_file(self, name: str) -> bool:
        """Whether there is a file or a link of that name. Each folder is read once, not each name asked for."""
        above, _, own = name.rpartition("/")
        return own in self._in(above)[0]

    def _in(self, folder: str) -> tuple[set[str], set[str]]:
        """The names of the files and links in a folder, and of its folders; nothing if a link leads to it."""
        found = self._folders.get(folder)
        if found is None:
            found = self._folders[folder] = set(), set()
            above, _, own = folder.rpartition("/")
            if folder and own not in self._in(above)[1]:
                return found
            try:
                with os.scandir(self.folder / folder) as entries:
                    for entry in entries:
                        found[entry.is_dir(follow_symlinks=False)].add(entry.name)
            except OSError as error:
                msg = f"{error.filename} cannot be read: {error.strerror}"
                raise PackagingError(msg, hint="make it readable, or leave it out by a line in .nrunignore") from error
        return found


def _start(path: Path, size: int) -> bytes:
    """The first bytes of a file; nothing if it cannot be read, which is told when it is packed."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""
