"""What jobs leave on purpose: declared outputs, kept in the folder of the attempt with their digests.

They are linked where that can be done and copied elsewhere. The manifest is written last, so that one which exists
is complete; until then collecting may be done again, and goes on where it was left.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from nrun.data import Data
from nrun.errors import RecordError
from nrun.record.folder import write_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MANIFEST = "artifacts.json"
FOLDER = "artifacts"


@attrs.frozen(eq=False, repr=False)
class Artifact(Data):
    """One file that an attempt of a job left."""

    path: str
    """Where it was, from the folder in which the job ran."""
    size: int
    sha256: str
    file: Path
    """Where the record has it."""

    def get(self, folder: str | os.PathLike[str]) -> Path:
        """Copy it into `folder`, at its path; one that is there already stays. Raises RecordError if it has changed."""
        target = Path(folder, self.path)
        if target.is_file() and target.stat().st_size == self.size and digest_of(target) == self.sha256:
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            shutil.copy2(self.file, beside)
            if digest_of(beside) != self.sha256:
                msg = f"{self.file} is not what it was when it was collected"
                raise RecordError(msg, hint="where it is a link, the job's own file was changed in place since")
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
        return target


def collect(source: Path, patterns: Sequence[str], attempt: Path) -> None:
    """Keep for an attempt the files and folders under `source` that `patterns` name.

    Nothing is done if that was finished before. Raises OSError, RecordError.
    """
    if (attempt / MANIFEST).exists():
        return
    found: dict[str, Path] = {}
    missing = []
    for pattern in patterns:
        matches = [file for match in sorted(source.glob(pattern)) for file in _files_in(match)]
        found |= {str(file.relative_to(source)): file for file in matches}
        if not matches:
            missing.append(pattern)
    kept = [{"path": name, **_keep(file, attempt / FOLDER / name)} for name, file in found.items()]
    write_file(attempt / MANIFEST, json.dumps({"files": kept, "missing": missing}) + "\n", durable=True)


def artifacts_in(attempt: Path) -> tuple[list[Artifact], list[str]] | None:
    """What an attempt left, and the patterns that named nothing; None if that is not collected. Raises RecordError."""
    try:
        told = json.loads((attempt / MANIFEST).read_bytes())
        files = [
            Artifact(one["path"], one["size"], one["sha256"], attempt / FOLDER / one["path"]) for one in told["files"]
        ]
        return files, list(told["missing"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"{attempt / MANIFEST} cannot be read: {error}") from error


def _files_in(path: Path) -> Iterable[Path]:
    return sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]


def _keep(file: Path, kept: Path) -> dict[str, int | str]:
    """Link or copy a file, unless that has been done, and say what it is."""
    real = file.resolve()
    if not (kept.exists() and _same(real, kept)):
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = kept.with_name(f".{kept.name}.{os.getpid()}.tmp")
        try:
            try:
                os.link(real, beside)
            except OSError:  # another file system, or one without links
                shutil.copy2(real, beside)
            beside.replace(kept)
        finally:
            beside.unlink(missing_ok=True)
    return {"size": kept.stat().st_size, "sha256": digest_of(kept)}


def _same(file: Path, kept: Path) -> bool:
    ours, theirs = kept.stat(), file.stat()
    return (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)


def digest_of(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
