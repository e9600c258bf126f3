"""Makes `experiment.json` anew, as far as the folders of the jobs tell what was asked.

They tell the tasks and where they ran, not what waited for what, nor jobs that never came to run.
"""

from __future__ import annotations

import json
import re
import shlex
import time
from typing import TYPE_CHECKING, Any

from nrun.config.script import Script
from nrun.errors import ConfigError, RecordError
from nrun.planning import Job, Plan, RecordedTask, Surroundings, check_name
from nrun.record.describe import describe
from nrun.record.folder import DESCRIPTION, copy_worker
from nrun.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from nrun.protocols import Executor
    from nrun.record.folder import ExperimentFolder

_ATTEMPT = re.compile(r"attempt-([1-9][0-9]*)")
_IN_FOLDER = "$NRUN_JOB_DIR/"


def rebuild_description(folder: ExperimentFolder, executor: Executor) -> None:
    """Write the description of the experiment, unless it is there; its jobs are placed on `executor`.

    Raises RecordError if the folders do not say enough.
    """
    if (folder.path / DESCRIPTION).exists():
        return
    jobs: list[Job] = []
    cwd, document = "/", dict[str, Any]()
    for name, number in attempts_in(folder).items():
        attempt = folder.attempt(name, number)
        try:
            found = [_task(one) for one in sorted(attempt.glob("task-[0-9]*"), key=_number) or [attempt]]
        except (OSError, ValueError, LookupError, ConfigError) as error:
            msg = f"what job {name!r} ran cannot be told from {attempt}: {error}"
            raise RecordError(msg) from error
        tasks = tuple(task for task, _, _ in found)
        jobs.append(Job(name=check_name(name, "the name of a job"), tasks=tasks, executors=(executor,)))
        for _, one, call in found:
            cwd, document = cwd if one.startswith("$") else one, document | call
    here = Surroundings(cwd=cwd, path=tuple(document.get("path", ())), main=document.get("main"))
    copy_worker(folder)
    describe(Plan(title=folder.title, jobs=tuple(jobs), surroundings=here), folder, {}, _created(folder))


def attempts_in(folder: ExperimentFolder) -> dict[str, int]:
    """The jobs that have a folder, with their latest attempts, in the order in which they came to run."""
    found: dict[str, int] = {}
    first: dict[str, float] = {}
    for path in (folder.path / "jobs").glob("*/attempt-*"):
        if match := _ATTEMPT.fullmatch(path.name):
            name = path.parent.name
            found[name] = max(found.get(name, 0), int(match[1]))
            first[name] = min(first.get(name, float("inf")), path.stat().st_mtime)
    if not found:
        msg = f"{folder.path} holds no folder of a job"
        raise RecordError(msg, hint="give the folder of one experiment, the one that `jobs` lies in")
    return {name: found[name] for name in sorted(found, key=first.__getitem__)}


def _task(folder: Path) -> tuple[Script | RecordedTask, str, dict[str, Any]]:
    """What the script in a folder runs, where, and for a function what else it takes over."""
    text = (folder / "launch.sh").read_bytes().decode("utf-8", "surrogateescape")
    begin = text.index("\n(\n") + 3
    words = shlex.split(text[begin : text.rindex("\n)\n", begin)])
    at = words.index("cd")
    cwd, words = words[at + 1], words[at + 5 :]
    env: dict[str, str | Secret] = {}
    while words[0] != "exec":
        name, _, value = words[1].partition("=")
        if words[0] == "#" and words[2] == "export":  # a secret, named where it is handed over
            env[words[3].partition("=")[0]] = Secret.parse(words[1])
            words = words[4:]
        elif words[0] == "export" and name != "NRUN_SECRETS":
            env[name] = value
            words = words[2:]
        else:
            words = words[1:]
    if words[1:3] == ["env", "--"]:
        words = ["exec", *words[3:]]
        while "=" in words[1]:
            name, _, env[name] = words.pop(1).partition("=")
    if words[-1] == f"{_IN_FOLDER}task.json":
        document = json.loads((folder / "task.json").read_bytes())
        return RecordedTask(document.pop("task")), cwd, document
    words, script = words[1:], f"{_IN_FOLDER}script"
    if script in words:
        at = words.index(script)
        inline = (folder / "script").read_bytes().decode("utf-8", "surrogateescape")
        return Script(inline=inline, args=words[at + 1 :], env=env, entrypoint=words[:at]), cwd, {}
    at = next(at for at, word in enumerate(words[1:], 1) if word == "-m" or not word.startswith("-"))
    module, program, (path, *args) = words[at] == "-m", words[:at], words[at:]
    return Script(args.pop(0) if module else path, args=args, env=env, entrypoint=program, m=module), cwd, {}


def _number(path: Path) -> int:
    return int(path.name.rpartition("-")[2])


def _created(folder: ExperimentFolder) -> float:
    """When it was launched: its id says so, or else its folder says about when."""
    import calendar

    try:
        return float(calendar.timegm(time.strptime(folder.id[:15], "%Y%m%d-%H%M%S")))
    except ValueError:
        return folder.path.stat().st_mtime
