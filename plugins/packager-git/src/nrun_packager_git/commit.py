"""What is in a commit, written out byte for byte."""

from __future__ import annotations

import asyncio
import os
import tempfile
from typing import TYPE_CHECKING, NamedTuple

import attrs

from nrun.errors import PackagingError
from nrun_packager_git.content import LARGEST_POINTER, POINTER, SUBMODULE, Content
from nrun_packager_git.git import PIECE, GitError, ask, check, listed, started

if TYPE_CHECKING:
    from asyncio import StreamReader
    from collections.abc import Sequence
    from pathlib import Path

    from nrun import IgnoreRule, Packing

_LINK = "120000"
_EXECUTABLE = "100755"


class _Entry(NamedTuple):
    """What a tree has. Names are those below the folder that is shipped."""

    mode: str
    object: str
    name: str


@attrs.frozen
class Commit:
    """What is committed in the repository with its top at `top`, written into `folder`.

    Attributes change nothing: neither ends of lines nor `export-ignore` or `export-subst`, and no filter is run.
    Submodules are at the commits that are pinned.
    """

    top: Path
    folder: Path
    packing: Packing
    with_submodules: bool
    _rule: IgnoreRule = attrs.field(init=False)
    _folders: set[str] = attrs.field(factory=lambda: {""}, init=False)
    _links: list[tuple[str, bytes]] = attrs.field(factory=list, init=False)

    @_rule.default
    def _(self) -> IgnoreRule:
        self.folder.mkdir()
        return self.packing.ignore_rule(self.folder)

    async def content(self, ref: str, subpath: str) -> Content:
        """What was committed as `ref`: a commit, a branch or a tag. Raises PackagingError."""
        content = Content()
        pending = [(self.top, await _tree(self.top, ref, subpath), "")]
        while pending:
            repository, tree, prefix = pending.pop()
            entries = await _entries(repository, tree, prefix)
            rules = [entry for entry in entries if entry.name.rpartition("/")[2] in (self._rule.files or ())]
            await self._write(repository, rules, content)
            wanted = [entry for entry in entries if not self._dropped(entry)]
            await self._write(repository, [entry for entry in wanted if entry not in rules], content)
            content.names.add(entry.name for entry in wanted if entry.mode != SUBMODULE)
            if self.with_submodules:
                inside = (entry for entry in wanted if entry.mode == SUBMODULE)
                pending += [(_submodule(self.top / subpath, each), each.object, f"{each.name}/") for each in inside]
        for name, target in self._links:  # last: nothing is written through them
            os.symlink(target, os.fsencode(self._place(name)))  # noqa: PTH211 - it is bytes
        return content

    def _dropped(self, entry: _Entry) -> bool:
        return self._rule.ignores(entry.name, folder=entry.mode == SUBMODULE, tracked=True) is True

    async def _write(self, repository: Path, entries: Sequence[_Entry], content: Content) -> None:
        """Write what is committed there as these entries."""
        files = [entry for entry in entries if entry.mode != SUBMODULE]
        if not files:
            return
        words = ("cat-file", "--batch", "--buffer")
        with tempfile.TemporaryFile(dir=self.folder.parent) as objects:
            objects.write("".join(f"{entry.object}\n" for entry in files).encode())
            objects.seek(0)
            async with started(repository, *words, stdin=objects) as process:
                assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - they are pipes
                try:
                    for entry in files:
                        await self._take(entry, process.stdout, content)
                    await process.wait()
                except asyncio.IncompleteReadError as error:
                    complaint = await process.stderr.read()
                    await process.wait()
                    check(process, complaint, words)
                    raise GitError("git cat-file has ended too soon") from error

    async def _take(self, entry: _Entry, said: StreamReader, content: Content) -> None:
        """Write one file of what `git cat-file` says."""
        head = await said.readuntil(b"\n")
        if head.endswith(b" missing\n"):
            msg = f"the content of {entry.name} is not in the repository"
            raise PackagingError(msg, hint="the clone is not whole: `git fetch` what it lacks")
        left = int(head.split()[2])
        if entry.mode == _LINK:
            self._links.append((entry.name, await said.readexactly(left)))
        else:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            descriptor = os.open(self._place(entry.name), flags, 0o777 if entry.mode == _EXECUTABLE else 0o666)
            with open(descriptor, "wb", buffering=0) as file:  # noqa: ASYNC230, PTH123 - to a local disk
                first = await said.readexactly(min(left, PIECE))
                if len(first) <= LARGEST_POINTER and first.startswith(POINTER):
                    content.pointers.append(entry.name)
                file.write(first)
                left -= len(first)
                while left:
                    left -= file.write(await said.readexactly(min(left, PIECE)))
        await said.readexactly(1)

    def _place(self, name: str) -> str:
        """Where a name goes; the folders above it are made."""
        above = name.rpartition("/")[0]
        if above not in self._folders:
            os.makedirs(f"{self.folder}/{above}", exist_ok=True)  # noqa: PTH103 - there may be many
            self._folders.add(above)
        return f"{self.folder}/{name}"


async def commit_of(top: Path, ref: str) -> str:
    """The commit that is meant; empty if there is none."""
    try:
        return await ask(top, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    except GitError:
        return ""


async def _tree(top: Path, ref: str, subpath: str) -> str:
    """What git calls the folder `subpath` of a commit. Raises PackagingError if there is no such commit."""
    try:
        commit = await ask(top, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    except GitError as error:
        heads = await ask(top, "for-each-ref", "--count=1")
        msg = f"there is no commit {ref!r} in {top}" if heads else f"nothing has been committed in {top}"
        raise PackagingError(msg, hint="leave ref out to ship the working tree as it is, or commit") from error
    return commit.removesuffix("\n") + (f":{subpath}" if subpath else "")


async def _entries(repository: Path, tree: str, prefix: str) -> list[_Entry]:
    """What is in a tree and below. Raises PackagingError."""
    try:
        said = await ask(repository, "ls-tree", "-r", "-z", "--full-tree", tree)
    except GitError as error:
        what, _, subpath = tree.partition(":")
        if subpath:
            msg, hint = f"there is no folder {subpath} in the commit {what}", "correct subpath"
        else:
            msg, hint = f"{repository} lacks the commit {what}, at which it is pinned", f"git -C {repository} fetch"
        raise PackagingError(msg, hint=hint) from error
    entries = []
    for line in listed(said):
        head, _, name = line.partition("\t")
        mode, _, content = head.split(" ")
        if {"", ".", ".."} & set(name.split("/")):
            raise PackagingError(f"{repository} has a file of the name {name!r}, which may lie anywhere")
        entries.append(_Entry(mode, content, prefix + name))
    return entries


def _submodule(root: Path, entry: _Entry) -> Path:
    """Where a submodule is checked out, whose objects are needed. Raises PackagingError if it is not."""
    folder = root / entry.name
    if (folder / ".git").exists():
        return folder
    msg = f"the submodule {entry.name} is not checked out, so that what is pinned of it is not here"
    raise PackagingError(msg, hint="git submodule update --init --recursive, or include_submodules=False")
