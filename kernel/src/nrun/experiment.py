"""`Experiment`: tasks, executors and dependencies, run as one and found again afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from nrun.config.script import Script
from nrun.errors import PlanError, RecordError, UnknownName, did_you_mean
from nrun.job import Job, name_of, task_of
from nrun.launching import current_session, stop_loading, surroundings
from nrun.model import State
from nrun.outcome import ExperimentStatus, catalogued, jobs_failed, status_of
from nrun.planning import Job as PlannedJob
from nrun.planning import check_executor, check_name, dependency_names, launch_of, plan_experiment, task_json
from nrun.plugins import installed
from nrun.protocols import Plugin
from nrun.record import JobStatus, Journal, claim_folder, copy_worker, experiments, find_experiment, home_folder
from nrun.sync import run_sync

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from types import TracebackType
    from typing import Self

    from nrun.engine.view import View
    from nrun.model import Place
    from nrun.planning import Plan, Task
    from nrun.plugins import Hooks
    from nrun.protocols import Backend, Executor
    from nrun.record import ExperimentFolder


class Experiment:
    """Collects jobs, runs them, and is the way back to them.

    >>> with Experiment("hello") as exp:
    ...     exp.add(Script(inline="echo hi"))
    ...     exp.run()

    `title` names a folder of the record. `executor` is for jobs that name none; without it, the default
    executor. Records are kept under `home` (default: `$NRUN_HOME`, else `~/.nrun`).
    """

    def __init__(
        self,
        title: str,
        executor: Executor | None = None,
        *,
        home: str | os.PathLike[str] | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        stop_loading()
        self.title = check_name(title, "the title of an experiment")
        self.executor = executor
        self._home = home_folder(home)
        self._hooks = hooks or installed()
        self._jobs: dict[str, PlannedJob] = {}
        self._folder: ExperimentFolder | None = None
        self._view: View | None = None
        self._created = 0.0
        self._numbers: dict[str, int] = {}

    # ---- finding experiments

    @classmethod
    def from_id(
        cls, word: str, *, home: str | os.PathLike[str] | None = None, hooks: Hooks | None = None
    ) -> Experiment:
        """The experiment with that id; a unique beginning of it, a title or `latest` will do. Raises RecordError."""
        return cls._loaded(find_experiment(home_folder(home), word), hooks)

    @classmethod
    def from_title(
        cls, title: str, *, home: str | os.PathLike[str] | None = None, hooks: Hooks | None = None
    ) -> Experiment:
        """The newest experiment of that title. Raises RecordError."""
        base = home_folder(home)
        found = experiments(base, check_name(title, "the title of an experiment"))
        if not found:
            close = did_you_mean(title, {folder.title for folder in experiments(base)})
            msg = f"there is no experiment with the title {title!r}.{close}"
            raise RecordError(msg, hint="`nrun list` shows what there is")
        return cls._loaded(found[0], hooks)

    @classmethod
    def catalog(
        cls, title: str | None = None, *, limit: int | None = None, home: str | os.PathLike[str] | None = None
    ) -> list[ExperimentStatus]:
        """The experiments in the record, newest first, as the record knows them; nobody is asked."""
        return [catalogued(folder) for folder in experiments(home_folder(home), title)[:limit]]

    @classmethod
    def _loaded(cls, folder: ExperimentFolder, hooks: Hooks | None) -> Experiment:
        from nrun.engine.look import read_view

        exp = cls(folder.title, home=folder.home, hooks=hooks)
        exp._folder, exp._view = folder, read_view(folder)
        return exp

    # ---- describing

    @property
    def id(self) -> str | None:
        """The id, once it has been run."""
        return self._folder.id if self._folder else None

    @property
    def path(self) -> Path | None:
        """Its folder in the record, once it has been run."""
        return self._folder.path if self._folder else None

    def add(
        self,
        task: Task | Callable[[], Any] | Sequence[Task | Callable[[], Any]],
        executor: Executor | None = None,
        name: str = "",
        *,
        dependencies: Sequence[str] | None = None,
        plugins: Sequence[Plugin] = (),
    ) -> str:
        """Add a job and give its name, which is also what `dependencies` takes.

        The task is copied, so that it may be changed and added again. A list of tasks is a group: they run side by
        side as one job, and need a name. `plugins` change the job's tasks and executor, one after another. Raises
        PlanError for a name that is taken or cannot be a folder and for what is no executor, ConfigError for a task
        that cannot travel.
        """
        if self._folder is not None:
            msg = f"experiment {self.title!r} has been run; jobs are added before that"
            raise PlanError(msg, hint="make another Experiment")
        group = isinstance(task, Sequence)
        placed = check_executor(executor or self.executor or self._default_executor())
        tasks: tuple[Task, ...] = ()
        for one in task if isinstance(task, Sequence) else (task,):
            changed, placed = _set_up(task_of(one), placed, plugins)
            if not isinstance(changed, Script):
                task_json(changed, surroundings())  # what cannot travel is refused now, not when it is submitted
            tasks += (changed,)
        if not tasks:
            msg = "a group needs at least one task"
            raise PlanError(msg)
        if group and not name:
            msg = "a group of tasks needs a name: exp.add([...], name=...)"
            raise PlanError(msg)
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
            executor=placed,
            dependencies=dependency_names(dependencies or ()),
        )
        if (session := current_session()) is not None:
            session.note(self)
        return name

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
        names = self._view.statuses if self._view is not None else self._jobs
        return {name: Job(self, name) for name in names}

    # ---- running

    def plan(self, *, sequential: bool = False) -> Plan:
        """Exactly what `run` would do. Writes nothing, submits nothing. Raises PlanError."""
        return self._plan(sequential=sequential)[0]

    def scripts(self, *, sequential: bool = False) -> Iterator[tuple[str, str]]:
        """The exact text that `run` would hand over: pairs of a name and a file or request, in order."""
        plan, backends = self._plan(sequential=sequential)
        for job in plan.jobs:
            for submission in backends[job.executor.place()].plan([launch_of(job, plan)]):
                if submission.request:
                    yield f"{job.name} (request)", submission.request
                for file, text in submission.files[job.name].items():
                    yield f"{job.name}/{file}", text

    def run(self, *, sequential: bool = False, check: bool = True, tail_logs: bool = False) -> ExperimentStatus:
        """Run every job to its end. With `sequential`, one after another in the order they were added.

        With `tail_logs`, what the jobs write is printed as it comes, each line behind the name of its job.

        Raises JobsFailed when jobs did not succeed, unless `check` is False; PlanError before anything is
        written if the experiment cannot be run as it is. Ctrl-C stops what runs on this machine.
        """
        session = current_session()
        if session is not None and session.plan_only:
            if sequential:
                session.sequential.add(id(self))
            return ExperimentStatus(id=None, title=self.title, state=State.PENDING, created=None, jobs={})
        try:
            return run_sync(self.run_async(sequential=sequential, check=check, tail_logs=tail_logs))
        except KeyboardInterrupt:
            if self._view is not None:
                stopped = sum(job.state is State.CANCELLED for job in self._view.statuses.values())
                print(f"nrun: interrupted; {stopped} jobs cancelled; nrun status {self.id}", file=sys.stderr)  # noqa: T201 - Ctrl-C is answered by words
            raise

    async def run_async(
        self, *, sequential: bool = False, check: bool = True, tail_logs: bool = False
    ) -> ExperimentStatus:
        """As `run`, for programs that have an event loop of their own."""
        from nrun.engine.run import Run
        from nrun.record.describe import describe

        if self._folder is not None:
            msg = f"experiment {self.title!r} has been run already, as {self._folder.id}"
            raise PlanError(msg, hint="make another Experiment to run the jobs again")
        plan, backends = self._plan(sequential=sequential)
        _check_files(plan, backends)
        folder = claim_folder(self._home, self.title)
        self._created = time.time()
        versions = {r.ref.distribution: r.ref.version for r in self._hooks.host.records if r.state == "LOADED"}
        copy_worker(folder)
        describe(plan, folder, versions, self._created)
        self._folder = folder
        with Journal(folder.journal) as journal:
            run = Run(plan, folder, journal, self._hooks, backends)
            view = self._keep(plan, run.statuses, folder)
            async with _tailing(view, self._hooks) if tail_logs else contextlib.nullcontext():
                await run.execute()
        status = status_of(view)
        if check and status.state is not State.SUCCEEDED:
            raise await jobs_failed(self, status)
        return status

    def _keep(self, plan: Plan, statuses: dict[str, JobStatus], folder: ExperimentFolder) -> View:
        """What the run knows becomes what this object knows; nothing is read back."""
        from nrun.engine.view import View

        self._view = View(
            folder=folder,
            created=self._created,
            places={job.name: job.executor.place() for job in plan.jobs},
            grace_s=max(job.executor.grace_s for job in plan.jobs),
            statuses=statuses,
            damaged=(),
            launcher_gone=False,
        )
        return self._view

    def _plan(self, *, sequential: bool) -> tuple[Plan, dict[Place, Backend]]:
        jobs = list(self._jobs.values())
        if sequential:
            jobs = [
                attrs.evolve(job, dependencies=(*job.dependencies, before.name)) if before else job
                for job, before in zip(jobs, [None, *jobs], strict=False)
            ]
        backends: dict[Place, Backend] = {}
        for job in jobs:
            place = job.executor.place()
            if place not in backends:
                backends[place] = self._hooks.executors.get(place.kind).backend()(place)
        return plan_experiment(self.title, jobs, surroundings(), self._hooks, backends), backends

    # ---- looking

    def status(self) -> ExperimentStatus:
        """What is known now; backends are asked about jobs that have not ended."""
        if self._folder is None:
            waiting = {name: JobStatus(name=name) for name in self._jobs}
            return ExperimentStatus(id=None, title=self.title, state=State.PENDING, created=None, jobs=waiting)
        if self._view is None or any(not status.state.ended for status in self._view.statuses.values()):
            from nrun.engine.look import look

            self._view = run_sync(look(self._folder, self._hooks))
        return status_of(self._view)

    def logs(self, job: str, *, stream: str | None = None, tail: int | None = None) -> str:
        """The log of a job: its output, then its errors.

        `stream` ("out" or "err") asks for one of them, `tail` for the last lines.
        """
        return self.job(job).logs(stream=stream, tail=tail)

    def cancel(self, *jobs: str) -> dict[str, str]:
        """Stop jobs; without names, all that have not ended. Gives what could not be stopped, and why."""
        from nrun.engine.look import cancel

        view, hooks = self.looked()
        names = [self.job(name).name for name in jobs] or list(view.statuses)
        by = f"{os.environ.get('USER', 'somebody')} (process {os.getpid()})"
        return run_sync(cancel(view, names, hooks, by))

    def looked(self) -> tuple[View, Hooks]:
        """What is known of the run, and the plugins that know more. Raises PlanError if there was none."""
        self.status()
        if self._view is None:
            msg = f"experiment {self.title!r} has not been run"
            raise PlanError(msg, hint="exp.run() runs it")
        return self._view, self._hooks

    def job(self, name: str) -> Job:
        """The job called `name`. Raises UnknownName with what comes close."""
        jobs = self.jobs
        if name not in jobs:
            msg = f"there is no job {name!r} in experiment {self.title!r}.{did_you_mean(name, jobs)}"
            raise UnknownName(msg, hint=f"its jobs: {', '.join(map(repr, jobs))[:400]}")
        return jobs[name]

    # ---- with

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to wait for: `run` waited, and an exception in the body must not be held up."""

    def __repr__(self) -> str:
        return f"Experiment({self.title!r}, id={self.id!r}, jobs={len(self.jobs)})"


def run(task: Task | Callable[[], Any], executor: Executor | None = None, name: str = "", *, check: bool = True) -> Job:
    """Run one task as an experiment of its own, and give the job, which has ended.

    Raises JobsFailed if it did not succeed, unless `check` is False.
    """
    one = task_of(task)
    exp = Experiment(name or name_of(one), executor)
    job = exp.add(one, name=name)
    exp.run(check=check)
    return exp.jobs[job]


@contextlib.asynccontextmanager
async def _tailing(view: View, hooks: Hooks) -> AsyncIterator[None]:
    """Within it, the logs of the jobs are printed. Trouble with that is told, and does not touch the run."""
    from nrun.engine.tail import tail
    from nrun.text import printable

    def write(job: str, line: str) -> None:
        print(f"{printable(job)}| {printable(line.expandtabs())}")  # noqa: T201 - it was asked for

    tailing = asyncio.create_task(tail(view, hooks, write))
    try:
        yield
        (trouble,) = await asyncio.gather(tailing, return_exceptions=True)
        if trouble is not None:
            print(f"nrun: the logs cannot be shown: {trouble}", file=sys.stderr)  # noqa: T201 - as above
    finally:
        tailing.cancel()


def _set_up(task: Task, executor: Executor, plugins: Sequence[object]) -> tuple[Task, Executor]:
    """A task and its executor as `plugins` want them. Raises PlanError for what is no plugin."""
    for plugin in plugins:
        if not isinstance(plugin, Plugin):
            msg = f"plugins must be a list of objects such as OurPlugin(), not {plugin!r:.80}"
            raise PlanError(msg, hint="a plugin is a subclass of run.Plugin")
        task, executor = plugin.setup(task, executor) or (task, executor)
    return task, check_executor(executor)


def _check_files(plan: Plan, backends: Mapping[Place, Backend]) -> None:
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
