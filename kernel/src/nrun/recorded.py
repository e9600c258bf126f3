"""`Recorded`: an experiment as its record has it, looked at and looked after by any process."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from nrun.errors import InCharge, NrunError, PlanError, RecordError, UnknownName, did_you_mean
from nrun.job import Job
from nrun.model import State
from nrun.outcome import ExperimentStatus, catalogued, jobs_failed, status_of
from nrun.planning import check_name
from nrun.plugins import installed
from nrun.record import experiments, find_experiment, home_folder
from nrun.sync import run_sync

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Mapping
    from typing import Any, Self

    from nrun.engine.view import View
    from nrun.plugins import Hooks
    from nrun.protocols import Executor
    from nrun.record import ExperimentFolder

OnInterrupt: TypeAlias = Literal["detach", "cancel", "ask"]
"""What Ctrl-C does to the jobs: leave them to a supervisor, stop them, or ask (where somebody can answer)."""

SECOND_PRESS_S = 2.0
"""How long after detaching another Ctrl-C cancels the jobs."""
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
    def adopt(
        cls,
        path: str | os.PathLike[str],
        executor: Executor | None = None,
        *,
        home: str | os.PathLike[str] | None = None,
        hooks: Hooks | None = None,
    ) -> Self:
        """The experiment in the folder `path`, wherever that came from: a copy, a mounted disk.

        A record that is gone is made again from the folders of the jobs, which are taken to have run on `executor`
        (the default executor). What waited for what, and jobs that never ran, they do not tell. Raises RecordError.
        """
        from nrun.engine.adopt import adopt, take_in

        known = hooks or installed()
        folder = take_in(Path(path), home_folder(home))
        executor = executor or known.executors.get(known.default_executor()).executor()()
        run_sync(adopt(folder, executor, known))
        return cls._loaded(folder, hooks)

    @classmethod
    def catalog(
        cls, title: str | None = None, *, limit: int | None = None, home: str | os.PathLike[str] | None = None
    ) -> list[ExperimentStatus]:
        """The experiments in the record, newest first, as the record knows them; nobody is asked."""
        return [catalogued(folder) for folder in experiments(home_folder(home), title)[:limit]]

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

    async def changes(self) -> AsyncIterator[ExperimentStatus]:
        """The status now and whenever it has changed, until every job has ended. Nothing is steered by this."""
        import asyncio

        last: object = None
        while True:
            status = await self.status_async()
            told = [job | {"observed_at": None} for job in (one.to_json() for one in status.jobs.values())]
            if told != last:
                last = told
                yield status
            if status.state.ended:
                return
            await asyncio.sleep(_PAUSE_S)

    def logs(self, job: str, *, stream: str | None = None, tail: int | None = None) -> str:
        """The log of a job: its output, then its errors.

        `stream` ("out" or "err") asks for one of them, `tail` for the last lines.
        """
        return self.job(job).logs(stream=stream, tail=tail)

    def looked(self) -> tuple[View, Hooks]:
        """What is known of the run, and the plugins that know more. Raises PlanError if there was none."""
        self.status()
        return self._known(), self._hooks

    def _known(self) -> View:
        if self._view is None:
            self._launched()
            msg = f"nothing is known of experiment {self.title!r}"
            raise RecordError(msg)
        return self._view

    def _launched(self) -> ExperimentFolder:
        if self._folder is None:
            msg = f"experiment {self.title!r} has not been run"
            raise PlanError(msg, hint="exp.run() runs it")
        return self._folder

    # ---- looking after

    def cancel(self, *jobs: str) -> dict[str, str]:
        """Stop jobs; without names, all that have not ended. Gives what could not be stopped, and why."""
        from nrun.engine.look import cancel

        view, hooks = self.looked()
        names = [self.job(name).name for name in jobs] or list(view.statuses)
        return run_sync(cancel(view, names, hooks, _somebody()))

    def resume(
        self, *, check: bool = True, detach: bool = False, on_interrupt: OnInterrupt | None = None
    ) -> ExperimentStatus:
        """Carry the experiment on, from wherever it was left, until every job has ended; jobs that run are adopted.

        With `detach` a process of its own does so, and this returns at once. Raises InCharge if another process
        looks after it, JobsFailed as `run` does.
        """
        from nrun.engine.takeover import carry_on

        folder = self._launched()
        if not detach:
            stop = policy(on_interrupt) == "cancel"
            self._drive(carry_on(folder, self._hooks, stop_when_interrupted=stop), on_interrupt)
        elif self.status().state is not State.SUCCEEDED:  # what failed may be owed another try
            self._leave_behind()
        return self._outcome(check=check and not detach)

    def attach(self, *, check: bool = True, on_interrupt: OnInterrupt | None = None) -> ExperimentStatus:
        """Be there until every job has ended, shown by the observers; carries it on if nobody does."""
        from nrun.engine.takeover import attend

        stop = policy(on_interrupt) == "cancel"
        self._drive(attend(self._launched(), self._hooks, stop_when_interrupted=stop), on_interrupt)
        return self._outcome(check=check)

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
        from nrun.engine.takeover import ask_again

        status = self.status()
        ended = [name for name, job in status.jobs.items() if job.state.ended]
        wanted = [self.job(name).name for name in jobs] or [
            name for name in ended if force or status.jobs[name].state is not State.SUCCEEDED
        ]
        if running := [name for name in wanted if name not in ended]:
            msg = f"{running[0]!r} has not ended: it is {status.jobs[running[0]].state.value}"
            raise PlanError(msg, hint=f"nrun cancel {self.id} {running[0]} stops it; nrun experiment resume goes on")
        if wanted:
            run_sync(ask_again(self._launched(), wanted, _somebody()))
            self._view = None
            return self.resume(check=check, detach=detach, on_interrupt=on_interrupt)
        return self._outcome(check=check)

    def _outcome(self, *, check: bool) -> ExperimentStatus:
        self._view = None
        status = self.status()
        if check and status.state is not State.SUCCEEDED:
            raise run_sync(jobs_failed(self, status))
        return status

    def _drive(self, work: Coroutine[Any, Any, None], on_interrupt: OnInterrupt | None) -> None:
        """Run `work`, which is in charge; an interrupt does what it is to do."""
        try:
            run_sync(work)
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
            _say(f"interrupted; {stopped} jobs cancelled; nrun status {self.id}")
            return
        try:
            if policy(on_interrupt) == "ask" and _wants_to_cancel():
                raise KeyboardInterrupt  # noqa: TRY301 - the same as pressing once more
            self._leave_behind()
            _say(f"detached; the jobs go on. nrun attach {self.id} returns; Ctrl-C again now cancels them")
            time.sleep(SECOND_PRESS_S)
        except KeyboardInterrupt:
            left = self.cancel()
            _say(f"cancelled; nrun status {self.id}" + "".join(f"\n  {name}: {why}" for name, why in left.items()))
        except InCharge:
            pass  # somebody else carries it on
        except NrunError as error:
            _say(f"{error.message}\n  the jobs that run go on; nrun experiment resume {self.id} carries on")

    def _leave_behind(self, *, until_handed_over: bool = False) -> None:
        """Have a process of its own carry the experiment on. Raises NrunError if none can be left."""
        from nrun.supervise import HANDED_OVER, IN_CHARGE, start_supervisor

        start_supervisor(self._launched(), until=HANDED_OVER if until_handed_over else IN_CHARGE)


def policy(given: OnInterrupt | None) -> OnInterrupt:
    """What an interrupt does: as given, as `NRUN_ON_INTERRUPT` says, or detach. Raises PlanError."""
    wanted = given or os.environ.get("NRUN_ON_INTERRUPT") or "detach"
    for known in ("detach", "cancel", "ask"):
        if wanted == known:
            return known
    msg = f"on_interrupt is detach, cancel or ask, not {wanted!r}"
    raise PlanError(msg, hint="it comes from the call, or from NRUN_ON_INTERRUPT")


def _somebody() -> str:
    return f"{os.environ.get('USER', 'somebody')} (process {os.getpid()})"


def _wants_to_cancel() -> bool:
    if not sys.stdin.isatty():
        return False
    print("nrun: leave the jobs running, or cancel them? [L/c] ", end="", file=sys.stderr, flush=True)  # noqa: T201 - a question
    return sys.stdin.readline().strip().lower().startswith("c")


def _say(text: str) -> None:
    print(f"nrun: {text}", file=sys.stderr, flush=True)  # noqa: T201 - Ctrl-C is answered by words
