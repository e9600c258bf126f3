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
    from collections.abc import AsyncGenerator, Callable

    from nrun.packaging.snapshot import Survey
    from nrun.plugins import Hooks
    from nrun.protocols import IgnoreRule, Packager


class Work:
    """What a packager is given to work with: a `nrun.protocols.Packing`."""

    def __init__(self, scratch: Path, hooks: Hooks) -> None:
        self.scratch = scratch
        self._hooks = hooks

    def ignore_rule(self, root: Path) -> IgnoreRule:
        """What stays behind of a folder."""
        return self._hooks.ignore_rule(root)

    def walk(self, root: Path, rule: IgnoreRule | None) -> list[str]:
        """Every file and link below a folder but what the rule ignores, in order."""
        return walk(root, rule)


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
async def selected(packager: Packager, source: Path, store: Path, hooks: Hooks) -> AsyncGenerator[Survey, None]:
    """What `packager` would ship from `source`. What it made is there until this is left.

    Raises PackagingError, or what the packager raises; RecordError if the store cannot be used.
    """
    try:
        store.mkdir(parents=True, exist_ok=True, mode=0o700)
        sweep(str(store))
        scratch = Path(tempfile.mkdtemp(prefix=PACKING, dir=store))
    except OSError as error:
        raise _unusable(store, error) from error
    try:
        parts = await packager.select(source, Work(scratch, hooks))
        found = await asyncio.to_thread(survey, parts)
        check_size(found, None if packager.max_size is None else parse_size(packager.max_size))
        yield found
    finally:
        await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)


async def pack_bundle(
    packager: Packager, source: Path, store: Path, hooks: Hooks, progress: Callable[[int, int], None] = lambda *_: None
) -> Bundle:
    """Keep what `packager` ships from `source` as a bundle. `progress` is told the bytes read.

    Raises PackagingError, or what the packager raises; RecordError if the store cannot be used.
    """
    try:
        key = await _key(packager, source)
        if key is not None and (known := _known(store, key)) is not None:
            return Bundle(known, store)
        for last in (False, True):
            async with selected(packager, source, store, hooks) as found:
                try:
                    bundle = await asyncio.to_thread(keep, found, store, progress)
                    if key is not None and key == await _key(packager, source):  # nothing has changed meanwhile
                        (store / "keys").mkdir(exist_ok=True, mode=0o700)
                        Store(str(store)).put(f"keys/{key}", bundle.encode())
                    return Bundle(bundle, store)
                except Damaged:  # the store lacks what it had: everything is read again
                    if last:
                        raise
                    shutil.rmtree(store / "seen", ignore_errors=True)
    except (OSError, Damaged) as error:
        raise _unusable(store, error) from error
    raise AssertionError


async def _key(packager: Packager, source: Path) -> str | None:
    """What a bundle is known by that this packager would make now, as the name of a file."""
    key = await packager.key(source)
    kind = f"{type(packager).__module__}:{type(packager).__qualname__}"
    return None if key is None else hashlib.sha256(os.fsencode(f"{kind}\0{packager!r}\0{source}\0{key}")).hexdigest()


def _known(store: Path, key: str) -> str | None:
    """The bundle that was made of the same before, if it is still there."""
    try:
        bundle = (store / "keys" / key).read_text("ascii")
        Store(str(store)).touch(bundle)
    except (OSError, Damaged):
        return None
    return bundle


def _unusable(store: Path, error: Exception) -> RecordError:
    why = error.strerror if isinstance(error, OSError) else error
    msg = f"cannot keep code in {store}: {why}"
    return RecordError(msg, hint="is the disk full, or read-only?")
