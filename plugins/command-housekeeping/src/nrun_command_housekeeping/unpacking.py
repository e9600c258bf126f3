"""Takes experiments out of an archive. An archive may come from anybody: nothing in it is believed.

Everything is written into a folder of its own, which no command looks into; no link is made before every file is there
and has its digest. Then each experiment is renamed into its place.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nrun.errors import RecordError
from nrun.model import Files
from nrun.packaging import walk
from nrun.packaging.snapshot import identify, keep, survey
from nrun.record import ExperimentFolder, bundles_folder
from nrun_command_housekeeping.packing import HAS_ZSTD, MANIFEST, VERSION, zstd_file

if TYPE_CHECKING:
    from collections.abc import Iterator

RESTORING = ".restoring-"
LARGEST_MANIFEST = 1 << 28
_CHUNK = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")
_DEEP_ENOUGH = 3
"""`experiments/<title>/<id>` and `bundles/<digest>/<file>` have so many parts."""


def restore_archive(file: Path, home: Path) -> tuple[list[ExperimentFolder], dict[str, str]]:
    """Take the experiments in `file` into the record under `home`; gives them, and what was left out of the archive.

    Raises RecordError if the archive is damaged, has anything that does not belong into one, or an experiment that is
    there already; then nothing was restored.
    """
    store = home / "experiments"
    try:
        store.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = Path(tempfile.mkdtemp(prefix=RESTORING, dir=store))
    except OSError as error:
        msg = f"cannot write to {store}: {error.strerror}"
        raise RecordError(msg, hint="is the disk full, or read-only?") from error
    try:
        left_out = _Unpacking(file, beside, home).unpack()
        _take_bundles(beside, home)
        return [_take(path, home) for path in sorted(beside.glob("experiments/*/*"))], left_out
    except (EOFError, tarfile.TarError, zlib.error, gzip.BadGzipFile, ValueError, OverflowError) as error:
        msg = f"{file} is damaged: {error}"
        raise RecordError(msg) from error
    except OSError as error:
        msg = f"cannot restore {file}: {error.strerror or error}"
        raise RecordError(msg, hint="is the disk full, or read-only?") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


class _Unpacking:
    """The way of one archive into a folder."""

    def __init__(self, file: Path, beside: Path, home: Path) -> None:
        self._file, self._beside, self._home = file, beside, home
        self._found: dict[str, list[Any]] = {}
        self._links: dict[str, str] = {}

    def unpack(self) -> dict[str, str]:
        manifest: dict[str, Any] | None = None
        with self._file.open("rb") as raw, _decompressed(raw, self._file) as stream:
            for member, content in _members(stream):
                if manifest is not None:
                    raise self._refused(member.name, "comes after the manifest")
                if member.name == MANIFEST:
                    manifest = self._manifest(member, content)
                else:
                    self._take(member, content)
        if manifest is None:
            msg = f"{self._file} is damaged: it has no manifest, so its end is missing"
            raise RecordError(msg)
        for name in self._found.keys() | manifest["files"].keys():
            if self._found.get(name) != manifest["files"].get(name):
                msg = f"{self._file} is damaged: {name} is not what the manifest says"
                raise RecordError(msg)
        if self._links != manifest["links"]:
            msg = f"{self._file} is damaged: its links are not those of the manifest"
            raise RecordError(msg)
        self._make_links()
        return {str(name): str(why) for name, why in manifest["left_out"].items()}

    def _manifest(self, member: tarfile.TarInfo, content: IO[bytes] | None) -> dict[str, Any]:
        try:
            text = content.read() if content is not None and member.size <= LARGEST_MANIFEST else b""
            return _manifest_in(json.loads(text))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            msg = f"{self._file} is no archive of experiments: {MANIFEST}: {error}"
            raise RecordError(msg) from error

    def _take(self, member: tarfile.TarInfo, content: IO[bytes] | None) -> None:
        path = self._place(member)
        if member.isdir():
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        elif member.issym():
            if member.linkname.startswith("/") or "\0" in member.linkname:
                raise self._refused(member.name, f"is a link to {member.linkname!r}, outside")
            if member.name in self._links:
                raise self._refused(member.name, "is there twice")
            self._links[member.name] = member.linkname
        elif content is not None:
            self._found[member.name] = self._write(member, content, path)
        else:
            raise self._refused(member.name, "is neither a file, a folder, nor a symbolic link")

    def _place(self, member: tarfile.TarInfo) -> Path:
        """Where a member belongs. Raises RecordError unless that is inside an experiment, or a bundle."""
        parts = member.name.split("/")
        if any(part in {"", ".", ".."} or "\0" in part for part in parts):
            raise self._refused(member.name, "would leave the folder")
        bundle = parts[0] == "bundles" and len(parts) > 1 and bool(_DIGEST.fullmatch(parts[1]))
        inside = bundle and (len(parts) >= _DEEP_ENOUGH or member.isdir())
        experiment = parts[0] == "experiments" and not any(part.startswith(".") for part in parts[1:_DEEP_ENOUGH])
        inside |= experiment and (len(parts) > _DEEP_ENOUGH or (member.isdir() and len(parts) == _DEEP_ENOUGH))
        if not inside:
            raise self._refused(member.name, "is no part of an experiment")
        if experiment and os.path.lexists(self._home.joinpath(*parts[:_DEEP_ENOUGH])):
            raise _there_already(parts[2])
        return self._beside.joinpath(*parts)

    def _write(self, member: tarfile.TarInfo, content: IO[bytes], path: Path) -> list[Any]:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        digest = hashlib.sha256()
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError as error:
            raise self._refused(member.name, "is there twice") from error
        with os.fdopen(file, "wb") as out:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
                out.write(chunk)
            os.fchmod(file, (member.mode & 0o777) | 0o600)
        os.utime(path, (member.mtime, member.mtime))
        return [member.size, digest.hexdigest()]

    def _make_links(self) -> None:
        for name, target in self._links.items():
            path = self._beside / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                path.symlink_to(target)
            except FileExistsError as error:
                raise self._refused(name, "is there twice") from error
        for name, target in self._links.items():  # a link may lead outside by way of another
            root = self._beside.joinpath(*name.split("/")[: 2 if name.startswith("bundles/") else _DEEP_ENOUGH])
            if not Path(os.path.realpath(self._beside / name)).is_relative_to(os.path.realpath(root)):
                raise self._refused(name, f"is a link to {target!r}, outside")

    def _refused(self, name: str, why: str) -> RecordError:
        msg = f"{self._file} is refused: {name!r} {why}"
        return RecordError(msg, hint="nrun experiment archive makes no such archive; do not trust this one")


def _manifest_in(form: dict[str, Any]) -> dict[str, Any]:
    """`form` if it can be a manifest. Raises ValueError, KeyError or TypeError."""
    if form["nrun_archive"] != VERSION:
        msg = f"it is written in version {form['nrun_archive']!r}; this nrun reads {VERSION}"
        raise ValueError(msg)
    if not all(isinstance(form[part], dict) for part in ("files", "links", "left_out")):
        raise ValueError("a part is no mapping")
    return form


def _decompressed(raw: IO[bytes], file: Path) -> IO[bytes]:
    magic = raw.read(4)
    raw.seek(0)
    if magic[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=raw, mode="rb")  # type: ignore[return-value] # it is one in all that is used
    if magic == b"\x28\xb5\x2f\xfd":
        if not HAS_ZSTD:
            msg = f"{file} is compressed with zstd, which this Python cannot read"
            raise RecordError(msg, hint="use Python 3.14 or later")
        return zstd_file(raw, "rb")
    msg = f"{file} is no archive of experiments"
    raise RecordError(msg, hint="nrun experiment archive makes them")


def _members(stream: IO[bytes]) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            whole = member.type == tarfile.REGTYPE and member.sparse is None
            yield member, tar.extractfile(member) if whole else None


def _take_bundles(beside: Path, home: Path) -> None:
    """Have the code in the store. Raises RecordError if it is not what its name says."""
    store = bundles_folder(home)
    for path in beside.glob("bundles/*"):
        code = [Files(path, walk(path))]
        if identify(survey(code), beside) != path.name:
            msg = f"the archive is damaged: the code {path.name} is not what its name says"
            raise RecordError(msg)
        store.mkdir(exist_ok=True, mode=0o700)
        keep(survey(code), store)


def _take(path: Path, home: Path) -> ExperimentFolder:
    folder = ExperimentFolder(home, path.parent.name, path.name)
    place = folder.path
    place.parent.mkdir(exist_ok=True, mode=0o700)
    if os.path.lexists(place):
        raise _there_already(path.name)
    path.rename(place)
    return folder


def _there_already(id_: str) -> RecordError:
    msg = f"there is an experiment {id_} already"
    return RecordError(msg, hint="it was left as it is; restore into another NRUN_HOME to compare them")
