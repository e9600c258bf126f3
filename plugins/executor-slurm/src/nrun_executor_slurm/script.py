"""The batch script of a job: a pure function of its plan, to be read, and to be run by hand."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

import attrs

from nrun import PlanError
from nrun.model import JobPath, Submission
from nrun.planning import launch_files
from nrun_executor_slurm.executor import SlurmExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nrun.model import Launch

SCRIPT = "sbatch.ready"
"""The batch script, until somebody claims it by calling it sbatch.sh."""
RANK = "rank.sh"
_SAFE = re.compile(r"[A-Za-z0-9_.,:;@%^+=/\[\]&|*()~-]+", re.ASCII)
_FLAGS = (
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
_HEAD = """\
NRUN_HEAD_NODE=$(scontrol show hostnames "${SLURM_JOB_NODELIST:-}" 2>/dev/null | head -n 1)
export NRUN_HEAD_NODE="${NRUN_HEAD_NODE:-$(hostname)}"
# No two jobs on a node have the same port, unless their numbers are 20000 apart.
export MASTER_ADDR="$NRUN_HEAD_NODE" MASTER_PORT="$((${SLURM_JOB_ID:-0} % 20000 + 12000))"
"""
_RANK = """\
#!/bin/sh
# One process of a job, as srun starts it: sh rank.sh COMMAND...
export RANK="${SLURM_PROCID:-0}" LOCAL_RANK="${SLURM_LOCALID:-0}" NODE_RANK="${SLURM_NODEID:-0}"
export WORLD_SIZE="${SLURM_NTASKS:-1}"
if [ "$RANK" -ne 0 ]; then # only the first process leaves its result in the folder of the attempt
    _nrun_rank=$NRUN_JOB_DIR/rank-$RANK
    mkdir -p "$_nrun_rank"
    _nrun_count=$#
    while [ "$_nrun_count" -gt 0 ]; do
        _nrun_word=$1
        shift
        if [ "$_nrun_word" = "$NRUN_JOB_DIR/task.json" ]; then
            cp "$_nrun_word" "$_nrun_rank/task.json"
            _nrun_word=$_nrun_rank/task.json
        fi
        set -- "$@" "$_nrun_word"
        _nrun_count=$((_nrun_count - 1))
    done
    export NRUN_JOB_DIR="$_nrun_rank"
fi
exec "$@"
"""


def submission(launch: Launch) -> Submission:
    """The files of an attempt's folder and the batch script that starts them. Raises PlanError for other executors."""
    executor = launch.executor
    if not isinstance(executor, SlurmExecutor):
        msg = f"job {launch.job!r} has a {type(executor).__name__}, which says nothing to Slurm"
        raise PlanError(msg, hint="use a SlurmExecutor or a subclass of it")
    if _has_steps(executor):
        words = _srun(executor, side_by_side=len(launch.commands) > 1)
        commands = tuple(
            attrs.evolve(one, argv=(*words, "sh", JobPath(RANK), *one.argv), files={**one.files, RANK: _RANK})
            for one in launch.commands
        )
        launch = attrs.evolve(launch, commands=commands)
    files = {}
    if executor.comment is not None:
        files["comment"] = executor.comment
    files |= launch_files(launch)
    request = batch_script(launch, executor)
    return Submission(jobs=(launch.job,), files={launch.job: {**files, SCRIPT: request}}, request=request)


def batch_script(launch: Launch, executor: SlurmExecutor) -> str:
    """What sbatch is given."""
    head = "".join(f"#SBATCH {line}\n" for line in _options(launch, executor))
    what = f"Job {json.dumps(launch.job)} of {json.dumps(launch.experiment)}, written by nrun."
    body = _BODY.format(what=what)
    if executor.stderr_to_stdout:
        body += _MERGE
    if any(command.secrets for command in launch.commands):
        body += _SECRETS
    if _has_steps(executor):
        body += _HEAD
    if executor.setup_lines:
        body += executor.setup_lines.rstrip("\n") + "\n"
    return f'#!/bin/sh\n{head}{body}exec sh "$PWD/launch.sh"\n'


def _options(launch: Launch, executor: SlurmExecutor) -> Iterator[str]:
    options: dict[str, str | bool | None] = {
        "job-name": re.sub(r"[^A-Za-z0-9._-]", "_", executor.job_name_prefix + launch.job)
    }
    for name in _FLAGS:
        value = getattr(executor, name)
        if value is not None:
            options[name.replace("_", "-")] = str(value)
    if executor.exclusive:
        options["exclusive"] = executor.exclusive
    options |= {"requeue" if executor.requeue else "no-requeue": True, "output": "slurm.log", "open-mode": "append"}
    options |= executor.additional_parameters
    for name, given in options.items():
        if given is True:
            yield f"--{name}"
        elif given is not None:
            yield f"--{name}={_quoted(str(given))}"


def _quoted(value: str) -> str:
    """A value as sbatch reads it in a script: quotes and backslashes are as in a shell."""
    return value if _SAFE.fullmatch(value) else shlex.quote(value)


def _has_steps(executor: SlurmExecutor) -> bool:
    """Whether srun starts the processes: there are several, or Slurm is to signal them."""
    ranks = executor.nodes * (1 if executor.launcher is not None else executor.ntasks_per_node)
    return ranks > 1 or executor.signal is not None


def _srun(executor: SlurmExecutor, *, side_by_side: bool) -> list[str]:
    """How srun starts the processes of a command. A launcher starts those of a node itself."""
    words = ["srun", "--kill-on-bad-exit=1", "--wait=60"]
    if executor.launcher is not None:
        words += [f"--ntasks={executor.nodes}", "--ntasks-per-node=1"]
    if side_by_side:
        words.append("--overlap")
    if executor.cpus_per_task is not None:
        words.append(f"--cpus-per-task={executor.cpus_per_task}")  # since 22.05 it does not inherit that
    return [*words, *executor.srun_args]
