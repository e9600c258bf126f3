"""`GitArchivePackager`: what the user writes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

import nrun
from nrun import Files, Packager
from nrun.amounts import parse_size
from nrun.errors import PackagingError
from nrun.text import text_of
from nrun_packager_git.commit import Commit, commit_of
from nrun_packager_git.content import some
from nrun_packager_git.git import ask, listed, top_of
from nrun_packager_git.working_tree import WorkingTree

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from os import PathLike
    from pathlib import Path
    from typing import Self

    from nrun import IgnoreRule, Packing


def _text(value: str | PathLike[str]) -> str:
    return text_of(value, "a folder or ref")


def _texts(value: str | PathLike[str] | Iterable[str | PathLike[str]]) -> str | tuple[str, ...]:
    if isinstance(value, Iterable) and not isinstance(value, str):
        return tuple(text_of(text, "a pattern or path") for text in value)
    return text_of(value, "a pattern or path")


@attrs.frozen(kw_only=True)
class GitArchivePackager(Packager):
    """Ships the working tree of a git repository as it is: what is tracked, with local changes, and what is new.

    What git ignores stays behind. `.nrunignore` is above that: it drops what is tracked, and brings back, by `!NAME`,
    what is ignored. With `ref` only what was committed travels, byte for byte.
    """

    basepath: str = attrs.field(default="", converter=_text)
    """A folder in the repository; empty: the current one. The repository travels from its top on."""
    subpath: str = attrs.field(default="", converter=_text)
    """Only this folder of the repository travels, and names start at it."""
    ref: str | None = attrs.field(default=None, converter=attrs.converters.optional(_text))
    """A commit, branch or tag to ship; None: the working tree as it is."""
    include_submodules: bool = True
    """Whether repositories inside travel: as they are checked out, with `ref` at the commits that are pinned."""
    include_pattern: str | tuple[str, ...] = attrs.field(default="", converter=_texts)
    """What travels besides, though git ignores it: a pattern as of PatternPackager, or several."""
    include_pattern_relative_path: str | tuple[str, ...] = attrs.field(default="", converter=_texts)
    """The folder that their names start at, for all or for each; empty: the top of the repository."""
    check_uncommitted_changes: bool = False
    """Whether to refuse if anything tracked is not as it was committed."""
    check_untracked_files: bool = False
    """Whether to refuse if anything is new."""

    def __attrs_post_init__(self) -> None:
        patterns, folders = _several(self.include_pattern), self.include_pattern_relative_path
        if not isinstance(folders, str) and len(folders) != len(patterns):
            msg = (
                f"include_pattern has {len(patterns)} and include_pattern_relative_path {len(folders)} elements: "
                "give one for each pattern, or one text for all"
            )
            raise ValueError(msg)

    def at(self, source: Path) -> Self:
        """Jobs start where `source` lies in its repository, or in `subpath` of it."""
        base = (source / self.basepath).resolve()
        top = next((folder for folder in (base, *base.parents) if (folder / ".git").exists()), base)
        return self.rooted(top / self.subpath, source)

    async def select(self, source: Path, packing: Packing) -> list[Files]:
        """What is in the working tree or the commit, and what patterns name besides.

        Raises PackagingError without a repository, a folder or commit that is named, or git itself.
        """
        base = source / self.basepath
        top = await top_of(base)
        below = os.path.normpath(self.subpath) if self.subpath not in {"", "."} else ""
        folder = top / below
        if below.startswith(("../", "/")) or below == ".." or not (self.ref or folder.is_dir()):
            msg = f"there is no folder {self.subpath} in {top}"
            raise PackagingError(msg, hint="subpath is a folder of the repository, named from its top")
        most = None if self.max_size is None else parse_size(self.max_size)
        tree = WorkingTree(folder, packing, self.include_submodules, most)
        if self.check_uncommitted_changes:
            await _check_committed(folder)
        all_said = not (self.include_pattern or self.check_uncommitted_changes or self.check_untracked_files)
        if self.ref is None:
            root, content = folder, await tree.content(may_be_known=all_said)
        else:
            root = packing.scratch / "commit"
            if all_said and (commit := await commit_of(top, self.ref)) and packing.known(commit):
                return []
            content = await Commit(top, root, packing, self.include_submodules).content(self.ref, below)
        if self.check_untracked_files and (
            new := (await tree.content(may_be_known=False) if self.ref else content).untracked
        ):
            msg = f"these files are new: {some(new)}"
            raise PackagingError(msg, hint="commit them, or ignore them; without check_untracked_files they travel")
        content.warn()
        if not self.include_pattern:
            return [Files(root, content.names)]
        selected: dict[Path, dict[bytes, None]] = {root: dict.fromkeys(content.names)}
        for files in await self._besides(base, top, packing):
            selected.setdefault(files.root, {}).update(dict.fromkeys(map(os.fsencode, files.names)))
        return [Files(each, list(names)) for each, names in selected.items()]

    async def _besides(self, base: Path, top: Path, packing: Packing) -> Sequence[Files]:
        """What patterns name."""
        patterns, folders = _several(self.include_pattern), self.include_pattern_relative_path
        starts = folders if not isinstance(folders, str) else [folders] * len(patterns)
        packager: Packager = nrun.PatternPackager(
            include_pattern=patterns, relative_path=[start or top for start in starts]
        )
        return await packager.select(base, _OwnRule(packing))


@attrs.frozen
class _OwnRule:
    """Packing by what nrun's own ignore files say, and not those of git."""

    _packing: Packing

    @property
    def scratch(self) -> Path:
        return self._packing.scratch

    def ignore_rule(self, root: Path) -> IgnoreRule:
        return _AsTracked(self._packing.ignore_rule(root))

    def walk(self, root: Path, rule: IgnoreRule | None) -> list[str]:
        return self._packing.walk(root, rule)

    def known(self, *_: object) -> bool:  # of what patterns name: it does not say all
        return False


@attrs.frozen
class _AsTracked:
    """A rule for what somebody has asked for, as if it were tracked."""

    _rule: IgnoreRule

    @property
    def files(self) -> Collection[str] | None:
        return self._rule.files

    def ignores(self, name: str, *, folder: bool, tracked: bool = True) -> bool | None:
        del tracked
        return self._rule.ignores(name, folder=folder, tracked=True)


async def _check_committed(folder: Path) -> None:
    """Raise PackagingError if anything tracked is not as it was committed."""
    words = (
        "status",
        "--porcelain",
        "-z",
        "--no-renames",
        "--untracked-files=no",
        "--ignore-submodules=untracked",
        "--",
        ".",
    )
    if changed := [entry[3:] for entry in listed(await ask(folder, *words))]:
        msg = f"these changes are not committed: {some(changed)}"
        raise PackagingError(msg, hint="commit them; without check_uncommitted_changes they travel as they are on disk")


def _several(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value
