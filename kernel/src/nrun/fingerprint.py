"""What makes two experiments the same: configuration, code and environment, in one digest; and finding the first."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from nrun import __version__
from nrun.config.script import Script
from nrun.engine.look import read_view
from nrun.errors import InCharge, RecordError
from nrun.model import State
from nrun.outcome import jobs_failed
from nrun.record import ExperimentFolder, discard, experiments
from nrun.record.describe import asked
from nrun.record.folder import DESCRIPTION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nrun.outcome import ExperimentStatus
    from nrun.planning import Plan
    from nrun.recorded import Recorded

PAUSE_S = 0.1
CLAIMS = ".launched"
"""The folder, beside the experiments of a title, of links from fingerprints to experiments."""


def fingerprint_of(plan: Plan, plugins: Mapping[str, str]) -> str:
    """The digest of what is asked, of the code, and of the versions of Python and nrun."""
    code = {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(set(_code(plan)))}
    environment = [sys.version, __version__, dict(plugins)]
    whole = [{**asked(plan), "surroundings": plan.surroundings.cwd}, code, environment]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _code(plan: Plan) -> Iterator[Path]:
    """The files of the launching script, of scripts, and of the modules that are loaded from the current folder."""
    cwd = Path(plan.surroundings.cwd)
    if plan.surroundings.main is not None:
        yield Path(plan.surroundings.main)
    for task in (task for job in plan.jobs for task in job.tasks):
        if isinstance(task, Script) and task.path and not task.m and (cwd / task.path).is_file():
            yield cwd / task.path
    for module in list(sys.modules.values()):
        file = Path(getattr(module, "__file__", None) or "/")
        if file.is_relative_to(cwd) and "site-packages" not in file.parts and file.is_file():
            yield file


def launched(home: Path, title: str, fingerprint: str) -> ExperimentFolder | None:
    """The experiment of that title that stands for that fingerprint, if there is one. Raises RecordError."""
    if (claimed := _claimed(home, title, fingerprint)[0]) is not None:
        return claimed
    mark = f'"fingerprint":"{fingerprint}"'.encode()
    for folder in experiments(home, title):  # whoever launched it died before it said so, or it came out of an archive
        with contextlib.suppress(OSError):
            if mark in (folder.path / DESCRIPTION).read_bytes() and _counts(folder):
                return claim(folder, fingerprint)
    return None


def claim(folder: ExperimentFolder, fingerprint: str) -> ExperimentFolder:
    """The experiment that stands for a fingerprint from now on: that in `folder`, unless another was faster.

    A claim is a link to an experiment, made exclusively and never removed: one to an experiment that is gone or
    damaged counts for nothing, and the next number takes its place. So whoever dies at whatever line holds nobody up.
    Raises RecordError.
    """
    place = folder.path.parent / CLAIMS
    while True:
        claimed, number = _claimed(folder.home, folder.title, fingerprint)
        if claimed is not None:
            return claimed
        try:
            place.mkdir(mode=0o700, exist_ok=True)
            (place / f"{fingerprint}-{number + 1}").symlink_to(f"../{folder.id}")
        except FileExistsError:
            continue
        except OSError as error:
            msg = f"cannot write to {place}: {error.strerror}"
            raise RecordError(msg, hint="is the disk full, or read-only?") from error
        return folder


def settle(folder: ExperimentFolder, fingerprint: str) -> None:
    """Have an experiment stand for its fingerprint. Raises InCharge, and leaves nothing of it, if another one does."""
    if (other := claim(folder, fingerprint).id) != folder.id:
        discard(folder)
        raise InCharge(f"the same was launched at the same moment, as {other}")


def _claimed(home: Path, title: str, fingerprint: str) -> tuple[ExperimentFolder | None, int]:
    """The experiment of the newest claim that counts, and the number of the newest claim."""
    place = home / "experiments" / title / CLAIMS
    claims = {int(one.name.rpartition("-")[2]): one for one in place.glob(f"{fingerprint}-*")}
    folders = (ExperimentFolder(home, title, claims[number].readlink().name) for number in sorted(claims, reverse=True))
    return next(filter(_counts, folders), None), max(claims, default=0)


def _counts(folder: ExperimentFolder) -> bool:
    """Whether an experiment can be carried on, so that it stands for what was launched."""
    try:
        read_view(folder)
    except RecordError:
        return False
    return True


async def take_up(exp: Recorded, *, detach: bool, check: bool, stop_when_cancelled: bool) -> ExperimentStatus:
    """Do what is left to do of an experiment that was launched before, and say what that was. Raises as `run` does."""
    status, did = await exp.status_async(), "it goes on" if detach else "it was followed"
    if status.state is State.SUCCEEDED:
        did = "it has succeeded, so nothing was done"
    elif status.state.ended:
        did, before = "what had not succeeded was run again", sum(job.attempt for job in status.jobs.values())
        while sum(job.attempt for job in status.jobs.values()) == before:
            try:
                await exp.rerun_async(check=False, detach=detach, stop_when_cancelled=stop_when_cancelled)
            except InCharge:  # another launch is about to do so
                await asyncio.sleep(PAUSE_S)
            else:
                before = -1
            status = await exp.status_async()
    if not status.state.ended and detach:
        exp.entrust()
    elif not status.state.ended:
        status = await exp.attach_async(check=False, stop_when_cancelled=stop_when_cancelled)
    if check and not detach and status.state is not State.SUCCEEDED:
        raise await jobs_failed(exp, status)
    return attrs.evolve(status, warnings=(*status.warnings, f"launched before, as {exp.id}: {did}"))
