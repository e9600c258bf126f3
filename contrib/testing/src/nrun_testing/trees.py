"""Trees of files for tests of packagers, made by hypothesis, and a store to keep them in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from nrun.model import Files
from nrun.packaging import walk
from nrun.packaging.snapshot import keep, survey
from nrun.packaging.store import Store

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    Tree = Mapping[bytes, tuple[str, bytes]]

_part = st.binary(min_size=1, max_size=6).filter(lambda name: name not in {b".", b".."} and not {0, 0x2F} & set(name))
_name = st.lists(_part, min_size=1, max_size=3).map(b"/".join)
_file = st.tuples(st.sampled_from(["f", "x"]), st.binary(max_size=40))


def _apart(names: Collection[bytes]) -> bool:
    """Whether none is a folder of another, and none differs from another in case alone."""
    folders = {b"/".join(name.split(b"/")[:depth]) for name in names for depth in range(1, name.count(b"/") + 1)}
    places = {*names, *folders}
    folded = {name.decode("utf-8", "surrogateescape").casefold() for name in places}
    return len(folded) == len(places) == len(names) + len(folders)


trees: st.SearchStrategy[Tree] = st.dictionaries(_name, _file, max_size=8).filter(_apart)
"""Kind and bytes of files, by name."""


def write(root: Path, tree: Tree) -> Path:
    """Make the files of a tree."""
    root.mkdir(parents=True)
    for name, (kind, content) in tree.items():
        path = root / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755 if kind == "x" else 0o644)
    return root


def read(root: Path) -> Tree:
    """The tree that is there: links have kind `l` and their target."""
    found = {}
    for name in walk(root):
        path = root / name
        if path.is_symlink():
            found[os.fsencode(name)] = ("l", os.fsencode(path.readlink()))
        else:
            kind = "x" if path.stat().st_mode & 0o100 else "f"
            found[os.fsencode(name)] = (kind, path.read_bytes())
    return found


class Shelf(Store):
    """A store in a folder of its own."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        super().__init__(str(root))
        self.path = root

    def keep_all(self, folder: Path) -> tuple[str, int]:
        """Keep everything below a folder: the id, and how many bytes were read."""
        told = [0]
        return keep(survey([Files(folder, walk(folder))]), self.path, lambda read, _: told.append(read)), told[-1]

    def bundles(self) -> set[str]:
        """The ids of the bundles that are here."""
        return {path.stem for path in self.path.glob("*.manifest")}

    def size(self) -> int:
        """Bytes of all packs."""
        return sum(path.stat().st_size for path in self.path.glob("packs/*"))

    def check(self) -> None:
        """See that every bundle is whole: all its contents are what their digests say. Raises OSError, Damaged."""
        for bundle in self.bundles():
            self.verify(bundle)
