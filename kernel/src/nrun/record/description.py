"""Reads `experiment.json`: what was asked, by whom, and where. `describe` writes it."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import attrs

from nrun.data import Data
from nrun.errors import RecordError
from nrun.events import is_time
from nrun.model import Place
from nrun.record.describe import VERSION
from nrun.record.folder import DESCRIPTION

if TYPE_CHECKING:
    from cattrs import Converter

    from nrun.record.folder import ExperimentFolder


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ExecutorDescription(Data):
    """An executor as it was asked for, and the place its jobs went to."""

    kind: str
    options: dict[str, str]
    executor: Any
    """JSON form of the executor; reading it imports its class, so it is left as it is until needed."""
    grace_s: float

    @property
    def place(self) -> Place:
        """Where the jobs went: enough to open the backend again."""
        return Place(self.kind, tuple(self.options.items()))


@attrs.frozen(kw_only=True, eq=False, repr=False)
class JobDescription(Data):
    """A job as it was asked for."""

    name: str
    executors: list[int]
    """Indices into the executors of the experiment: where it runs, and where it falls back to."""
    dependencies: list[Any]
    """Names of jobs, or JSON forms of conditions on them."""
    tasks: list[Any]
    """JSON forms of the tasks."""
    outputs: list[str] = attrs.field(factory=list)
    """Patterns of the files that are kept."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Description(Data):
    """An experiment as it was asked for."""

    nrun: int
    id: str
    title: str
    created: float
    by: dict[str, Any]
    fail_fast: bool
    surroundings: dict[str, Any]
    """What the tasks take over from the process that launched them."""
    executors: list[ExecutorDescription]
    jobs: list[JobDescription]
    fingerprint: str = ""
    """What the experiment was launched with; empty if it was run whatever had been run before."""


def check_version(version: int, folder: ExperimentFolder) -> None:
    """Raise RecordError if the record is of a newer nrun: it may be looked at, but not be written to."""
    if version > VERSION:
        msg = f"{newer(version, folder.id)} can only be looked at"
        raise RecordError(msg, hint="use the nrun that wrote it, or a newer one")


def newer(version: int, id_: str) -> str:
    """What to call an experiment whose record is of a newer nrun."""
    return f"experiment {id_}, written in version {version} of the record while this nrun writes {VERSION},"


def read_description(folder: ExperimentFolder) -> Description:
    """The description of an experiment, as far as it is understood. Raises RecordError if it is missing or damaged."""
    path = folder.path / DESCRIPTION
    try:
        document = json.loads(path.read_bytes())
        version = document["nrun"]
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise RecordError(msg, hint="the process that made this folder may have died before it wrote it") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordError(f"{path} is damaged: {error}") from error
    if not isinstance(version, int) or version < 1:
        raise RecordError(f"{path} is damaged: there is no version {version!r} of the record")
    converter = _converter()
    try:
        found: Description = converter.structure(document, Description)
    except Exception as error:
        from cattrs import transform_error

        check_version(version, folder)
        raise RecordError(f"{path} is damaged: {'; '.join(transform_error(error))}") from error
    numbers = range(len(found.executors))
    good = all(job.executors and all(number in numbers for number in job.executors) for job in found.jobs)
    if not is_time(found.created) or not good:
        raise RecordError(f"{path} is damaged: it has no time, or a job without an executor")
    return found


@functools.cache
def _converter() -> Converter:
    """Makes descriptions of plain data. Whatever a newer nrun has added is left out."""
    from cattrs import Converter  # 40 ms, and launching does not read

    return Converter()
