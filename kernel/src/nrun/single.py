"""`run.run(task)`: one task as an experiment of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun.experiment import Experiment
from nrun.job import name_of, task_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from nrun.interrupts import OnInterrupt
    from nrun.job import Job
    from nrun.planning import Task
    from nrun.protocols import Executor, Plugin


def run(  # noqa: PLR0913 - what `add` and `run` of an experiment take
    task: Task | Callable[[], Any],
    executor: Executor | None = None,
    name: str = "",
    *,
    plugins: Sequence[Plugin] | Plugin = (),
    direct: bool = False,
    dryrun: bool = False,
    detach: bool = False,
    tail_logs: bool = False,
    log_level: str | int | None = None,
    check: bool = True,
    on_interrupt: OnInterrupt | None = None,
) -> Job:
    """Run one task as an experiment of its own, and give the job, which has ended unless it was detached.

    With `dryrun` what would be done is printed, and nothing is. The rest is as for `Experiment.add` and
    `Experiment.run`. Raises JobsFailed if it did not succeed, unless `check` is False.
    """
    one = task_of(task)
    exp = Experiment(name or name_of(one), executor, log_level=log_level)
    job = exp.add(one, name=name, plugins=plugins)
    if dryrun:
        exp.dryrun()
    else:
        exp.run(direct=direct, detach=detach, tail_logs=tail_logs, check=check, on_interrupt=on_interrupt)
    return exp.jobs[job]
