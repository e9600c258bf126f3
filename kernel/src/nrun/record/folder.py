"""Where an experiment lives on disk: claiming its folder, finding it again, writing whole files.

$NRUN_HOME/experiments/<title>/<id>/
experiment.json     what was asked; written once
journal.jsonl       what happened; appended
worker.py …         what function tasks are run with
jobs/<name>/attempt-<n>/
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import attrs

from nrun.data import Data
from nrun.errors import RecordError
from nrun.model import Handle

JOURNAL = "journal.jsonl"
DESCRIPTION = "experiment.json"
CLAIMED = ".claimed-"
"""What the name of a folder begins with until the experiment in it is described."""
_WORKER_FILES = ("worker.py", "worker_task.py", "worker_forms.py")


def home_folder(home: str | os.PathLike[str] | None = None) -> Path:
    """Where the records are: `home`, `$NRUN_HOME`, or `~/.nrun`. Raises RecordError when there is no such home."""
    given = home or os.environ.get("NRUN_HOME") or "~/.nrun"
    try:
        return Path(given).expanduser().absolute()
    except RuntimeError as error:
        msg = f"cannot tell which folder {str(given)!r} is: the user has no home"
        raise RecordError(msg, hint="set NRUN_HOME to a folder that you can write to") from error


def user() -> str:
    """Who acts here."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user need not have a name
        return str(os.getuid())


def bundles_folder(home: Path) -> Path:
    """Where the code is that travels: the store of `nrun.packaging`."""
    return home / "bundles"


@attrs.frozen(eq=False, repr=False)
class ExperimentFolder(Data):
    """The folder of one experiment."""

    home: Path
    title: str
    id: str
    path: Path = attrs.field(eq=False, repr=False)
    """The folder itself; kept, because it is asked for several times per job."""

    @path.default
    def _path(self) -> Path:
        return self.home / "experiments" / self.title / self.id

    @property
    def journal(self) -> Path:
        """What happened."""
        return self.path / JOURNAL

    def attempt(self, job: str, number: int) -> Path:
        """The folder of one attempt of a job. Made by whoever writes into it."""
        return self.path / f"jobs/{job}/attempt-{number}"

    def placed(self, handle: Handle) -> Handle:
        """A handle of this record, with the folder of its attempt."""
        return Handle(handle.tag, handle.data, self.attempt(handle.tag.job, handle.tag.attempt))


def claim_folder(home: Path, title: str) -> ExperimentFolder:
    """Make the folder of a new experiment, which no other process can get. Raises RecordError.

    The id is the time in UTC to the microsecond, so ids sort by time, and four random digits, so that
    two titles hardly ever share one; that no two experiments share a folder is sure, for it is made exclusively.
    Nobody sees it until it is published, so that whoever dies before that leaves no half of an experiment.
    """
    try:
        for parent in (home, home / "experiments", home / "experiments" / title):
            parent.mkdir(exist_ok=True, parents=parent is home, mode=0o700)
        while True:
            now = time.time_ns()
            moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now // 10**9))
            id_ = f"{moment}-{now // 1000 % 10**6:06d}-{os.urandom(2).hex()}"
            folder = ExperimentFolder(home, title, id_, home / "experiments" / title / f"{CLAIMED}{id_}")
            try:
                folder.path.mkdir(mode=0o700)
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        msg = f"cannot make a folder for the experiment in {home}: {error.strerror}"
        raise RecordError(msg, hint="set NRUN_HOME to a folder that you can write to") from error


def publish(claimed: ExperimentFolder) -> ExperimentFolder:
    """Let everybody see an experiment whose description is written. Raises RecordError."""
    folder = ExperimentFolder(claimed.home, claimed.title, claimed.id)
    try:
        claimed.path.rename(folder.path)
    except OSError as error:
        msg = f"cannot rename {claimed.path}: {error.strerror}"
        raise RecordError(msg, hint="is the file system read-only?") from error
    return folder


def discard(folder: ExperimentFolder) -> None:
    """Remove a folder that was claimed and could not be filled."""
    import shutil

    shutil.rmtree(folder.path, ignore_errors=True)


def write_file(path: Path, text: str, *, durable: bool = False) -> None:
    """Write a private file so that readers see all of it or nothing. Raises RecordError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            with open(file, "wb", closefd=False) as out:
                out.write(text.encode("utf-8", "surrogateescape"))
            if durable:
                os.fsync(file)
        finally:
            os.close(file)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise RecordError(f"cannot write {path}: {error.strerror}", hint="is the disk full, or read-only?") from error


def copy_worker(folder: ExperimentFolder) -> None:
    """Put the worker where the jobs of the experiment find it."""
    source = Path(__file__).parents[1]
    for name in _WORKER_FILES:
        write_file(folder.path / name, (source / name).read_text("utf-8"))
