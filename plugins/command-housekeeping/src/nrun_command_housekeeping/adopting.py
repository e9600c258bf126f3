"""Takes in an experiment whose folder lies anywhere, and whose record may be gone: the jobs themselves are asked."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from nrun.engine.charge import charge
from nrun.engine.look import LOOK_TIMEOUT_S, open_backend, read_view
from nrun.errors import RecordError
from nrun.events import JobObserved, JobSubmitted, JobSubmitting
from nrun.model import Attempt, Tag
from nrun.planning import check_name
from nrun.record import ExperimentFolder, Journal
from nrun.record.description import check_version
from nrun.record.folder import DESCRIPTION
from nrun.sync import run_sync
from nrun_command_housekeeping.rebuild import attempts_in, rebuild_description

if TYPE_CHECKING:
    from pathlib import Path

    from nrun.events import Event
    from nrun.plugins import Hooks
    from nrun.protocols import Executor


def adopt_experiment(path: Path, executor: Executor | None, home: Path, hooks: Hooks) -> ExperimentFolder:
    """What `Experiment.adopt` does. Raises RecordError, PlanError, InCharge, and what the backend raises."""
    folder = _take_in(path, home)
    executor = executor or hooks.executors.get(hooks.default_executor()).executor()()
    run_sync(_adopt(folder, executor, hooks))
    return folder


def _take_in(path: Path, home: Path) -> ExperimentFolder:
    """The folder of an experiment, as one of `home`: where it lies elsewhere, a link to it is made.

    Raises RecordError, PlanError.
    """
    path = path.absolute()
    if not any((path / name).exists() for name in (DESCRIPTION, "jobs")):
        msg = f"{path} holds no experiment" if path.is_dir() else f"there is no folder {path}"
        raise RecordError(msg, hint="give the folder of one experiment, the one that `jobs` lies in")
    title = check_name(path.parent.name, "the title of an experiment")
    folder = ExperimentFolder(home, title, check_name(path.name, "the id of an experiment"))
    try:
        if not folder.path.exists():
            folder.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.path.symlink_to(path)
        elif not folder.path.samefile(path):
            msg = f"there is another experiment {folder.id} in {folder.path}"
            raise RecordError(msg)
    except OSError as error:
        msg = f"cannot link {folder.path} to {path}: {error.strerror}"
        raise RecordError(msg, hint="NRUN_HOME decides where nrun looks") from error
    return folder


async def _adopt(folder: ExperimentFolder, executor: Executor, hooks: Hooks) -> None:
    """Make the record of an experiment again where it is gone, from the folders of its jobs and their backend.

    Raises InCharge, RecordError, and what the backend raises.
    """
    rebuild_description(folder, executor)
    if folder.journal.exists():
        return
    async with charge(folder):
        view, now = read_view(folder), time.time()
        check_version(view.version, folder)
        numbers = {name: number for name, number in attempts_in(folder).items() if name in view.places}
        events: list[Event] = [JobSubmitting(at=now, job=name, attempt=numbers[name]) for name in numbers]
        for place in dict.fromkeys(view.places[name][0] for name in numbers):
            tags = [Tag(folder.id, name, numbers[name]) for name in numbers if view.places[name][0] == place]
            attempts = [Attempt(tag=tag, folder=folder.attempt(tag.job, tag.attempt)) for tag in tags]
            async with asyncio.timeout(LOOK_TIMEOUT_S), open_backend(place, hooks) as backend:
                handles = (await backend.find(attempts)).values()
                seen = await backend.observe(handles)
            for handle, one in seen.items():
                job, number = handle.tag.job, handle.tag.attempt
                events += [
                    JobSubmitted(at=now, job=job, attempt=number, handle=handle.data),
                    JobObserved(at=now, job=job, attempt=number, observation=one),
                ]
        with Journal(folder.journal) as journal:
            journal.append(events, durable=True)
