"""What makes two experiments the same: configuration, code and environment, in one digest; and finding the first."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from nrun import __version__
from nrun.config.script import Script
from nrun.engine.look import read_view
from nrun.errors import RecordError
from nrun.record import experiments
from nrun.record.describe import asked
from nrun.record.folder import DESCRIPTION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nrun.interrupts import OnInterrupt
    from nrun.outcome import ExperimentStatus
    from nrun.planning import Plan
    from nrun.record import ExperimentFolder
    from nrun.recorded import Recorded


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
    """The newest experiment of that title that was launched with that fingerprint. Raises RecordError."""
    mark = f'"fingerprint":"{fingerprint}"'.encode()
    for folder in experiments(home, title):
        try:
            if mark in (folder.path / DESCRIPTION).read_bytes():
                read_view(folder)
                return folder
        except (OSError, RecordError):  # one that was not launched to the end, or is damaged, stands for nothing
            continue
    return None


def take_up(exp: Recorded, *, detach: bool, check: bool, on_interrupt: OnInterrupt | None) -> ExperimentStatus:
    """Do what is left to do of an experiment that was launched before, and say what that was. Raises as `run` does."""
    from nrun.model import State

    before = exp.status()
    if before.state is State.SUCCEEDED:
        status, did = before, "it has succeeded, so nothing was done"
    elif before.state.ended:
        status = exp.rerun(check=check, detach=detach, on_interrupt=on_interrupt)
        did = "what had not succeeded was run again"
    elif detach:
        exp.entrust()
        status, did = exp.status(), "it goes on"
    else:
        status, did = exp.attach(check=check, on_interrupt=on_interrupt), "it was followed"
    return attrs.evolve(status, warnings=(*status.warnings, f"launched before, as {exp.id}: {did}"))
