"""The batch script of a job: a pure function of its plan, to be read, and to be run by hand."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

import attrs

from nrun import PlanError
from nrun.model import Submission
from nrun.planning import launch_files
from nrun_executor_slurm.executor import SlurmExecutor
from nrun_executor_slurm.steps import as_step, has_steps, head

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nrun.model import Launch

SCRIPT = "sbatch.ready"
"""The batch script, until somebody claims it by calling it sbatch.sh."""
CLAIMED = "sbatch.sh"
OUTPUT = "slurm.log"
_SAFE = re.compile(r"[A-Za-z0-9_.,:;@%^+=/\[\]&|*()~-]+", re.ASCII)
FLAGS = (
    *("account", "partition", "qos", "time", "nodes", "ntasks_per_node", "cpus_per_task", "cpus_per_gpu"),
    *("gpus_per_node", "gpus_per_task", "gres", "mem", "mem_per_cpu", "mem_per_gpu", "constraint", "exclude"),
    *("nodelist", "signal", "reservation", "segment", "network"),
)
"""Fields that are options of sbatch."""

_BODY = """\
# {what}
# Slurm starts it in the folder of its attempt; by hand: cd FOLDER && sh sbatch.sh
[ -z "${{SLURM_JOB_ID:-}}" ] || [ -s job ] || printf '%s\\n' "$SLURM_JOB_ID" >job
# shellcheck source=/dev/null
. ./attempt
"""
_MERGE = """\
[ -e err.log ] || ln -s out.log err.log
"""
_SECRETS = """\
# The job removes its secrets when it has read them; another run of it, after a preemption, needs them again.
for kept in secrets.kept task-*/secrets.kept; do
    [ ! -r "$kept" ] || cp -p "$kept" "${kept%.kept}"
done
"""


def submission(launch: Launch) -> Submission:
    """The files of an attempt's folder and the batch script that starts them. Raises PlanError for other executors."""
    executor = launch.executor
    if not isinstance(executor, SlurmExecutor):
        msg = f"job {launch.job!r} has a {type(executor).__name__}, which says nothing to Slurm"
        raise PlanError(msg, hint="use a SlurmExecutor or a subclass of it")
    files = {}
    if executor.comment is not None:
        files["comment"] = executor.comment
    request = batch_script(launch, executor)
    if executor.heterogeneous:
        from nrun_executor_slurm import het  # as below

        launch = attrs.evolve(launch, commands=het.steps(launch, executor))
    elif has_steps(executor, launch.commands):
        count = len(launch.commands)
        steps = tuple(as_step(one, executor, index, count) for index, one in enumerate(launch.commands))
        launch = attrs.evolve(launch, commands=steps)
    files |= launch_files(launch)
    return Submission(jobs=(launch.job,), files={launch.job: {**files, SCRIPT: request}}, request=request)


def batch_script(launch: Launch, executor: SlurmExecutor) -> str:
    """What sbatch is given."""
    what = f"Job {json.dumps(launch.job)} of {json.dumps(launch.experiment)}, written by nrun."
    body = _BODY.format(what=what)
    if executor.stderr_to_stdout:
        body += _MERGE
    if any(command.secrets for command in launch.commands):
        body += _SECRETS
    asked = written(options(executor, launch.job))
    if executor.heterogeneous:
        from nrun_executor_slurm import het  # most jobs are of one piece

        asked = het.requests(launch, executor)
        body += het.hosts(launch, executor)
    elif has_steps(executor, launch.commands):
        body += head(executor, launch.commands)
    if executor.setup_lines:
        body += executor.setup_lines.rstrip("\n") + "\n"
    return f'#!/bin/sh\n{asked}{body}exec sh "$PWD/launch.sh"\n'


def options(executor: SlurmExecutor, name: str) -> dict[str, str | bool]:
    """The options of sbatch for jobs of an executor that are called `name` in the queue."""
    given: dict[str, str | bool | None] = {"job-name": re.sub(r"[^A-Za-z0-9._-]", "_", executor.job_name_prefix + name)}
    for field in FLAGS:
        value = getattr(executor, field)
        if value is not None:
            given[field.replace("_", "-")] = str(value)
    if executor.exclusive:
        given["exclusive"] = executor.exclusive
    given |= {"requeue" if executor.requeue else "no-requeue": True, "output": OUTPUT, "open-mode": "append"}
    given |= executor.additional_parameters
    return {option: value for option, value in given.items() if value is not None}


def written(given: Mapping[str, str | bool]) -> str:
    """Options of sbatch, as they stand in a batch script."""
    return "".join(
        f"#SBATCH --{option}\n" if value is True else f"#SBATCH --{option}={_quoted(str(value))}\n"
        for option, value in given.items()
    )


def _quoted(value: str) -> str:
    """A value as sbatch reads it in a script: quotes and backslashes are as in a shell."""
    return value if _SAFE.fullmatch(value) else shlex.quote(value)
