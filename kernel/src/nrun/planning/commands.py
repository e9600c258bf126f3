"""From a task to the command that runs it: argv, environment, folder, files. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import attrs

from nrun.config.script import Script
from nrun.errors import PlanError
from nrun.model import Command, JobPath, Launch, Word, Worker
from nrun.planning.jobs import RecordedTask

if TYPE_CHECKING:
    from nrun.planning.jobs import Job, Plan, Surroundings, Task
    from nrun.protocols import Executor

TASK_FILE = "task.json"
SCRIPT_FILE = "script"
_IN_MAIN = re.compile(r'("\$(?:config|partial|fresh|symbol|object|enum)":)"__(?:nrun_)?main__:')
"""A symbol of the launching script. In a text of the user's the quotes would be escaped."""
CODE_FOLDER = "code"
"""Where a shipped tree lies in the folder of an attempt."""


def launch_of(job: Job, plan: Plan) -> Launch:
    """The job made ready for its backend: one command per task, wrapped by the executor's launcher."""
    commands = tuple(_command(task, job.executor, plan.surroundings) for task in job.tasks)
    launcher = job.executor.launcher
    if launcher is not None:
        commands = tuple(launcher.wrap(command, job.executor) for command in commands)
    return Launch(experiment=plan.title, job=job.name, commands=commands, executor=job.executor)


def _command(task: Task | RecordedTask, executor: Executor, surroundings: Surroundings) -> Command:
    cwd = JobPath(CODE_FOLDER) if executor.packager.ships else surroundings.cwd
    if isinstance(task, Script):
        command = _script(task, executor)
        return attrs.evolve(command, env={**executor.env_vars, **task.env}, cwd=cwd)
    return Command(
        argv=(executor.interpreter(), Worker(), JobPath(TASK_FILE)),
        env=executor.env_vars,
        cwd=cwd,
        files={TASK_FILE: task_json(task, surroundings)},
    )


def _script(script: Script, executor: Executor) -> Command:
    program = executor.interpreter() if script.entrypoint == "python" else script.entrypoint
    if script.inline:
        argv: tuple[Word, ...] = (program, JobPath(SCRIPT_FILE), *script.args)
        return Command(argv=argv, env={}, cwd="", files={SCRIPT_FILE: script.inline})
    if script.m:
        return Command(argv=(program, "-m", script.path, *script.args), env={}, cwd="")
    # A path that begins with a dash must not be taken for an option of the program.
    path = f"./{script.path}" if script.path.startswith("-") else script.path
    return Command(argv=(program, path, *script.args), env={}, cwd="")


def task_json(task: Task | RecordedTask, surroundings: Surroundings) -> str:
    """The file from which `worker.py` runs a function task. Raises ConfigError for what cannot travel."""
    from nrun.config.codec import VERSION, encode

    document = {
        "nrun": VERSION,
        "main": surroundings.main,
        "path": list(surroundings.path),
        "task": task.form if isinstance(task, RecordedTask) else encode(task),
    }
    # Pure ASCII, so that any text arrives, even a file name that is no valid UTF-8.
    text = json.dumps(document, separators=(",", ":")) + "\n"
    if _IN_MAIN.search(text):
        if surroundings.main_module:
            return _IN_MAIN.sub(rf'\1"{surroundings.main_module}:', text)
        if surroundings.main is None:
            msg = "this task uses something defined in an interactive session, which a job cannot load"
            raise PlanError(msg, hint="move the function to a file and import it from there")
    return text
