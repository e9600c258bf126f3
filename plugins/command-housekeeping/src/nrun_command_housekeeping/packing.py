"""Experiments in one file: a compressed tar, the same bytes for the same files.

experiments/<title>/<id>/…    every file, folder, and link that stays inside
bundles/<digest>/…            the code that its jobs were given
manifest.json                 the last member: digest and size of every file. An archive without it is not whole
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import io
import json
import os
import stat
import sys
import tarfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import attrs

from nrun.errors import RecordError
from nrun.events import CodePacked
from nrun.packaging.store import Damaged, Store
from nrun.record import bundles_folder, read_journal

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Iterator, Sequence

    from nrun.record import ExperimentFolder

VERSION = 1
MANIFEST = "manifest.json"
HAS_ZSTD = sys.version_info >= (3, 14)


@attrs.define
class Manifest:
    """What is in an archive, and what could not be."""

    files: dict[str, list[Any]] = attrs.field(factory=dict)
    """Size and SHA-256, by name."""
    links: dict[str, str] = attrs.field(factory=dict)
    left_out: dict[str, str] = attrs.field(factory=dict)
    """Why, by name: links that lead outside, sockets, pipes."""

    def to_json(self) -> bytes:
        """As it stands in the archive."""
        form = {"nrun_archive": VERSION} | attrs.asdict(self)
        return json.dumps(form, sort_keys=True, separators=(",", ":")).encode()


def write_archive(folders: Sequence[ExperimentFolder], file: Path) -> Manifest:
    """Put experiments into `file`, which is on the disk, whole, when this returns. Raises RecordError.

    It is written beside its place and linked there, so that no other file is ever overwritten.
    """
    beside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        with beside.open("xb") as out:
            with _compressed(out, file) as stream, tarfile.open(fileobj=stream, mode="w|") as tar:
                manifest = _write(folders, tar)
            out.flush()
            os.fsync(out.fileno())
        os.link(beside, file)
        _sync_folder(file.parent)
    except Damaged as error:
        msg = f"the code of an experiment cannot be archived: {error}"
        raise RecordError(msg) from error
    except OSError as error:
        msg = f"cannot write {file}: {error.strerror or error}"
        raise RecordError(
            msg, hint="nothing was removed; is the disk full, or is there such a file already?"
        ) from error
    finally:
        beside.unlink(missing_ok=True)
    return manifest


def default_name(folder: ExperimentFolder) -> Path:
    """What the archive of one experiment is called unless told otherwise."""
    return Path(f"{folder.title}-{folder.id}.tar.{'zst' if HAS_ZSTD else 'gz'}")


def zstd_file(file: IO[bytes], mode: str) -> IO[bytes]:
    """What compresses into a file, or out of one. Python has it from 3.14 on."""
    opened: IO[bytes] = importlib.import_module("compression.zstd").ZstdFile(file, mode)
    return opened


def _compressed(out: IO[bytes], file: Path) -> contextlib.AbstractContextManager[IO[bytes]]:
    wants_zstd = file.suffix in {".zst", ".zstd"}
    if HAS_ZSTD and file.suffix not in {".gz", ".tgz"}:
        return zstd_file(out, "wb")
    if wants_zstd:
        msg = f"{file}: this Python cannot write zstd, {sys.version_info.major}.{sys.version_info.minor}"
        raise RecordError(msg, hint="use Python 3.14 or later, or call it .tar.gz")
    return gzip.GzipFile(filename="", mode="wb", fileobj=out, compresslevel=6, mtime=0)  # type: ignore[return-value]


def _write(folders: Sequence[ExperimentFolder], tar: tarfile.TarFile) -> Manifest:
    manifest = Manifest()
    bundles: dict[str, Path] = {}
    for folder in sorted(folders, key=lambda one: (one.title, one.id)):
        _add_tree(tar, folder.path, f"experiments/{folder.title}/{folder.id}", manifest)
        for event in read_journal(folder.journal).events:
            if isinstance(event, CodePacked) and Store(str(bundles_folder(folder.home))).has(event.bundle):
                bundles[event.bundle] = bundles_folder(folder.home)
    for digest, store in sorted(bundles.items()):
        _add_bundle(tar, store, digest, manifest)
    text = manifest.to_json()
    tar.addfile(_member(MANIFEST, tarfile.REGTYPE, size=len(text)), io.BytesIO(text))
    return manifest


def _add_tree(tar: tarfile.TarFile, root: Path, name: str, manifest: Manifest) -> None:
    inside = root.resolve()
    for path, where in _walk(root, name):
        found = path.lstat()
        if stat.S_ISDIR(found.st_mode):
            tar.addfile(_member(where, tarfile.DIRTYPE, found))
        elif stat.S_ISLNK(found.st_mode):
            target = os.readlink(path)  # noqa: PTH115 - as it is written
            if os.path.isabs(target) or not path.resolve().is_relative_to(inside):  # noqa: PTH117 - text
                manifest.left_out[where] = f"a link to {target}, outside"
                continue
            member = _member(where, tarfile.SYMTYPE, found)
            member.linkname = manifest.links[where] = target
            tar.addfile(member)
        elif stat.S_ISREG(found.st_mode):
            with path.open("rb") as file:
                member = _member(where, tarfile.REGTYPE, found, size=os.fstat(file.fileno()).st_size)
                hashing = Hashing(file)
                tar.addfile(member, hashing)
                manifest.files[where] = [member.size, hashing.digest.hexdigest()]
        else:
            manifest.left_out[where] = "neither a file nor a folder"


def _add_bundle(tar: tarfile.TarFile, store: Path, digest: str, manifest: Manifest) -> None:
    for entry, content in Store(str(store)).read(digest):
        where = f"bundles/{digest}/{os.fsdecode(entry.name)}"
        if entry.kind == "l":
            member = _member(where, tarfile.SYMTYPE)
            member.linkname = manifest.links[where] = os.fsdecode(entry.content)
            tar.addfile(member)
        else:
            member = _member(where, tarfile.REGTYPE, size=entry.size)
            member.mode = 0o755 if entry.kind == "x" else 0o644
            tar.addfile(member, io.BytesIO(content()))
            manifest.files[where] = [entry.size, entry.content.hex()]


def _walk(path: Path, name: str) -> Iterator[tuple[Path, str]]:
    """Everything below a folder and itself, in the order of names."""
    yield path, name
    for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
        if entry.name.startswith(".") and entry.name.endswith(".tmp"):
            continue  # somebody is about to rename it
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(path / entry.name, f"{name}/{entry.name}")
        else:
            yield path / entry.name, f"{name}/{entry.name}"


def _member(name: str, kind: bytes, found: os.stat_result | None = None, size: int = 0) -> tarfile.TarInfo:
    """A member that says nothing of who made it."""
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    if found is not None:
        member.mode, member.mtime = stat.S_IMODE(found.st_mode) & 0o777, int(found.st_mtime)
    return member


class Hashing:
    """A file that is digested as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = self._file.read(size)
        self.digest.update(data)
        return data


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
