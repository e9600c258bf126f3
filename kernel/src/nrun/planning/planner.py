"""Makes a plan of the jobs of an experiment: participants have their say, everything is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from nrun.errors import PlanError
from nrun.planning.jobs import Job, Plan, Surroundings, check_dependencies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nrun.model import Place
    from nrun.plugins import Hooks
    from nrun.protocols import Backend


def plan_experiment(
    title: str, jobs: Sequence[Job], surroundings: Surroundings, hooks: Hooks, backends: Mapping[Place, Backend]
) -> Plan:
    """The plan for `jobs`, whose names are unique and whose `backends` are not opened.

    Raises PlanError for unknown or circular dependencies, for what a backend refuses, and for what a
    plugin objects to; PluginError when a plugin that takes part fails.
    """
    if not jobs:
        msg = f"experiment {title!r} has no jobs"
        raise PlanError(msg, hint="add some with exp.add(task, executor=...)")
    plan = Plan(title=title, jobs=tuple(_configured(job, hooks) for job in jobs), surroundings=surroundings)
    check_dependencies(plan.jobs)
    problems = [problem for job in plan.jobs for problem in _refused(job, backends[job.executor.place()])]
    problems += hooks.validate(plan)
    if problems:
        shown = "".join(f"\n  {problem}" for problem in problems[:20])
        more = f"\n  and {len(problems) - 20} more" if len(problems) > 20 else ""  # noqa: PLR2004 - a screenful
        msg = f"the plan of {title!r} is refused:{shown}{more}"
        raise PlanError(msg)
    return plan


def _configured(job: Job, hooks: Hooks) -> Job:
    tasks = tuple(hooks.configure(task, job.name) for task in job.tasks)
    return job if tasks == job.tasks else attrs.evolve(job, tasks=tasks)


def _refused(job: Job, backend: Backend) -> list[str]:
    """What `job` needs and its backend says it cannot do, each with the backend's reason."""
    needs = {"groups": len(job.tasks) > 1, "code": job.executor.packager.ships}
    refuses = backend.capabilities.refuses
    return [
        f"job {job.name!r} needs {feature!r}, which {job.executor.place().kind} refuses: {refuses[feature]}"
        for feature, needed in needs.items()
        if needed and feature in refuses
    ]
