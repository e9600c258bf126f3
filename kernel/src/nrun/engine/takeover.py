"""What the record knows of an experiment, as the plan that any process can carry on."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, cast

from nrun.config.codec import decode
from nrun.config.script import Script
from nrun.config.target import symbol_of
from nrun.engine.charge import charge
from nrun.engine.look import read_view
from nrun.engine.run import Run
from nrun.errors import InCharge, NrunError, PlanError, RecordError
from nrun.events import CodePacked, ExperimentEnded, ExperimentStarted, JobRerun
from nrun.model import Bundle
from nrun.planning import Dependency, Job, Plan, RecordedTask, Surroundings
from nrun.protocols import Executor
from nrun.record import JobStatus, Journal, bundles_folder, fold_all, read_journal
from nrun.record.description import check_version, read_description

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import Any

    from nrun.model import Place
    from nrun.plugins import Hooks
    from nrun.protocols import Backend
    from nrun.record import ExperimentFolder
    from nrun.record.description import Description


WATCH_PAUSE_S = 0.2
"""How often the journal of somebody else is looked at."""


def recorded_plan(description: Description) -> Plan:
    """The plan as it was when the experiment was launched; nothing of the user's is imported but executors.

    Raises RecordError if it cannot be had again.
    """
    executors = [_executor(one.executor) for one in description.executors]
    jobs = []
    for job in description.jobs:
        try:
            tasks = tuple(_task(form) for form in job.tasks)
        except NrunError as error:
            raise RecordError(f"the task of job {job.name!r} cannot be read: {error}") from error
        jobs.append(
            Job(
                name=job.name,
                tasks=tasks,
                executors=tuple(executors[number] for number in job.executors),
                dependencies=tuple(_dependency(form) for form in job.dependencies),
                outputs=tuple(job.outputs),
            )
        )
    here = description.surroundings
    return Plan(
        title=description.title,
        jobs=tuple(jobs),
        surroundings=Surroundings(
            cwd=here["cwd"], path=tuple(here["path"]), main=here["main"], main_module=here["main_module"]
        ),
        fail_fast=description.fail_fast,
    )


def _task(form: Any) -> Script | RecordedTask:  # noqa: ANN401 - JSON
    if isinstance(form, dict) and form.get("$object") == symbol_of(Script):
        return cast("Script", decode(form))
    return RecordedTask(form)


def _executor(form: Any) -> Executor:  # noqa: ANN401 - JSON
    try:
        executor = decode(form)
    except (NrunError, ImportError, AttributeError) as error:
        msg = f"an executor of the experiment cannot be made again: {error}"
        raise RecordError(msg, hint="install what it came from; `nrun status` works without it") from error
    if not isinstance(executor, Executor):
        msg = f"an executor of the experiment cannot be made again from {form!r:.200}"
        raise RecordError(msg, hint="its class must be importable, not local to the launching script")
    return executor


def _dependency(form: Any) -> Dependency:  # noqa: ANN401 - JSON
    if isinstance(form, str):
        return Dependency(form)
    return Dependency(form["job"], form["condition"], when=form.get("when"), experiment=form.get("experiment"))


async def carry_on(
    folder: ExperimentFolder,
    hooks: Hooks,
    *,
    stop_when_interrupted: bool = False,
    started: Callable[[Run], None] = lambda _: None,
) -> None:
    """Take charge of an experiment and run it to its end; jobs that run are adopted.

    `started` is as for `Run.execute`. Raises InCharge if another process looks after it, or RecordError.
    """
    async with charge(folder):
        description = read_description(folder)
        check_version(description.nrun, folder)
        plan = recorded_plan(description)
        backends: dict[Place, Backend] = {}
        for executor in plan.executors():
            place = executor.place()
            if place not in backends:
                backends[place] = hooks.executors.get(place.kind).backend()(place)
        reading = read_journal(folder.journal)
        with Journal(folder.journal, reading.end) as journal:
            statuses = {job.name: JobStatus(name=job.name) for job in plan.jobs}
            fold_all(statuses, reading.events, folder.id)
            run = Run(plan, folder, journal, hooks, backends, statuses, _packed(folder, reading.events, plan))
            await run.execute(stop_when_interrupted=stop_when_interrupted, started=started)


async def attend(folder: ExperimentFolder, hooks: Hooks, *, stop_when_interrupted: bool = False) -> None:
    """Be there until every job has ended: in charge if nobody is, else telling the observers what happens."""
    offset = 0
    while True:
        try:
            await carry_on(folder, hooks, stop_when_interrupted=stop_when_interrupted)
        except InCharge:
            offset = await watch(folder, hooks, offset)
        if read_view(folder).state.ended:
            return


async def watch(folder: ExperimentFolder, hooks: Hooks, offset: int = 0) -> int:
    """Tell the observers that show it what is in the journal from `offset` on, until who is in charge is done or dead.

    Of what was before they are told how the last process took charge. Gives where the journal ended.
    """
    observers = hooks.observers(watching=True)
    while True:
        reading = read_journal(folder.journal, offset)
        if reading.events:
            starts = [at for at, event in enumerate(reading.events) if isinstance(event, ExperimentStarted)]
            offset = reading.end
            news = reading.events[starts[-1] if starts else 0 :]
            await observers.tell(news, folder.id, folder.path)
            if any(isinstance(event, ExperimentEnded) for event in news):  # others may have a word after it
                return offset
        elif read_view(folder).launcher_gone:
            await asyncio.sleep(WATCH_PAUSE_S)  # or somebody else is about to say that it took charge
            return offset
        await asyncio.sleep(WATCH_PAUSE_S)


async def ask_again(folder: ExperimentFolder, attempts: Mapping[str, int], by: str) -> None:
    """Have jobs that ended with these attempts run again when it is resumed. Raises InCharge, RecordError."""
    async with charge(folder):
        view = read_view(folder)
        check_version(view.version, folder)
        last = {(status.name, status.attempt) for status in view.statuses.values() if status.state.ended}
        again = [
            JobRerun(at=time.time(), job=name, by=by) for name, number in attempts.items() if (name, number) in last
        ]
        with Journal(folder.journal) as journal:
            journal.append(again, durable=True)


def _packed(folder: ExperimentFolder, events: Collection[object], plan: Plan) -> Mapping[int, Bundle]:
    """The code that was packed, by the number of an executor. Raises PlanError if it is gone from the store."""
    packed = {}
    count = len(plan.executors())
    for event in events:
        if isinstance(event, CodePacked) and 0 <= event.executor < count:
            from nrun.packaging.store import Store  # most experiments ship nothing

            store = bundles_folder(folder.home)
            if not Store(str(store)).has(event.bundle):
                msg = f"the code of experiment {folder.id}, {event.bundle}, is gone from {store}"
                raise PlanError(msg, hint="launch it again from the folder with the code")
            packed[event.executor] = Bundle(event.bundle, store)
    return packed
