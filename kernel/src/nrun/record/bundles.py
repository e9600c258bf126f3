"""Code that travels, stored once: `bundles/<digest>/` holds a tree whose content has that digest."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from nrun.errors import RecordError
from nrun.model import Bundle

if TYPE_CHECKING:
    from nrun.protocols import Packager


async def pack_bundle(packager: Packager, source: Path, home: Path) -> Bundle:
    """Have `packager` pack `source` and keep the tree under its digest. Raises RecordError, or what it raises.

    The tree is made beside the store and renamed into it, so a half-made one is never used.
    """
    store = home / "bundles"
    try:
        store.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = Path(tempfile.mkdtemp(prefix=".packing-", dir=store))
    except OSError as error:
        msg = f"cannot write to {store}: {error.strerror}"
        raise RecordError(msg, hint="is the disk full, or read-only?") from error
    try:
        tree = beside / "tree"
        tree.mkdir()
        await packager.pack(source, tree)
        digest = await asyncio.to_thread(digest_of, tree)
        try:
            tree.rename(store / digest)
        except OSError:
            if not (store / digest).is_dir():
                raise
            os.utime(store / digest)  # it is in use: whoever clears the store goes by this
        return Bundle(digest, store / digest)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def digest_of(tree: Path) -> str:
    """SHA-256 over the sorted paths, kinds, executable bits and contents of a tree; not over times or owners."""
    digest = hashlib.sha256()
    for root, folders, files in os.walk(tree):
        folders.sort()
        for name in sorted(files + [folder for folder in folders if Path(root, folder).is_symlink()]):
            path = Path(root, name)
            mode = path.lstat().st_mode
            kind = b"l" if stat.S_ISLNK(mode) else b"x" if mode & stat.S_IXUSR else b"f"
            if kind == b"l":
                content = os.fsencode(path.readlink())
            else:
                with path.open("rb") as file:
                    content = hashlib.file_digest(file, "sha256").digest()
            where = os.fsencode(path.relative_to(tree))
            for part in (kind, where, content):
                digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
