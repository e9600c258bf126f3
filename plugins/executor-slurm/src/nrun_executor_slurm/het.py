"""Heterogeneous jobs: the tasks of a group, each with resources of its own, in one allocation of components. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from nrun import PlanError
from nrun_executor_slurm.executor import SlurmExecutor
from nrun_executor_slurm.script import FLAGS, options, written
from nrun_executor_slurm.steps import STEP, as_step, head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun.model import Command, Launch

WHOLE = {"account", "qos", "time", "signal", "reservation"}
"""Options that all components share."""
OWN = {*FLAGS, "exclusive", "srun_args"} - WHOLE
"""Fields by which components differ."""
_HOSTS = """\
NRUN_HET_HOST_{group}=$(scontrol show hostnames "${{SLURM_JOB_NODELIST_HET_GROUP_{group}:-}}" 2>/dev/null | head -n 1)
export NRUN_HET_HOST_{group}="${{NRUN_HET_HOST_{group}:-$NRUN_HEAD_NODE}}"
"""
_MEET = """\
export NRUN_HEAD_NODE="$NRUN_HET_HOST_{group}" MASTER_ADDR="$NRUN_HET_HOST_{group}"
"""


def check(executor: SlurmExecutor) -> None:
    """Raises ValueError for components that ask for what they cannot have."""
    plain = SlurmExecutor()
    for number, one in enumerate(executor.heterogeneous):
        for field in attrs.fields(SlurmExecutor):
            given = getattr(one, field.name)
            if field.name not in OWN and given not in (getattr(plain, field.name), getattr(executor, field.name)):
                msg = f"heterogeneous[{number}].{field.name}: components have resources of their own, and nothing else"
                raise ValueError(msg)
    if executor.heterogeneous and executor.launcher is not None:
        msg = "launcher: the tasks of a heterogeneous job start without one, for it would not know their components"
        raise ValueError(msg)
    if executor.heterogeneous and executor.deadline_signal is not None:
        msg = "deadline_signal: a heterogeneous job is not queued again by itself, for Slurm signals one component"
        raise ValueError(msg)
    groups = executor.het_group_indices
    if groups is not None and sorted(set(groups)) != list(range(len(executor.heterogeneous))):
        msg = f"het_group_indices has for each task the number of its component, from 0, none left out; not {groups!r}"
        raise ValueError(msg)


def components(executor: SlurmExecutor) -> list[SlurmExecutor]:
    """The executor as each component has it: what that leaves open is as the job has it."""
    found = []
    for one in executor.heterogeneous:
        own: dict[str, Any] = {name: value for name in OWN if (value := getattr(one, name)) not in (None, False, ())}
        found.append(executor.clone(**own, heterogeneous=(), het_group_indices=None))
    return found


def groups(launch: Launch, executor: SlurmExecutor) -> Sequence[int]:
    """The component of each task. Raises PlanError if there are others than tasks."""
    given = executor.het_group_indices
    found = list(given) if given is not None else list(range(len(executor.heterogeneous)))
    if len(found) != len(launch.commands):
        msg = f"job {launch.job!r} has {len(launch.commands)} tasks, and components for {len(found)}"
        raise PlanError(msg, hint="say in het_group_indices which component each task has")
    return found


def requests(launch: Launch, executor: SlurmExecutor) -> str:
    """The options of all components, as they stand in a batch script."""
    first, *others = components(executor)
    text = written(options(first, launch.job))
    for one in others:
        given = options(one, launch.job)
        own = {name: value for name, value in given.items() if name.replace("-", "_") in {*FLAGS, "exclusive"}}
        text += "#SBATCH hetjob\n" + written(own)
    return text


def hosts(launch: Launch, executor: SlurmExecutor) -> str:
    """What the batch script finds out for the steps of all components."""
    numbers = range(len(executor.heterogeneous))
    return head(executor, launch.commands) + "".join(_HOSTS.format(group=number) for number in numbers)


def steps(launch: Launch, executor: SlurmExecutor) -> tuple[Command, ...]:
    """The commands, each as srun starts it in its component."""
    found, parts, count = [], components(executor), len(launch.commands)
    for index, (command, group) in enumerate(zip(launch.commands, groups(launch, executor), strict=True)):
        step = as_step(command, parts[group], index, count)
        first, line, rest = step.files[STEP].partition("\n")
        script = first + line + _MEET.format(group=group) + rest
        argv = (step.argv[0], f"--het-group={group}", *step.argv[1:])
        found.append(attrs.evolve(step, argv=argv, files={**step.files, STEP: script}))
    return tuple(found)
