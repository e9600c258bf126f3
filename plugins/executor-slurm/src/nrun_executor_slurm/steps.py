"""Steps: what srun is told, and the script that it starts for every process, or on every node for a launcher. Pure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import attrs

from nrun import PlanError
from nrun.model import JobPath, Worker
from nrun.planning import exportable, word_of
from nrun.words import JobVariable, Joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun import Container
    from nrun.model import Command, Word
    from nrun_executor_slurm.executor import SlurmExecutor

STEP = "step.sh"

# The batch script runs on the head node, so it sees which ports are taken there. They are below those that the system
# gives to outgoing connections.
_HEAD = """\
NRUN_HEAD_NODE=$(scontrol show hostnames "${{SLURM_JOB_NODELIST:-}}" 2>/dev/null | head -n 1)
getent hosts "${{NRUN_HEAD_NODE:-.}}" >/dev/null 2>&1 || NRUN_HEAD_NODE=$(uname -n)
NRUN_HEAD_PORT=$((${{SLURM_JOB_ID:-0}} % 20000 + 12000))
while grep -q "$(printf ':%04X \\n' {ports})" /proc/net/tcp /proc/net/tcp6 2>/dev/null; do
    NRUN_HEAD_PORT=$((NRUN_HEAD_PORT + {count}))
done
export NRUN_HEAD_NODE NRUN_HEAD_PORT MASTER_ADDR="$NRUN_HEAD_NODE" MASTER_PORT="$NRUN_HEAD_PORT"
"""
_FOLDER = """\
export NRUN_EXPERIMENT_DIR="${PWD%/*/*/*}"
"""
_RANKS = """\
#!/bin/sh
# One process of a job, as srun starts it.
export RANK="${SLURM_PROCID:-0}" LOCAL_RANK="${SLURM_LOCALID:-0}" NODE_RANK="${SLURM_NODEID:-0}"
export WORLD_SIZE="${SLURM_NTASKS:-1}" NRUN_NODE_RANK="$NODE_RANK" NRUN_RANK_FROM=RANK
"""
_NODES = """\
#!/bin/sh
# What starts the processes of a node, as srun starts it.
export NODE_RANK="${SLURM_NODEID:-0}" NRUN_NODE_RANK="${SLURM_NODEID:-0}"
"""
_OWN_PORT = """\
export NRUN_HEAD_PORT="$((NRUN_HEAD_PORT + {index}))" MASTER_PORT="$((MASTER_PORT + {index}))"
"""


def has_steps(executor: SlurmExecutor, commands: Sequence[Command]) -> bool:
    """Whether srun starts the processes: there are several, or Slurm is to signal them or to run them in an image.

    Raises PlanError if there are containers for other than its tasks.
    """
    own = executor.task_containers
    if own and len(own) != len(commands):
        msg = f"task_containers has {len(own)} containers, and the job {len(commands)} tasks"
        raise PlanError(msg, hint="give one for each task of the group, None for a task without")
    ranks = executor.nodes * (1 if _has_own_ranks(executor) else executor.ntasks_per_node)
    return ranks > 1 or executor.signal is not None or bool(own) or _asks_for_images(executor, commands)


def head(executor: SlurmExecutor, commands: Sequence[Command]) -> str:
    """What the batch script finds out for all of its steps."""
    more = (f' "$((NRUN_HEAD_PORT + {index}))"' for index in range(1, len(commands)))
    ports = '"$NRUN_HEAD_PORT"' + "".join(more)
    text = _HEAD.format(count=len(commands), ports=ports)
    return text + (_FOLDER if _asks_for_images(executor, commands) else "")


def as_step(command: Command, executor: SlurmExecutor, index: int, count: int) -> Command:
    """`command`, which is one of `count` side by side, as srun starts it."""
    container = _container(executor, index)
    if executor.task_containers and container is not None:
        inside = command.argv[0] if command.argv[0] != executor.python else container.python
        command = container.wrap(attrs.evolve(command, argv=(inside, *command.argv[1:])), executor)
    options = container.step_options(command) if container is not None else ()
    words = [*_srun(executor, side_by_side=count > 1), *map(_plain, options), "sh", JobPath(STEP)]
    script = _NODES if _has_own_ranks(executor) else _RANKS
    script += _OWN_PORT.format(index=index) if index else ""
    if options:  # variables of the image would go before those of srun
        given = {name: value for name, value in command.env.items() if exportable(name)}
        script += "".join(f"export {name}={shlex.quote(value)}\n" for name, value in given.items())
    up = "../" if count > 1 else ""
    script += f"cd {word_of(command.cwd, up)} || exit 72\n"
    script += f"exec {' '.join(word_of(word, up) for word in command.argv)}\n"
    files = {**command.files, STEP: script}
    return attrs.evolve(command, argv=tuple(words), cwd=JobPath("."), files=files)


def _srun(executor: SlurmExecutor, *, side_by_side: bool) -> list[str]:
    """How srun starts the processes of a command. A launcher that starts those of a node has all that they have."""
    words = ["srun", "--export=ALL", "--kill-on-bad-exit=1", "--wait=60"]
    whole = executor.ntasks_per_node if _has_own_ranks(executor) else 1
    if _has_own_ranks(executor):
        words += [f"--ntasks={executor.nodes}", "--ntasks-per-node=1"]
    if side_by_side:
        words.append("--overlap")
    if executor.cpus_per_task is not None:  # since 22.05 it does not inherit that
        words.append(f"--cpus-per-task={executor.cpus_per_task * whole}")
    if executor.gpus_per_task is not None and whole > 1:
        kind, colon, number = str(executor.gpus_per_task).rpartition(":")
        words.append(f"--gpus-per-task={kind}{colon}{int(number) * whole}")
    return [*words, *executor.srun_args]


def _has_own_ranks(executor: SlurmExecutor) -> bool:
    """Whether its launcher starts the processes of a node."""
    return executor.launcher is not None and executor.launcher.starts_ranks()


def _container(executor: SlurmExecutor, index: int) -> Container | None:
    return executor.task_containers[index] if executor.task_containers else executor.container


def _asks_for_images(executor: SlurmExecutor, commands: Sequence[Command]) -> bool:
    """Whether srun is told of an image."""
    containers = (_container(executor, index) for index in range(len(commands)))
    return any(one and one.step_options(command) for one, command in zip(containers, commands, strict=True))


def _plain(word: Word) -> Word:
    """An option of srun, where a folder is mounted at the very path that it is given: without `..` in it."""
    if isinstance(word, Worker) and word.folder:
        return JobVariable("NRUN_EXPERIMENT_DIR")
    return Joined(tuple(map(_plain, word.words))) if isinstance(word, Joined) else word
