"""From a task to the command that runs it: argv, environment, folder, files. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from nrun.config.script import Script
from nrun.errors import PlanError
from nrun.model import Command, JobPath, Launch, Word, Worker
from nrun.planning.jobs import RecordedTask
from nrun.planning.shell import exportable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nrun.planning.jobs import Job, Plan, Surroundings, Task
    from nrun.protocols import Executor
    from nrun.secret import Secret

TASK_FILE = "task.json"
SCRIPT_FILE = "script"
_IN_MAIN = re.compile(r'("\$(?:config|partial|fresh|symbol|object|enum)":)"__(?:nrun_)?main__:')
"""A symbol of the launching script. In a text of the user's the quotes would be escaped."""
ARGUMENT = "NRUN_SECRET_"
"""Variables in which a function task finds its arguments that are secrets: this, and the reference in hexadecimal."""
_SECRETS_BEGIN = '{"$secret":'
_FORM_OF_SECRET = re.compile(r'\{"\$secret":"(?:[^"\\]|\\.)*"\}')
CODE_FOLDER = "code"
"""Where a shipped tree lies in the folder of an attempt."""


def launch_of(job: Job, plan: Plan) -> Launch:
    """The job made ready for its backend: one command per task, wrapped by the executor's launcher and container."""
    commands = tuple(_command(task, job.executor, plan.surroundings) for task in job.tasks)
    launcher = job.executor.launcher
    if launcher is not None:
        commands = tuple(launcher.wrap(command, job.executor) for command in commands)
    container = getattr(job.executor, "container", None)
    if container is not None:
        commands = tuple(container.wrap(command, job.executor) for command in commands)
    return Launch(experiment=plan.title, job=job.name, commands=commands, executor=job.executor)


def _command(task: Task | RecordedTask, executor: Executor, surroundings: Surroundings) -> Command:
    cwd: str | JobPath = surroundings.cwd
    if executor.packager.ships:
        start = executor.packager.start or ""
        cwd, surroundings = JobPath(f"{CODE_FOLDER}/{start}".rstrip("/")), surroundings.shipped(start)
    env: dict[str, str | Secret] = {**executor.env_vars}
    if isinstance(task, Script):
        argv = _argv(task, executor)
        env |= task.env
        files = {SCRIPT_FILE: task.inline} if task.inline else {}
    else:
        text = task_json(task, surroundings)
        argv = (executor.interpreter(), Worker(), JobPath(TASK_FILE))
        env |= _arguments(text)
        files = {TASK_FILE: text}
    return Command(argv=argv, **_environment(env), cwd=cwd, files=files)


def _environment(env: Mapping[str, str | Secret]) -> dict[str, Any]:
    """Variables as a command has them: those whose values are known, and those that are secrets."""
    secrets = {name: value for name, value in env.items() if not isinstance(value, str)}
    if not secrets:
        return {"env": env}
    for name, secret in secrets.items():
        if not exportable(name):
            msg = f"{secret!r} cannot be in the variable {name!r}: no shell can hand it over without showing it"
            raise PlanError(msg, hint="give the variable a name of letters, digits and underscores")
    return {"env": {name: value for name, value in env.items() if name not in secrets}, "secrets": secrets}


def _arguments(task: str) -> dict[str, Secret]:
    """The variables in which a function task finds the secrets among its arguments; `worker_forms.py` reads them."""
    return {ARGUMENT + secret.reference.encode().hex(): secret for secret in secrets_in(task)}


def secrets_in(text: str) -> list[Secret]:
    """The secrets that a text has forms of, such as a task or the description of an experiment, each once."""
    if _SECRETS_BEGIN not in text:
        return []
    from nrun.secret import Secret

    return [Secret(json.loads(form)["$secret"]) for form in dict.fromkeys(_FORM_OF_SECRET.findall(text))]


def _argv(script: Script, executor: Executor) -> tuple[Word, ...]:
    program, *options = script.words
    if program == "python":
        program = executor.interpreter()
    if script.inline:
        return (program, *options, JobPath(SCRIPT_FILE), *script.args)
    if script.m:
        return (program, *options, "-m", script.path, *script.args)
    # A path that begins with a dash must not be taken for an option of the program.
    path = f"./{script.path}" if script.path.startswith("-") else script.path
    return (program, *options, path, *script.args)


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
