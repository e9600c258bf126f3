"""What is in a working tree, as it is on disk."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from typing import TYPE_CHECKING

import attrs

from nrun.packaging.snapshot import TICK_NS
from nrun_packager_git.content import LARGEST_POINTER, LFS, POINTER, Content
from nrun_packager_git.git import PIECE, ask, ask_raw, listed, together
from nrun_packager_git.index import Index
from nrun_packager_git.revision import Revision

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from nrun import IgnoreRule, Packing

_AS_IT_IS = ("-c", "core.fileMode=true", "-c", "core.trustctime=true", "-c", "core.checkStat=default")
"""How git is to compare files, however it was told to: by all that the system says of them."""


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
    max_size: int | None
    """What may travel, in bytes."""
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
        index = Index()
        _, others, ignored, changed, place = await together(
            index.read(folder),
            ask_raw(folder, "ls-files", "-z", "--others", "--exclude-standard"),
            ask_raw(folder, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"),
            ask_raw(folder, *_AS_IT_IS, "diff-files", "-z", "--name-status", "--relative", "--ignore-submodules=all"),
            ask_raw(folder, "rev-parse", "--git-path", "index"),
        )
        has_rules = self._has_rules(prefix, index.names.listed, others, ignored)
        found, said = listed(others), listed(changed)
        different = dict(zip(said[1::2], said[::2], strict=True))
        content.pointers.extend(await self._pointers(prefix, index.attributes))
        knows_all = not (prefix or has_rules or index.unseen or index.submodules or b"/\0" in others)
        index_file = folder / os.fsdecode(place).removesuffix("\n")
        if may_be_known and knows_all and self._known(index_file, others, different):
            return []
        unsure = (*index.unseen, *(name for name, state in different.items() if state == "U"))
        gone = {*index.submodules, *(name for name, state in different.items() if state == "D")}
        gone |= {name for name in unsure if not _is_there(folder, name)}
        if prefix or has_rules or gone or index.has_conflicts:
            named = dict.fromkeys(prefix + os.fsdecode(name) for name in index.names)
            kept = (name for name in named if name.removeprefix(prefix) not in gone)
            content.names.add(name for name in kept if not (has_rules and self._dropped(name)))
        else:
            content.names.add_listed(index.names.listed)
        found = [prefix + name for name in found]
        untracked = [name for name in found if not (name.endswith("/") or (has_rules and self._dropped(name)))]
        content.untracked.extend(untracked)
        content.names.add((*untracked, *self._brought_back(prefix + name for name in listed(ignored))))
        content.names.add(self._special(prefix, index.names, untracked))
        if not self.with_repositories:
            return []
        inside = [f"{prefix}{name}/" for name in index.submodules] + [name for name in found if name.endswith("/")]
        wanted = [name for name in inside if not self._dropped(name.removesuffix("/"), folder=True)]
        there = [name for name in wanted if (self.folder / name / ".git").exists()]
        content.absent.extend(name for name in wanted if name not in there)
        return there

    def _known(self, index: Path, others: bytes, different: Mapping[str, str]) -> bool:
        """Whether the same was packed before, or what differs from it little enough.

        The index has the content of each file, and the size and times that it had then; to this come the names of what
        is new, and what the system says of all that differs. What was changed just now may change again unseen.
        """
        settled = time.time_ns() - TICK_NS
        if not index.exists() or index.stat().st_mtime_ns > settled:
            return False
        with index.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        digest.update(others)
        alike, names = digest.hexdigest(), [*listed(others), *different]
        told = [_told(self.folder / name) for name in names]
        digest.update(repr((names, told)).encode("utf-8", "surrogateescape"))
        if all(one[3] <= settled for one in told if one) and self.packing.known(digest.hexdigest()):
            return True
        if any(state in "DU" and os.path.lexists(self.folder / name) for name, state in different.items()):
            return False  # in its place is something else, or a link is above it
        revision = Revision(self.folder, names, self.max_size)
        return self.packing.known(alike, revision.note, revision)

    def _has_rules(self, prefix: str, *listings: bytes | bytearray) -> bool:
        """Whether the rule may have something to say of the repository at `prefix`: else nobody need ask it."""
        if self._rule.files is None:
            return True
        above = (self.folder / prefix).parents
        return any(
            any(f"{name}\0".encode() in listing for listing in listings)
            or any((folder / name).exists() for folder in above)
            for name in self._rule.files
        )

    def _dropped(self, name: str, *, folder: bool = False) -> bool:
        return self._rule.ignores(name, folder=folder, tracked=True) is True

    def _special(self, prefix: str, tracked: Iterable[bytes], untracked: Iterable[str]) -> Iterator[str]:
        """Pipes, sockets and devices beside what travels. Git lists none; whoever packs says that they stay behind."""
        folders = {prefix + os.fsdecode(os.path.dirname(name)) for name in tracked}  # noqa: PTH120 - they may be many
        for folder in folders | {os.path.dirname(name) for name in untracked}:  # noqa: PTH120 - as above
            with contextlib.suppress(OSError), os.scandir(self.folder / folder) as entries:
                for entry in entries:
                    name = os.path.join(folder, entry.name)  # noqa: PTH118 - as above
                    plain = entry.is_symlink() or entry.is_file() or entry.is_dir()
                    if not plain and self._rule.ignores(name, folder=False) is not True:
                        yield name

    def _brought_back(self, ignored: Iterator[str]) -> Iterator[str]:
        """What git ignores, but the rule names as what travels."""
        for name in ignored:
            path, is_folder = name.removesuffix("/"), name.endswith("/")
            if self._rule.ignores(path, folder=is_folder) is False:
                below = self.folder / path
                within = self.packing.walk(below, self.packing.ignore_rule(below)) if is_folder else [""]
                yield from (name + each for each in within)

    async def _pointers(self, prefix: str, attributes: Collection[str]) -> list[str]:
        """What travels of the repository at `prefix` that Git LFS has in its care and has not fetched."""
        if not any(LFS in _start(path, PIECE) for path in self._attributes(self.folder / prefix, attributes)):
            return []
        in_care = await ask(self.folder / prefix, "ls-files", "-z", f":(attr:{LFS.decode()})")
        names = sorted({prefix + name for name in listed(in_care)})
        pointers = (name for name in names if _start(self.folder / name, LARGEST_POINTER).startswith(POINTER))
        return [name for name in pointers if not self._dropped(name)]

    def _attributes(self, repository: Path, names: Collection[str]) -> Iterator[Path]:
        """The files of attributes that a repository has, also above the folder that is shipped."""
        yield from (repository / name for name in names)
        while not (repository / ".git").exists() and repository != repository.parent:
            repository = repository.parent
            yield repository / ".gitattributes"


def _told(path: Path) -> tuple[int, ...]:
    """What the system says of a file; nothing if there is none."""
    if not os.path.lexists(path):
        return ()
    found = path.lstat()
    return (found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def _is_there(folder: Path, name: str) -> bool:
    """Whether the file is there, and not only by way of a link, which travels as one."""
    path = folder / name
    return os.path.lexists(path) and path.parent.resolve() == (folder.resolve() / name).parent


def _start(path: Path, size: int) -> bytes:
    """The first bytes of a file; nothing if it cannot be read, which is told when it is packed."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""
