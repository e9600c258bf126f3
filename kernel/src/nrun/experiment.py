"""`Experiment`: tasks, executors and dependencies, run as one and found again afterwards."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs

from nrun.config.script import Script
from nrun.config.target import symbol_of
from nrun.errors import InCharge, PlanError
from nrun.interrupts import policy
from nrun.job import Job, name_of, set_up, task_of
from nrun.kept import Kept
from nrun.launching import current_session, only_planned, stop_loading, surroundings, wishes
from nrun.model import State
from nrun.outcome import ExperimentStatus, jobs_failed, plan_text, status_of
from nrun.planning import (
    Dependency,
    RecordedTask,
    check_executor,
    check_name,
    dependencies_of,
    launch_of,
    one_after_another,
    plan_experiment,
    task_json,
)
from nrun.planning import Job as PlannedJob
from nrun.preflight import check_carried_on, check_files, check_outputs, with_start
from nrun.record import JobStatus, Journal, claim_folder, copy_worker, discard, publish

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType
    from typing import Self

    from nrun.interrupts import OnInterrupt
    from nrun.model import Place
    from nrun.planning import Plan, Task
    from nrun.plugins import Hooks
    from nrun.protocols import Backend, Executor, Plugin
    from nrun.record import ExperimentFolder


class Experiment(Kept):
    """Collects jobs, runs them, and is the way back to them.

    >>> with Experiment("hello") as exp:
    ...     exp.add(Script(inline="echo hi"))
    ...     exp.run()

    `title` names a folder of the record. `executor` is for jobs that name none; without it, the default
    executor. Records are kept under `home` (default: `$NRUN_HOME`, else `~/.nrun`). `log_level` is for its own log.
    """

    def __init__(
        self,
        title: str,
        executor: Executor | None = None,
        *,
        log_level: str | int | None = None,
        home: str | os.PathLike[str] | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        stop_loading()
        super().__init__(title, home=home, hooks=hooks)
        if log_level is not None:
            import logging

            logging.getLogger("nrun").setLevel(log_level)
        self.executor = executor
        self._jobs: dict[str, PlannedJob] = {}
        self._tailed: set[str] = set()
        self._created, self._fingerprint = 0.0, ""
        self._numbers: dict[str, int] = {}

    # ---- describing

    def add(  # noqa: PLR0913 - what there is to say about a job
        self,
        task: Task | Callable[[], Any] | Sequence[Task | Callable[[], Any]],
        executor: Executor | None = None,
        name: str = "",
        *,
        dependencies: Sequence[str | Dependency] | None = None,
        fallbacks: Sequence[Executor] = (),
        plugins: Sequence[Plugin] | Plugin = (),
        outputs: Sequence[str] = (),
        tail_logs: bool = False,
    ) -> str:
        """Add a job and give its name, which is also what `dependencies` takes.

        The task is copied, so that it may be changed and added again. A list of tasks is a group: they run side by
        side as one job, and need a name. A job that `executor` cannot take, or loses, goes to the `fallbacks` in
        turn. `dependencies` are names of jobs that must have succeeded, or `Dependency` objects. `plugins` change
        the job's tasks and executor, one after another. `outputs` are paths and patterns, from the folder in which
        the job runs, of what is kept in the record when it has ended. With `tail_logs`, `run` prints what this job
        writes. Raises PlanError for a name that is taken or cannot be a folder and for what is no executor,
        ConfigError for a task that cannot travel.
        """
        if self._folder is not None:
            msg = f"experiment {self.title!r} has been run; jobs are added before that"
            raise PlanError(msg, hint="make another Experiment")
        group = isinstance(task, Sequence)
        placed = check_executor(executor or self.executor or self._default_executor())
        tasks: tuple[Task, ...] = ()
        for one in task if isinstance(task, Sequence) else (task,):
            changed, placed = set_up(task_of(one), placed, plugins)
            if not isinstance(changed, Script):
                task_json(changed, surroundings())  # what cannot travel is refused now, not when it is submitted
            tasks += (changed,)
        if not tasks:
            raise PlanError("a group needs at least one task")
        if group and not name:
            raise PlanError("a group of tasks needs a name: exp.add([...], name=...)")
        if name:
            check_name(name, "the name of a job")
            if name in self._jobs:
                msg = f"there is a job {name!r} already in experiment {self.title!r}"
                raise PlanError(msg, hint="choose another name, or leave it out to have one made")
        else:
            name = self._free_name(name_of(tasks[0]))
        self._jobs[name] = PlannedJob(
            name=name,
            tasks=tasks,
            executors=(placed, *map(check_executor, fallbacks)),
            dependencies=self._dependencies(dependencies or ()),
            outputs=check_outputs(outputs),
        )
        self._tailed |= {name} if tail_logs else set()
        if (session := current_session()) is not None:
            session.note(self)
        return name

    def _dependencies(self, given: object) -> tuple[Dependency, ...]:
        """What was given, with the ids of other experiments. Raises NrunError."""
        found = dependencies_of(given)
        for one in found:
            if callable(one.when):  # another process must find it
                task_json(RecordedTask({"$partial": symbol_of(one.when)}), surroundings())
        return tuple(self._elsewhere(one, one.experiment) if one.experiment else one for one in found)

    def _elsewhere(self, dependency: Dependency, experiment: str) -> Dependency:
        other = self.from_id(experiment, home=self._home, hooks=self._hooks)
        return attrs.evolve(dependency, job=other.job(dependency.job).name, experiment=other.id)

    def _free_name(self, wanted: str) -> str:
        if wanted not in self._jobs:
            return wanted
        number = self._numbers.get(wanted, 1)
        while f"{wanted}_{number}" in self._jobs:
            number += 1
        self._numbers[wanted] = number + 1
        return f"{wanted}_{number}"

    def _default_executor(self) -> Executor:
        self.executor = self._hooks.executors.get(self._hooks.default_executor()).executor()()
        return self.executor

    @property
    def jobs(self) -> Mapping[str, Job]:
        """The jobs by name, in the order they were added."""
        return super().jobs if self._view is not None else {name: Job(self, name) for name in self._jobs}

    def status(self) -> ExperimentStatus:
        """What is known now; backends are asked about jobs that have not ended."""
        if self._folder is None:
            waiting = {name: JobStatus(name=name) for name in self._jobs}
            return ExperimentStatus(id=None, title=self.title, state=State.PENDING, created=None, jobs=waiting)
        return super().status()

    # ---- running

    def plan(self, *, sequential: bool = False) -> Plan:
        """Exactly what `run` would do. Writes nothing, submits nothing. Raises PlanError."""
        return self._plan(sequential=sequential)[0]

    def scripts(self, *, sequential: bool = False) -> Iterator[tuple[str, str]]:
        """The exact text that `run` would hand over: pairs of a name and a file or request, in order."""
        plan, backends = self._plan(sequential=sequential)
        for jobs in plan.batches():
            for one in backends[jobs[0].executor.place()].plan([launch_of(job, plan) for job in jobs]):
                if one.request:
                    yield f"{' to '.join(dict.fromkeys((one.jobs[0], one.jobs[-1])))} (request)", one.request
                for job, files in one.files.items():
                    yield from ((f"{job}/{file}", text) for file, text in files.items())

    def dryrun(self, *, sequential: bool = False) -> None:
        """Print exactly what `run` would hand over. Writes nothing, submits nothing. Raises PlanError."""
        print(plan_text(self, sequential=sequential))  # noqa: T201 - that is what it is for

    @property
    def tasks(self) -> list[Task]:
        """The tasks of all jobs, in the order they were added."""
        return [task for job in self._jobs.values() for task in job.tasks if not isinstance(task, RecordedTask)]

    def reset(self) -> Experiment:
        """A new experiment of the same jobs, to be run from the start. Raises RecordError if they cannot be read."""
        new = Experiment(self.title, self.executor, home=self._home, hooks=self._hooks)
        new._jobs = dict(self._jobs)
        if not new._jobs and self._folder is not None:
            from nrun.engine.takeover import recorded_plan

            new._jobs = {job.name: job for job in recorded_plan(self.description()).jobs}
        return new

    def run(  # noqa: PLR0913 - each is a wish of its own
        self,
        *,
        sequential: bool = False,
        direct: bool = False,
        fail_fast: bool = False,
        detach: bool = False,
        check: bool = True,
        tail_logs: bool = False,
        on_interrupt: OnInterrupt | None = None,
    ) -> ExperimentStatus:
        """Run every job to its end. With `sequential`, one after another in the order they were added.

        With `direct` they run in this process, one by one. With `fail_fast` the first failure ends the experiment.
        With `detach` this returns as soon as what can be submitted is; a process of its own carries the rest on.
        With `tail_logs`, what the jobs write is printed as it comes, each line behind the name of its job.
        `on_interrupt` says what Ctrl-C does: "detach" (default: jobs go on, and are looked after), "cancel", or "ask".

        Raises JobsFailed when jobs did not succeed, unless `check` is False; PlanError before anything is
        written if the experiment cannot be run as it is.
        """
        if only_planned(self, sequential=sequential):
            return self.status()
        if (session := current_session()) is not None and session.launch:
            return self.launch(
                sequential=sequential, fail_fast=fail_fast, detach=detach, check=check, on_interrupt=on_interrupt
            )
        detach, fail_fast, on_interrupt = wishes(detach=detach, fail_fast=fail_fast, on_interrupt=on_interrupt)
        stop = policy(on_interrupt) == "cancel"
        planned = self._plan(sequential=sequential, direct=direct, fail_fast=fail_fast)
        if detach:
            return self._drive(self._detached(*planned), on_interrupt)
        work = self._run(*planned, check=check, tail_logs=tail_logs, stop_when_interrupted=stop)
        return self._drive(work, on_interrupt)

    def launch(
        self,
        *,
        sequential: bool = False,
        fail_fast: bool = False,
        detach: bool = False,
        check: bool = True,
        on_interrupt: OnInterrupt | None = None,
    ) -> ExperimentStatus:
        """As `run`, once: an experiment of the same configuration, code and environment is not launched again.

        If that one has succeeded, nothing is done; if it runs, it is followed; what failed in it is run again; the
        warnings of the status say so. Of launches at the same moment one runs. Code is every module loaded from here.
        """
        if only_planned(self, sequential=sequential):
            return self.status()
        detach, fail_fast, on_interrupt = wishes(detach=detach, fail_fast=fail_fast, on_interrupt=on_interrupt)
        stop = policy(on_interrupt) == "cancel"
        how: Any = {"detach": detach, "check": check, "stop_when_cancelled": stop}
        return self._drive(self.launch_async(sequential=sequential, fail_fast=fail_fast, **how), on_interrupt)

    async def launch_async(
        self,
        *,
        sequential: bool = False,
        fail_fast: bool = False,
        detach: bool = False,
        check: bool = True,
        stop_when_cancelled: bool = False,
    ) -> ExperimentStatus:
        """As `launch`, for programs that have an event loop of their own; cancelling it is as for `run_async`."""
        from nrun.fingerprint import fingerprint_of, launched, take_up

        if only_planned(self, sequential=sequential):
            return self.status()
        planned = self._plan(sequential=sequential, fail_fast=fail_fast)
        self._fingerprint = fingerprint_of(planned[0], self._versions())
        with contextlib.suppress(InCharge):  # another launch of the same was faster, or has taken this one up
            if launched(self._home, self.title, self._fingerprint) is None:
                if detach:
                    return await self._detached(*planned)
                return await self._run(*planned, check=check, stop_when_interrupted=stop_when_cancelled)
        self._folder = launched(self._home, self.title, self._fingerprint)
        return await take_up(self, detach=detach, check=check, stop_when_cancelled=stop_when_cancelled)

    async def run_async(  # noqa: PLR0913 - as above
        self,
        *,
        sequential: bool = False,
        direct: bool = False,
        fail_fast: bool = False,
        check: bool = True,
        tail_logs: bool = False,
        stop_when_cancelled: bool = False,
    ) -> ExperimentStatus:
        """As `run`, for programs that have an event loop of their own.

        When it is cancelled, jobs that run go on and wait to be resumed, unless they are to be stopped.
        """
        if only_planned(self, sequential=sequential):
            return self.status()
        planned = self._plan(sequential=sequential, direct=direct, fail_fast=fail_fast)
        return await self._run(*planned, check=check, tail_logs=tail_logs, stop_when_interrupted=stop_when_cancelled)

    def _claim(self, plan: Plan, backends: Mapping[Place, Backend]) -> ExperimentFolder:
        """Write down what is asked, in a folder of its own. Raises PlanError, RecordError."""
        from nrun.record.describe import describe

        if self._folder is not None:
            msg = f"experiment {self.title!r} has been run already, as {self._folder.id}"
            raise PlanError(msg, hint="make another Experiment to run the jobs again, or use exp.rerun()")
        check_files(plan, backends)
        folder = claim_folder(self._home, self.title)
        self._created = time.time()
        try:
            copy_worker(folder)
            describe(plan, folder, self._versions(), self._created, self._fingerprint)
            folder = publish(folder)
        except BaseException:  # nothing half-written is left, whatever it was
            discard(folder)
            raise
        if self._fingerprint:
            from nrun.fingerprint import settle

            settle(folder, self._fingerprint)
        self._folder = folder
        return folder

    def _versions(self) -> dict[str, str]:
        return {r.ref.distribution: r.ref.version for r in self._hooks.host.records if r.state == "LOADED"}

    async def _detached(self, plan: Plan, backends: dict[Place, Backend]) -> ExperimentStatus:
        check_carried_on(plan)
        self._claim(plan, backends)
        self._leave_behind(until_handed_over=True)
        return status_of(self.recorded()[0])  # backends have just answered; nothing is asked again

    async def _run(
        self,
        plan: Plan,
        backends: dict[Place, Backend],
        *,
        check: bool,
        tail_logs: bool = False,
        stop_when_interrupted: bool,
    ) -> ExperimentStatus:
        from nrun.engine.charge import charge
        from nrun.engine.run import Run
        from nrun.engine.view import View

        folder = self._claim(plan, backends)
        async with charge(folder), contextlib.AsyncExitStack() as stack:
            journal = stack.enter_context(Journal(folder.journal))
            run = Run(plan, folder, journal, self._hooks, backends)
            self._view = view = View.of(plan, run.statuses, folder, self._created)
            if tailed := set(self._jobs) if tail_logs else self._tailed:
                from nrun.engine.tail import tailing

                await stack.enter_async_context(tailing(view, self._hooks, tailed))
            await run.execute(stop_when_interrupted=stop_when_interrupted)
        status = status_of(self._known())
        if check and status.state is not State.SUCCEEDED:
            raise await jobs_failed(self, status)
        return status

    def _plan(
        self, *, sequential: bool = False, direct: bool = False, fail_fast: bool = False
    ) -> tuple[Plan, dict[Place, Backend]]:
        jobs = list(self._jobs.values())
        if direct:
            here = self._hooks.executors.get("direct").executor()
            jobs = [attrs.evolve(job, executors=(here(env_vars=job.executor.env_vars),)) for job in jobs]
        if sequential:
            jobs = one_after_another(jobs)
        backends: dict[Place, Backend] = {}
        for place in [executor.place() for job in jobs for executor in job.executors]:
            if place not in backends:
                backends[place] = self._hooks.executors.get(place.kind).backend()(place)
        there = surroundings()
        jobs = [with_start(job, there.cwd) for job in jobs]
        return plan_experiment(self.title, jobs, there, self._hooks, backends, fail_fast=fail_fast), backends

    # ---- with

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to wait for: `run` waited, and an exception in the body must not be held up."""

    def __repr__(self) -> str:
        return f"Experiment({self.title!r}, id={self.id!r}, jobs={len(self.jobs)})"
