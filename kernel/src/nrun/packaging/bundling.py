"""From a packager to a bundle in the store."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from nrun.amounts import parse_size
from nrun.errors import PackagingError, RecordError
from nrun.model import Bundle
from nrun.packaging.snapshot import check_size, keep, survey
from nrun.packaging.store import PACKING, Damaged, Store, sweep

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from nrun.model import Files
    from nrun.packaging.snapshot import Survey
    from nrun.plugins import Hooks
    from nrun.protocols import IgnoreRule, Packager


class _Packing:
    """What a packager is given to work with: a `nrun.protocols.Packing`."""

    def __init__(self, scratch: Path, hooks: Hooks, store: Path | None = None, asked: str = "") -> None:
        self.scratch = scratch
        self._hooks = hooks
        self._store = store
        """Where bundles are known from; None if everything is to be selected."""
        self._asked = asked
        """Who selects, and where."""
        self.key: str | None = None
        """The name of the file of the store that says which bundle it was."""
        self.bundle: str | None = None
        """What was made of the same before."""

    def ignore_rule(self, root: Path) -> IgnoreRule:
        """What stays behind of a folder."""
        return self._hooks.ignore_rule(root)

    def walk(self, root: Path, rule: IgnoreRule | None) -> list[str]:
        """Every file and link below a folder but what the rule ignores, in order."""
        return walk(root, rule)

    def known(self, key: str) -> bool:
        """Whether the same was selected before, and is still in the store."""
        if self._store is None:
            return False
        self.key = "keys/" + hashlib.sha256(os.fsencode(f"{self._asked}\0{key}")).hexdigest()
        with contextlib.suppress(OSError, Damaged):
            bundle = (self._store / self.key).read_text("ascii")
            Store(str(self._store)).touch(bundle)
            self.bundle = bundle
        return self.bundle is not None


def walk(root: Path, rule: IgnoreRule | None = None) -> list[str]:
    """Every file and link below `root` but what `rule` ignores, in order. Raises PackagingError."""
    found: list[str] = []
    folders = [""]
    try:
        while folders:
            below = folders.pop()
            with os.scandir(f"{root}/{below}") as entries:
                for entry in entries:
                    name, is_folder = below + entry.name, entry.is_dir(follow_symlinks=False)
                    if rule is not None and rule.ignores(name, folder=is_folder):
                        continue
                    if is_folder:
                        folders.append(name + "/")
                    else:
                        found.append(name)
    except OSError as error:
        msg = f"{error.filename} cannot be read: {error.strerror}"
        raise PackagingError(msg, hint="make it readable, or leave it out by a line in .nrunignore") from error
    return sorted(found)


@contextlib.asynccontextmanager
async def _scratch(store: Path) -> AsyncGenerator[Path, None]:
    """An empty folder in the store, which is there then. Raises RecordError."""
    try:
        store.mkdir(parents=True, exist_ok=True, mode=0o700)
        sweep(str(store))
        scratch = Path(tempfile.mkdtemp(prefix=PACKING, dir=store))
    except OSError as error:
        raise _unusable(store, error) from error
    try:
        yield scratch
    finally:
        await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)


@contextlib.asynccontextmanager
async def selected(packager: Packager, source: Path, store: Path, hooks: Hooks) -> AsyncGenerator[Survey, None]:
    """What `packager` would ship from `source`. What it made is there until this is left.

    Raises PackagingError, or what the packager raises; RecordError if the store cannot be used.
    """
    async with _scratch(store) as scratch:
        yield await _surveyed(packager, await packager.select(source, _Packing(scratch, hooks)))


async def pack_bundle(
    packager: Packager, source: Path, store: Path, hooks: Hooks, progress: Callable[[int, int], None] = lambda *_: None
) -> Bundle:
    """Keep what `packager` ships from `source` as a bundle. `progress` is told the bytes read.

    Raises PackagingError, or what the packager raises; RecordError if the store cannot be used.
    """
    try:
        return await _packed(packager, source, store, hooks, progress)
    except Damaged:  # the store lacks what it had: everything is read again
        shutil.rmtree(store / "seen", ignore_errors=True)
    try:
        return await _packed(packager, source, store, hooks, progress)
    except Damaged as error:
        raise _unusable(store, error) from error


async def _packed(
    packager: Packager, source: Path, store: Path, hooks: Hooks, progress: Callable[[int, int], None]
) -> Bundle:
    """As `pack_bundle`; raises Damaged if the store lacks what it had."""
    asked = f"{type(packager).__module__}:{type(packager).__qualname__}\0{packager!r}\0{source}"
    async with _scratch(store) as scratch:
        packing = _Packing(scratch, hooks, store, asked)
        found = await _surveyed(packager, await packager.select(source, packing))
        if packing.bundle is not None:
            return Bundle(packing.bundle, store)
        try:
            bundle = await asyncio.to_thread(keep, found, store, progress)
            if packing.key is not None:
                (store / "keys").mkdir(exist_ok=True, mode=0o700)
                Store(str(store)).put(packing.key, bundle.encode())
        except OSError as error:
            raise _unusable(store, error) from error
        return Bundle(bundle, store)


async def _surveyed(packager: Packager, parts: Sequence[Files]) -> Survey:
    found = await asyncio.to_thread(survey, parts)
    check_size(found, None if packager.max_size is None else parse_size(packager.max_size))
    return found


def _unusable(store: Path, error: Exception) -> RecordError:
    why = error.strerror if isinstance(error, OSError) else error
    msg = f"cannot keep code in {store}: {why}"
    return RecordError(msg, hint="is the disk full, or read-only?")
