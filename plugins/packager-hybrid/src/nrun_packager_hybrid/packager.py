"""`HybridPackager`: what the user writes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from nrun import Files, Packager
from nrun.errors import PackagingError
from nrun.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nrun import IgnoreRule, Packing


def _packagers(value: Mapping[str, Packager]) -> dict[str, Packager]:
    given: object = value
    if not isinstance(given, Mapping) or not all(isinstance(packager, Packager) for packager in given.values()):
        msg = f"sub_packagers must be packagers by the names of their folders, not {given!r:.100}"
        raise ValueError(msg)
    for folder in value:
        if not folder or {"", ".", ".."} & set(folder.strip("/").split("/")) or folder.startswith("/"):
            msg = f"sub_packagers: {folder!r} is not a folder of the bundle"
            raise ValueError(msg)
    return dict(value)


@attrs.frozen(kw_only=True)
class HybridPackager(Packager):
    """Ships what several packagers select, each into a folder of its own, or all into one.

    What it may all be in size is said here; the limits of the packagers in it do not count.
    """

    sub_packagers: Mapping[str, Packager] = attrs.field(converter=_packagers)
    """Packagers by the folders of the bundle that what they select goes into."""
    extract_at_root: bool = False
    """Whether the names are only names, and everything goes into the bundle as if it came from one packager."""

    async def select(self, source: Path, packing: Packing) -> list[Files]:
        """What the packagers select. Raises what they raise; PackagingError if two would write to one place."""
        selected: dict[str, list[Files]] = {}
        for number, (name, packager) in enumerate(self.sub_packagers.items()):
            scratch = packing.scratch / str(number)
            scratch.mkdir()
            files = await packager.select(source, _Apart(packing, scratch))
            selected[name] = [self._placed(name, each) for each in files]
        _check(selected)
        return [files for each in selected.values() for files in each]

    def _placed(self, name: str, files: Files) -> Files:
        if self.extract_at_root:
            return files
        return attrs.evolve(files, into=f"{name}/{files.into}".rstrip("/"))


@attrs.frozen
class _Apart:
    """Packing with a folder of its own for what must be made."""

    _packing: Packing
    scratch: Path

    def ignore_rule(self, root: Path) -> IgnoreRule:
        return self._packing.ignore_rule(root)

    def walk(self, root: Path, rule: IgnoreRule | None) -> list[str]:
        return self._packing.walk(root, rule)

    def known(self, *_: object) -> bool:  # of a part: it does not say all
        return False


def _check(selected: Mapping[str, list[Files]]) -> None:
    """Raise PackagingError if two packagers want different files in one place, or one a file and another a folder."""
    whose: dict[bytes, tuple[str, bytes]] = {}
    for name, found in selected.items():
        for place, path in _places(found):
            owner, other = whose.setdefault(place, (name, path))
            if other != path:
                raise _collision(owner, name, place)
    for place, (name, _) in whose.items():
        above = place.rpartition(b"/")[0]
        while above:
            if above in whose:
                raise _collision(whose[above][0], name, above)
            above = above.rpartition(b"/")[0]


def _places(found: list[Files]) -> Iterator[tuple[bytes, bytes]]:
    """Where each file would be in the bundle, and where it is."""
    for files in found:
        root, into = os.fsencode(files.root), os.fsencode(files.into)
        for name in map(os.fsencode, files.names):
            yield (into + b"/" + name if into else name), root + b"/" + name


def _collision(one: str, other: str, place: bytes) -> PackagingError:
    msg = f"the packagers {one!r} and {other!r} would both write {printable(os.fsdecode(place))}"
    return PackagingError(msg, hint="leave it out of one, or give them folders of their own: extract_at_root=False")
