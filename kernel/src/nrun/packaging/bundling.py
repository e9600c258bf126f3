"""From a packager to a bundle in the store."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from nrun.amounts import parse_size
from nrun.errors import RecordError
from nrun.model import Bundle
from nrun.packaging.snapshot import check_size, keep, survey, unreadable
from nrun.packaging.store import PACKING, Damaged, Store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from nrun.model import Files
    from nrun.packaging.snapshot import Survey
    from nrun.plugins import Hooks
    from nrun.protocols import IgnoreRule, Packager

    Revised = Callable[[Store, str, bytes], str | None]
    """Brings a bundle up to date, by the note that it was packed with."""


class _Packing:
    """What a packager is given to work with: a `nrun.protocols.Packing`."""

    def __init__(self, scratch: Path, hooks: Hooks, store: Path | None = None, asked: str = "") -> None:
        self.scratch = scratch
        self.ignore_rule = hooks.ignore_rule
        self._store = store  # None if everything is to be selected
        self._asked = asked  # who selects, and where
        self.notes: dict[str, bytes] = {}  # for files of the store that say which bundle it was
        self.bundle: str | None = None  # what was made of the same before

    def walk(self, root: Path, rule: IgnoreRule | None) -> list[str]:
        """Every file and link below a folder but what the rule ignores, and what nrun keeps, in order."""
        return walk(root, rule, os.path.realpath(self.scratch.parents[1]))

    def known(self, key: str, note: bytes = b"", revised: Revised | None = None) -> bool:
        """Whether the same was selected before, or only `revised` is to be asked what it is now."""
        if self._store is None:
            return False
        file = "keys/" + hashlib.sha256(os.fsencode(f"{self._asked}\0{key}")).hexdigest()
        store = Store(str(self._store))
        with contextlib.suppress(OSError, Damaged):
            bundle, _, before = (self._store / file).read_bytes().partition(b"\0")
            store.touch(bundle.decode())
            self.bundle = bundle.decode() if revised is None else revised(store, bundle.decode(), before)
        if self.bundle is None or revised is not None:
            self.notes[file] = note
        return self.bundle is not None


def walk(root: Path, rule: IgnoreRule | None = None, home: str = "") -> list[str]:
    """Every file and link below `root`, in order, but what `rule` ignores or `home` has. Raises PackagingError."""
    found: list[str] = []
    folders, top = [""], os.path.realpath(root)
    try:
        while folders:
            below = folders.pop()
            with os.scandir(f"{root}/{below}") as entries:
                for entry in entries:
                    name, is_folder = below + entry.name, entry.is_dir(follow_symlinks=False)
                    if rule is not None and rule.ignores(name, folder=is_folder):
                        continue
                    if is_folder:
                        folders += [f"{name}/"] if f"{top}/{name}" != home else []
                    else:
                        found.append(name)
    except OSError as error:
        raise unreadable(os.fsencode(error.filename), error) from error
    return sorted(found)


def sweep(store: Path) -> None:
    """Remove what was left half written a day ago: nobody is at it any more."""
    for one in list(os.scandir(store)):
        with contextlib.suppress(OSError):
            if one.name.startswith(PACKING) and one.stat(follow_symlinks=False).st_mtime < time.time() - 86400:
                (shutil.rmtree if one.is_dir(follow_symlinks=False) else os.unlink)(one.path)


@contextlib.asynccontextmanager
async def _scratch(store: Path) -> AsyncGenerator[Path, None]:
    """An empty folder in the store, which is there then. Raises RecordError."""
    try:
        store.mkdir(parents=True, exist_ok=True, mode=0o700)
        sweep(store)
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
        yield await _surveyed(packager, await packager.select(source, _Packing(scratch, hooks)), store.parent)


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
        found = await _surveyed(packager, await packager.select(source, packing), store.parent)
        try:
            bundle = packing.bundle
            if bundle is None:
                if found.skipped:
                    log, names = logging.getLogger("nrun.packaging"), ", ".join(sorted(found.skipped))
                    log.warning("neither files nor links, so they stay behind: %.400s", names)
                bundle = await asyncio.to_thread(keep, found, store, progress)
            (store / "keys").mkdir(exist_ok=True, mode=0o700)
            for file, note in packing.notes.items():
                Store(str(store)).put(file, bundle.encode() + b"\0" + note)
        except OSError as error:
            raise _unusable(store, error) from error
        return Bundle(bundle, store)


async def _surveyed(packager: Packager, parts: Sequence[Files], home: Path) -> Survey:
    found = await asyncio.to_thread(survey, [_without(part, os.path.realpath(home)) for part in parts])
    check_size(found, None if packager.max_size is None else parse_size(packager.max_size))
    return found


def _without(part: Files, home: str) -> Files:
    """Those of the files that are not in `home`: what nrun keeps changes all the while, and travels nowhere."""
    inside = os.path.relpath(home, os.path.realpath(part.root)).encode("utf-8", "surrogateescape") + b"/"
    if inside.startswith((b"../", b"./")):
        return part
    return attrs.evolve(part, names=[name for name in part.names if not os.fsencode(name).startswith(inside)])


def _unusable(store: Path, error: Exception) -> RecordError:
    why = error.strerror if isinstance(error, OSError) else error
    msg = f"cannot keep code in {store}: {why}"
    return RecordError(msg, hint="is the disk full, or read-only?")
