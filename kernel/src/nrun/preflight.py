"""What is checked of a plan, and looked up for it, before anything is written."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import attrs

from nrun.config.script import Script
from nrun.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nrun.model import Place
    from nrun.planning import Job, Plan
    from nrun.protocols import Backend


def check_carried_on(plan: Plan) -> None:
    """Raises PlanError for an executor that another process could not make again from the record."""
    from nrun.config.codec import encode
    from nrun.errors import ConfigError

    for executor in plan.executors():
        try:
            form = encode(executor)
        except ConfigError:
            form = "__main__:"
        if "__main__:" in str(form):
            msg = f"{type(executor).__name__} cannot be left to another process, which does not have its class"
            raise PlanError(msg, hint="move the class from the launching script to a module and import it")


def check_files(plan: Plan, backends: Mapping[Place, Backend]) -> None:
    """Raises PlanError for a script that does not exist where its job will look for it, on this machine."""
    for job in plan.jobs:
        if not backends[job.executor.place()].capabilities.here or job.executor.packager.ships:
            continue
        for task in job.tasks:
            if isinstance(task, Script) and task.path and not task.m:
                path = Path(plan.surroundings.cwd, task.path)
                if not path.exists():
                    msg = f"job {job.name!r}: there is no file {task.path!r} (looked for {path})"
                    raise PlanError(msg, hint="a path is relative to the folder you launch from")


def check_outputs(patterns: Iterable[object]) -> tuple[str, ...]:
    """`patterns` if they can name outputs. Raises PlanError."""
    found = (patterns,) if isinstance(patterns, str) else tuple(patterns)
    for one in found:
        if not isinstance(one, str) or not one or PurePosixPath(one).is_absolute() or ".." in PurePosixPath(one).parts:
            msg = f"an output is a path or pattern within the folder in which the job runs, not {one!r:.80}"
            raise PlanError(msg, hint='such as outputs=["checkpoints/*.pt"]')
    return tuple(str(one) for one in found)


def with_start(job: Job, cwd: str) -> Job:
    """`job` with packagers that know where the folder `cwd` lies in what they ship."""
    executors = tuple(
        one.clone(packager=one.packager.at(Path(cwd))) if one.packager.ships else one for one in job.executors
    )
    return job if executors == job.executors else attrs.evolve(job, executors=executors)
