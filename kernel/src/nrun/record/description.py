"""Reads `experiment.json`: what was asked, by whom, and where. `describe` writes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from nrun.data import Data
from nrun.errors import RecordError
from nrun.events import is_time
from nrun.model import Place
from nrun.record.describe import VERSION
from nrun.record.folder import DESCRIPTION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nrun.record.folder import ExperimentFolder

T = TypeVar("T")


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


def read_description(folder: ExperimentFolder) -> Description:
    """The description of an experiment. Raises RecordError if it is missing, damaged or of a newer nrun."""
    path = folder.path / DESCRIPTION
    try:
        document = json.loads(path.read_bytes())
        version = document["nrun"]
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise RecordError(msg, hint="the process that made this folder may have died before it wrote it") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        msg = f"{path} is damaged: {error}"
        raise RecordError(msg) from error
    if version != VERSION:
        msg = f"{path} is written in version {version!r} of the record; this nrun reads {VERSION}"
        raise RecordError(msg, hint="use the nrun that wrote it, or a newer one")
    try:
        return _described(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        msg = f"{path} is damaged: {type(error).__name__}: {error}"
        raise RecordError(msg) from error


def _described(form: Mapping[str, Any]) -> Description:
    """The description that a JSON form holds. Raises KeyError, TypeError, ValueError, AttributeError."""
    executors = [
        ExecutorDescription(
            kind=_of(str, one["kind"]),
            options={_of(str, name): _of(str, value) for name, value in one["options"].items()},
            executor=one["executor"],
            grace_s=float(one["grace_s"]),
        )
        for one in _of(list, form["executors"])
    ]
    jobs = [
        JobDescription(
            name=_of(str, one["name"]),
            executors=_of(list, one["executors"]),
            dependencies=_of(list, one["dependencies"]),
            tasks=_of(list, one["tasks"]),
        )
        for one in _of(list, form["jobs"])
    ]
    numbers = range(len(executors))
    if not all(job.executors and all(number in numbers for number in job.executors) for job in jobs):
        raise ValueError("there is a job without an executor")
    if not is_time(form["created"]):
        raise ValueError("it has no time")
    return Description(
        nrun=form["nrun"],
        id=_of(str, form["id"]),
        title=_of(str, form["title"]),
        created=form["created"],
        by=_of(dict, form["by"]),
        fail_fast=_of(bool, form["fail_fast"]),
        surroundings=_of(dict, form["surroundings"]),
        executors=executors,
        jobs=jobs,
    )


def _of(kind: type[T], value: object) -> T:
    if not isinstance(value, kind):
        msg = f"{value!r:.80} is no {kind.__name__}"
        raise TypeError(msg)
    return value
