"""Writes `experiment.json`: what was asked, by whom, and where. Once, before anything is done."""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import TYPE_CHECKING

from nrun.config.codec import encode
from nrun.config.target import symbol_of
from nrun.errors import ConfigError
from nrun.planning import RecordedTask
from nrun.record.folder import DESCRIPTION, user, write_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nrun.model import Json
    from nrun.planning import Dependency, Plan
    from nrun.protocols import Executor
    from nrun.record.folder import ExperimentFolder

VERSION = 1


def describe(
    plan: Plan, folder: ExperimentFolder, plugins: Mapping[str, str], created: float, fingerprint: str = ""
) -> None:
    """Write the description of the experiment into its folder. Raises RecordError."""
    document: dict[str, Json] = {
        "nrun": VERSION,
        "id": folder.id,
        "title": folder.title,
        "created": created,
        "by": _provenance(plugins),
        **({"fingerprint": fingerprint} if fingerprint else {}),
        **asked(plan),
    }
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    write_file(folder.path / DESCRIPTION, text + "\n", durable=True)


def asked(plan: Plan) -> dict[str, Json]:
    """What is asked: the part of the description that says nothing of when and by whom."""
    executors = plan.executors()
    numbers = {id(executor): number for number, executor in enumerate(executors)}
    here = plan.surroundings
    return {
        "fail_fast": plan.fail_fast,
        "surroundings": {"cwd": here.cwd, "path": list(here.path), "main": here.main, "main_module": here.main_module},
        "executors": [_executor_form(executor) for executor in executors],
        "jobs": [
            {
                "name": job.name,
                "executors": [numbers[id(executor)] for executor in job.executors],
                "dependencies": [_dependency_form(dependency) for dependency in job.dependencies],
                "tasks": [task.form if isinstance(task, RecordedTask) else encode(task) for task in job.tasks],
                **({"outputs": list(job.outputs)} if job.outputs else {}),
            }
            for job in plan.jobs
        ],
    }


def _dependency_form(dependency: Dependency) -> Json:
    if str(dependency) == dependency.job:
        return dependency.job
    form: dict[str, Json] = {"job": dependency.job, "condition": dependency.condition}
    if dependency.when is not None:
        form["when"] = dependency.when if isinstance(dependency.when, str) else symbol_of(dependency.when)
    if dependency.experiment is not None:
        form["experiment"] = dependency.experiment
    return form


def _executor_form(executor: Executor) -> dict[str, Json]:
    place = executor.place()
    try:
        form = encode(executor)
    except ConfigError:  # a class that no other process can find: its place is all they need
        form = {"$text": repr(executor)}
    return {"kind": place.kind, "options": dict(place.options), "grace_s": executor.grace_s, "executor": form}


def _command_line() -> list[Json]:
    """What was typed, from the name of the program on; a script that `nrun run` runs sees less of it."""
    words = sys.orig_argv[1:]
    if words[:2] == ["-m", "nrun"]:
        words = words[1:]
    typed = bool(words) and os.path.basename(words[0]) == "nrun"  # noqa: PTH119 - a word
    return ["nrun", *words[1:]] if typed else [*sys.argv]


def _provenance(plugins: Mapping[str, str]) -> dict[str, Json]:
    from nrun import __version__

    return {
        "user": user(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "argv": _command_line(),
        "python": sys.version.partition(" ")[0],
        "nrun": __version__,
        "plugins": dict(plugins),
    }
