"""Writes `experiment.json`: what was asked, by whom, and where. Once, before anything is done."""

from __future__ import annotations

import getpass
import json
import os
import socket
import sys
from typing import TYPE_CHECKING

from nrun.config.codec import encode
from nrun.errors import ConfigError
from nrun.record.folder import DESCRIPTION, write_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nrun.model import Json
    from nrun.planning import Plan
    from nrun.protocols import Executor
    from nrun.record.folder import ExperimentFolder

VERSION = 1


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
                "tasks": [encode(task) for task in job.tasks],
            }
            for job in plan.jobs
        ],
    }
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    write_file(folder.path / DESCRIPTION, text + "\n", durable=True)


def _executor_form(executor: Executor) -> dict[str, Json]:
    place = executor.place()
    try:
        form = encode(executor)
    except ConfigError:  # a class that no other process can find: its place is all they need
        form = {"$text": repr(executor)}
    return {"kind": place.kind, "options": dict(place.options), "grace_s": executor.grace_s, "executor": form}


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
