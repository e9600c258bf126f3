"""The ignore files of a tree, each read when a name in its folder is first asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from nrun.errors import PackagingError

if TYPE_CHECKING:
    from nrun_ignore_gitignore.patterns import Patterns

OURS = ".nrunignore"
THEIRS = ".gitignore"
REPOSITORY = ".git"
"""Stays behind always. The folder that has it, or a file of that name, is the top of a repository."""


class GitignoreRule:
    """What stays behind of the folder `root`: what `.nrunignore` says, and where that says nothing, `.gitignore`.

    Both are read as git reads the latter: a file is for its folder and what is below, deeper ones win, the last line
    that fits counts, and nothing comes back from below a folder that stays behind. In a repository those above `root`
    count too, up to its top. `root` itself never stays behind: somebody has asked for it.
    """

    def __init__(self, root: Path) -> None:
        root = Path(os.path.realpath(root))
        top = next((folder for folder in (root, *root.parents) if (folder / REPOSITORY).exists()), root)
        self._top = os.fspath(top)
        self._root = f"{root.relative_to(top)}/" if root != top else ""
        """Where `root` is below `top`, before the names of what is in it."""
        self._files: dict[tuple[str, str], tuple[Patterns, ...]] = {}
        self._known: dict[tuple[str, bool], tuple[Patterns, ...] | None] = {}

    files = (OURS,)

    def ignores(self, name: str, *, folder: bool, tracked: bool = False) -> bool | None:
        """Whether `name` stays behind; False if a line says that it does not, None if nothing is said of it.

        Of what is `tracked` by version control `.gitignore` says nothing. Raises PackagingError.
        """
        above, _, own = name.rpartition("/")
        try:
            patterns = self._known[above, tracked]
        except KeyError:
            patterns = self._known[above, tracked] = self._in_force(above, tracked=tracked)
        if patterns is None or own == REPOSITORY:
            return True
        for each in patterns:
            said = each.say(os.fsencode(self._root + name), folder=folder)
            if said is not None:
                return said
        return None

    def _in_force(self, folder: str, *, tracked: bool) -> tuple[Patterns, ...] | None:
        """What there is to say of what is in a folder, what counts most first; None if the folder stays behind."""
        if folder and self.ignores(folder, folder=True, tracked=tracked):
            return None
        path = (self._root + folder).rstrip("/")
        return tuple(each for file in ((OURS,) if tracked else (OURS, THEIRS)) for each in self._above(file, path))

    def _above(self, file: str, folder: str) -> tuple[Patterns, ...]:
        """The files of this name in a folder and above it, the deepest first."""
        known = self._files.get((file, folder))
        if known is None:
            known = self._above(file, folder.rpartition("/")[0]) if folder else ()
            known = self._files[file, folder] = (*self._read(file, folder), *known)
        return known

    def _read(self, file: str, folder: str) -> tuple[Patterns, ...]:
        path = Path(self._top, folder, file)
        try:
            text = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return ()
        except OSError as error:
            msg = f"{path} cannot be read: {error.strerror}"
            raise PackagingError(msg, hint="it says what stays behind: make it readable, or remove it") from error
        from nrun_ignore_gitignore.patterns import Patterns  # many trees have none

        return (Patterns(text, below=len(os.fsencode(folder)) + 1 if folder else 0),)
