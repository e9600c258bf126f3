"""Makes a plan of the jobs of an experiment: participants have their say, everything is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs

from nrun.errors import PlanError
from nrun.planning.dependencies import check_dependencies
from nrun.planning.jobs import Job, Plan, Surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nrun.model import Place
    from nrun.planning.jobs import Task
    from nrun.plugins import Hooks
    from nrun.protocols import Backend, Executor


def plan_experiment(  # noqa: PLR0913 - what there is to plan, and with what
    title: str,
    jobs: Sequence[Job],
    surroundings: Surroundings,
    hooks: Hooks,
    backends: Mapping[Place, Backend],
    *,
    fail_fast: bool = False,
) -> Plan:
    """The plan for `jobs`, whose names are unique and whose `backends` are not opened.

    Raises PlanError for unknown or circular dependencies, for what a backend refuses, and for what a
    plugin objects to; PluginError when a plugin that takes part fails.
    """
    if not jobs:
        raise PlanError(f"experiment {title!r} has no jobs", hint="add some with exp.add(task, executor=...)")
    configured = tuple(_configured(job, hooks) for job in jobs)
    plan = Plan(title=title, jobs=configured, surroundings=surroundings, fail_fast=fail_fast)
    check_dependencies(plan.jobs)
    problems = [
        problem
        for job in plan.jobs
        for executor in job.executors
        for problem in _refused(job, executor, backends[executor.place()])
    ]
    problems += hooks.validate(plan)
    if problems:
        shown = "".join(f"\n  {problem}" for problem in problems[:20])
        more = f"\n  and {len(problems) - 20} more" if len(problems) > 20 else ""  # noqa: PLR2004 - a screenful
        raise PlanError(f"the plan of {title!r} is refused:{shown}{more}")
    return plan


def _configured(job: Job, hooks: Hooks) -> Job:
    tasks = tuple(hooks.configure(cast("Task", task), job.name) for task in job.tasks)
    return job if tasks == job.tasks else attrs.evolve(job, tasks=tasks)


def _refused(job: Job, executor: Executor, backend: Backend) -> list[str]:
    """What `job` needs and its backend says it cannot do, each with the backend's reason."""
    needs = {
        "groups": len(job.tasks) > 1,
        "code": executor.packager.ships,
        "output": executor.silence_timeout_s is not None,
        "outputs": bool(job.outputs),
    }
    refuses = backend.capabilities.refuses
    if job.outputs and not backend.capabilities.here:
        from nrun.abilities import BringsOutputs  # few jobs declare outputs

        if not isinstance(backend, BringsOutputs):
            refuses = {"outputs": "what its jobs leave is on other machines", **refuses}
    return [
        f"job {job.name!r} needs {feature!r}, which {executor.place().kind} refuses: {refuses[feature]}"
        for feature, needed in needs.items()
        if needed and feature in refuses
    ]
