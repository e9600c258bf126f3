"""`experiment.json`: what was asked, by whom, and where. Written once, before anything is done."""

from __future__ import annotations

import getpass
import json
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

import attrs

from nrun.errors import ConfigError, RecordError
from nrun.events import is_time
from nrun.model import Place
from nrun.record.folder import DESCRIPTION, write_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nrun.model import Json
    from nrun.planning import Plan
    from nrun.protocols import Executor
    from nrun.record.folder import ExperimentFolder

VERSION = 1


@attrs.frozen(kw_only=True)
class ExecutorDescription:
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


@attrs.frozen(kw_only=True)
class JobDescription:
    """A job as it was asked for."""

    name: str
    executor: int
    """Index into the executors of the experiment."""
    dependencies: list[str]
    tasks: list[Any]
    """JSON forms of the tasks."""


@attrs.frozen(kw_only=True)
class Description:
    """An experiment as it was asked for."""

    nrun: int
    id: str
    title: str
    created: float
    by: dict[str, Any]
    executors: list[ExecutorDescription]
    jobs: list[JobDescription]


def describe(plan: Plan, folder: ExperimentFolder, plugins: Mapping[str, str], created: float) -> None:
    """Write the description of the experiment into its folder. Raises RecordError."""
    executors: list[Executor] = []
    numbers: dict[int, int] = {}
    for job in plan.jobs:
        if id(job.executor) not in numbers:
            numbers[id(job.executor)] = len(executors)
            executors.append(job.executor)
    document: dict[str, Json] = {
        "nrun": VERSION,
        "id": folder.id,
        "title": folder.title,
        "created": created,
        "by": _provenance(plan, plugins),
        "executors": [_executor_form(executor) for executor in executors],
        "jobs": [
            {
                "name": job.name,
                "executor": numbers[id(job.executor)],
                "dependencies": list(job.dependencies),
                "tasks": [_task_form(task) for task in job.tasks],
            }
            for job in plan.jobs
        ],
    }
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    write_file(folder.path / DESCRIPTION, text + "\n", durable=True)


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
    import cattrs  # 40 ms, and launching does not read
    import cattrs.errors

    try:
        found = cattrs.Converter(forbid_extra_keys=False).structure(document, Description)
    except (cattrs.errors.BaseValidationError, TypeError, ValueError, OverflowError) as error:
        problems = "; ".join(cattrs.transform_error(error))
        msg = f"{path} is damaged: {problems}"
        raise RecordError(msg) from error
    if not is_time(found.created) or not all(0 <= job.executor < len(found.executors) for job in found.jobs):
        msg = f"{path} is damaged: it has no time, or a job without an executor"
        raise RecordError(msg)
    return found


def _executor_form(executor: Executor) -> dict[str, Json]:
    from nrun.config.codec import encode

    place = executor.place()
    try:
        form = encode(executor)
    except ConfigError:  # a class that no other process can find: its place is all they need
        form = {"$text": repr(executor)}
    return {"kind": place.kind, "options": dict(place.options), "grace_s": executor.grace_s, "executor": form}


def _task_form(task: object) -> Json:
    from nrun.config.codec import encode

    return encode(task)


def _provenance(plan: Plan, plugins: Mapping[str, str]) -> dict[str, Json]:
    from nrun import __version__

    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user need not have a name
        user = str(os.getuid())
    return {
        "user": user,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "cwd": plan.surroundings.cwd,
        "main": plan.surroundings.main,
        "argv": list(sys.argv),
        "python": sys.version.partition(" ")[0],
        "nrun": __version__,
        "plugins": dict(plugins),
    }
