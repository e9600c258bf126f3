"""`Recorded`: an experiment as its record has it, looked at and looked after by any process."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from nrun.errors import InCharge, NrunError, PlanError, RecordError, UnknownName, did_you_mean
from nrun.interrupts import SECOND_PRESS_S, policy, say, wants_to_cancel
from nrun.job import Job
from nrun.model import State
from nrun.outcome import ExperimentStatus, jobs_failed, status_of
from nrun.planning import check_name
from nrun.plugins import installed
from nrun.record import experiments, find_experiment, home_folder, user
from nrun.sync import Stream, run_sync

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Mapping
    from pathlib import Path
    from typing import Any, Self

    from nrun.engine.view import View
    from nrun.interrupts import OnInterrupt
    from nrun.plugins import Hooks
    from nrun.record import ExperimentFolder
    from nrun.record.description import Description
    from nrun.sync import T

_PAUSE_S = 0.2


class Recorded:
    """What can be done with an experiment once it has been launched, here or anywhere else."""

    def __init__(self, title: str, *, home: str | os.PathLike[str] | None = None, hooks: Hooks | None = None) -> None:
        self.title = check_name(title, "the title of an experiment")
        self._home = home_folder(home)
        self._hooks = hooks or installed()
        self._folder: ExperimentFolder | None = None
        self._view: View | None = None

    # ---- finding experiments

    @classmethod
    def from_id(cls, word: str, *, home: str | os.PathLike[str] | None = None, hooks: Hooks | None = None) -> Self:
        """The experiment with that id; a unique beginning of it, a title or `latest` will do. Raises RecordError."""
        return cls._loaded(find_experiment(home_folder(home), word), hooks)

    @classmethod
    def from_title(cls, title: str, *, home: str | os.PathLike[str] | None = None, hooks: Hooks | None = None) -> Self:
        """The newest experiment of that title. Raises RecordError."""
        base = home_folder(home)
        found = experiments(base, check_name(title, "the title of an experiment"))
        if not found:
            close = did_you_mean(title, {folder.title for folder in experiments(base)})
            msg = f"there is no experiment with the title {title!r}.{close}"
            raise RecordError(msg, hint="`nrun list` shows what there is")
        return cls._loaded(found[0], hooks)

    @classmethod
    def _loaded(cls, folder: ExperimentFolder, hooks: Hooks | None) -> Self:
        from nrun.engine.look import read_view

        exp = cls(folder.title, home=folder.home, hooks=hooks)
        exp._folder, exp._view = folder, read_view(folder)
        return exp

    # ---- looking

    @property
    def id(self) -> str | None:
        """The id, once it has been run."""
        return self._folder.id if self._folder else None

    @property
    def path(self) -> Path | None:
        """Its folder in the record, once it has been run."""
        return self._folder.path if self._folder else None

    @property
    def jobs(self) -> Mapping[str, Job]:
        """The jobs by name, in the order they were added."""
        return {name: Job(self, name) for name in (self._view.statuses if self._view is not None else ())}

    def description(self) -> Description:
        """What was asked, by whom and where, as the record has it. Raises RecordError."""
        from nrun.record.description import read_description

        return read_description(self._launched())

    def job(self, name: str) -> Job:
        """The job called `name`. Raises UnknownName with what comes close."""
        jobs = self.jobs
        if name not in jobs:
            msg = f"there is no job {name!r} in experiment {self.title!r}.{did_you_mean(name, jobs)}"
            raise UnknownName(msg, hint=f"its jobs: {', '.join(map(repr, jobs))[:400]}")
        return jobs[name]

    def status(self) -> ExperimentStatus:
        """What is known now; backends are asked about jobs that have not ended."""
        return run_sync(self.status_async()) if self._asks() else status_of(self._known())

    async def status_async(self) -> ExperimentStatus:
        """As `status`, for programs that have an event loop of their own."""
        if self._asks():
            from nrun.engine.look import look

            self._view = await look(self._launched(), self._hooks)
        return status_of(self._known())

    def _asks(self) -> bool:
        """Whether there is anything to ask about."""
        return self._view is None or any(not status.state.ended for status in self._view.statuses.values())

    def changes(self) -> Stream[ExperimentStatus]:
        """The status now and whenever it has changed, until every job has ended. Nothing is steered by this."""
        return Stream(self._changes())

    async def _changes(self) -> AsyncGenerator[list[ExperimentStatus], None]:
        import asyncio

        last: object = None
        while True:
            status = await self.status_async()
            # When it was asked, and from what age a start was reckoned, differ at every look.
            jobs = [one.to_json() | {"observed_at": None, "started_at": None} for one in status.jobs.values()]
            if (told := (jobs, status.warnings)) != last:
                last = told
                yield [status]
            if status.state.ended:
                return
            await asyncio.sleep(_PAUSE_S)

    def logs(self, job: str, *, stream: str | None = None, tail: int | None = None, attempt: int | None = None) -> str:
        """The log of a job; see `Job.logs`."""
        return self.job(job).logs(stream=stream, tail=tail, attempt=attempt)

    def recorded(self) -> tuple[View, Hooks]:
        """What the record says now, without asking anybody, and the plugins that know more. Raises PlanError."""
        from nrun.engine.look import read_view

        return read_view(self._launched()) if self._asks() else self._known(), self._hooks

    def _known(self) -> View:
        if self._view is None:
            self._launched()
            raise RecordError(f"nothing is known of experiment {self.title!r}")
        return self._view

    def _launched(self) -> ExperimentFolder:
        if self._folder is None:
            raise PlanError(f"experiment {self.title!r} has not been run", hint="exp.run() runs it")
        return self._folder

    # ---- looking after

    def cancel(self, *jobs: str) -> dict[str, str]:
        """Stop jobs; without names, all that have not ended. Gives what could not be stopped, and why."""
        return run_sync(self.cancel_async(*jobs))

    async def cancel_async(self, *jobs: str) -> dict[str, str]:
        """As `cancel`, for programs that have an event loop of their own."""
        from nrun.engine.look import cancel

        await self.status_async()
        view = self._known()
        names = [self.job(name).name for name in jobs] or list(view.statuses)
        return await cancel(view, names, self._hooks, _somebody())

    def resume(
        self, *, check: bool = True, detach: bool = False, on_interrupt: OnInterrupt | None = None
    ) -> ExperimentStatus:
        """Carry the experiment on, from wherever it was left, until every job has ended; jobs that run are adopted.

        With `detach` a process of its own does so, and this returns at once. Raises InCharge if another process
        looks after it, JobsFailed as `run` does.
        """
        if not detach:
            stop = policy(on_interrupt) == "cancel"
            return self._drive(self.resume_async(check=check, stop_when_cancelled=stop), on_interrupt)
        if self.status().state is not State.SUCCEEDED:  # what failed may be owed another try
            self._leave_behind()
        return run_sync(self._outcome(check=False))

    async def resume_async(self, *, check: bool = True, stop_when_cancelled: bool = False) -> ExperimentStatus:
        """As `resume`, for programs that have an event loop of their own; cancelling it is as for `run_async`."""
        from nrun.engine.takeover import carry_on

        await carry_on(self._launched(), self._hooks, stop_when_interrupted=stop_when_cancelled)
        return await self._outcome(check=check)

    def attach(self, *, check: bool = True, on_interrupt: OnInterrupt | None = None) -> ExperimentStatus:
        """Be there until every job has ended, shown by the observers; carries it on if nobody does."""
        stop = policy(on_interrupt) == "cancel"
        return self._drive(self.attach_async(check=check, stop_when_cancelled=stop), on_interrupt)

    async def attach_async(self, *, check: bool = True, stop_when_cancelled: bool = False) -> ExperimentStatus:
        """As `attach`, for programs that have an event loop of their own; cancelling it is as for `run_async`."""
        from nrun.engine.takeover import attend

        await attend(self._launched(), self._hooks, stop_when_interrupted=stop_when_cancelled)
        return await self._outcome(check=check)

    def watch(self) -> ExperimentStatus:
        """Look on until every job has ended, shown by the observers. A supervisor is started where nobody is in charge.

        This process is never in charge, so that it may be interrupted without any consequence.
        """
        from nrun.engine.takeover import watch

        offset, folder = 0, self._launched()
        while not self.status().state.ended:
            self.entrust()
            offset = run_sync(watch(folder, self._hooks, offset))
            self._view = None
        return self.status()

    def entrust(self) -> None:
        """Start a supervisor if nobody looks after the experiment and it has not ended. Raises NrunError."""
        from nrun.engine.look import read_view

        folder = self._launched()
        if read_view(folder).launcher_gone:
            with contextlib.suppress(InCharge):  # somebody else was faster
                self._leave_behind()

    def rerun(
        self,
        *jobs: str,
        force: bool = False,
        check: bool = True,
        detach: bool = False,
        on_interrupt: OnInterrupt | None = None,
    ) -> ExperimentStatus:
        """Run again, in new attempts, the jobs that did not succeed, or those named; with `force`, all.

        Nothing is done if there are none. Raises InCharge if another process looks after the experiment.
        """
        stop = policy(on_interrupt) == "cancel"
        work = self.rerun_async(*jobs, force=force, check=check, detach=detach, stop_when_cancelled=stop)
        return self._drive(work, on_interrupt)

    async def rerun_async(
        self,
        *jobs: str,
        force: bool = False,
        check: bool = True,
        detach: bool = False,
        stop_when_cancelled: bool = False,
    ) -> ExperimentStatus:
        """As `rerun`, for programs that have an event loop of their own; cancelling it is as for `run_async`."""
        from nrun.engine.takeover import ask_again

        status = await self.status_async()
        ended = [name for name, job in status.jobs.items() if job.state.ended]
        wanted = [self.job(name).name for name in jobs] or [
            name for name in ended if force or status.jobs[name].state is not State.SUCCEEDED
        ]
        if running := [name for name in wanted if name not in ended]:
            msg = f"{running[0]!r} has not ended: it is {status.jobs[running[0]].state.value}"
            raise PlanError(msg, hint=f"nrun cancel {self.id} {running[0]} stops it; nrun experiment resume goes on")
        if wanted:
            attempts = {name: status.jobs[name].attempt for name in wanted}
            await ask_again(self._launched(), attempts, _somebody())
            if not detach:
                return await self.resume_async(check=check, stop_when_cancelled=stop_when_cancelled)
            self._leave_behind()
        return await self._outcome(check=check and not detach)

    async def _outcome(self, *, check: bool) -> ExperimentStatus:
        self._view = None
        status = await self.status_async()
        if check and status.state is not State.SUCCEEDED:
            raise await jobs_failed(self, status)
        return status

    def _drive(self, work: Coroutine[Any, Any, T], on_interrupt: OnInterrupt | None) -> T:
        """Run `work`, which is in charge; an interrupt does what it is to do."""
        try:
            return run_sync(work)
        except (KeyboardInterrupt, SystemExit):
            if self._folder is not None and self._view_now() is not None:
                self._interrupted(on_interrupt)
            raise

    def _view_now(self) -> View | None:
        from nrun.engine.look import read_view

        if self._folder is not None:
            self._view = read_view(self._folder)
        return self._view

    def _interrupted(self, on_interrupt: OnInterrupt | None) -> None:
        """Leave the jobs to a supervisor, unless they were, or are to be, stopped. Says what was done."""
        view = self._known()
        if policy(on_interrupt) == "cancel" or view.state.ended:
            stopped = sum(job.state is State.CANCELLED for job in view.statuses.values())
            say(f"interrupted; {stopped} jobs cancelled; nrun status {self.id}")
            return
        try:
            if policy(on_interrupt) == "ask" and wants_to_cancel():
                raise KeyboardInterrupt  # noqa: TRY301 - the same as pressing once more
            self._leave_behind()
            say(f"detached; the jobs go on. nrun attach {self.id} returns; Ctrl-C again now cancels them")
            time.sleep(SECOND_PRESS_S)
        except KeyboardInterrupt:
            left = self.cancel()
            say(f"cancelled; nrun status {self.id}" + "".join(f"\n  {name}: {why}" for name, why in left.items()))
        except InCharge:
            pass  # somebody else carries it on
        except NrunError as error:
            say(f"{error.message}\n  the jobs that run go on; nrun experiment resume {self.id} carries on")

    def _leave_behind(self, *, until_handed_over: bool = False) -> None:
        """Have a process of its own carry the experiment on. Raises NrunError if none can be left."""
        from nrun.supervise import HANDED_OVER, IN_CHARGE, start_supervisor

        start_supervisor(self._launched(), until=HANDED_OVER if until_handed_over else IN_CHARGE)


def _somebody() -> str:
    return f"{user()} (process {os.getpid()})"
