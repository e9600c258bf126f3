"""Asks the function of a dependency what it says of a result, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from nrun.config.codec import encode
from nrun.config.target import symbol_of
from nrun.planning import RecordedTask, task_json
from nrun.record import find_experiment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nrun.planning import Dependency, Surroundings
    from nrun.record import ExperimentFolder, JobStatus

JUDGE_TIMEOUT_S = 60.0
"""How long such a function may take."""


async def objection(
    dependency: Dependency, folder: ExperimentFolder, surroundings: Surroundings, statuses: Mapping[str, JobStatus]
) -> str:
    """Why the dependency is not met by the result of its job, which has succeeded; empty if it is."""
    of = f"the result of {dependency.job!r}"
    try:
        result = await asyncio.to_thread(_result, dependency, folder, statuses)
        answer = await _ask(dependency, result, folder, surroundings)
    except (OSError, ValueError, KeyError, TimeoutError) as error:
        return f"{of} cannot be judged: {type(error).__name__}: {error}"
    return "" if answer else f"{of} did not satisfy {dependency.judge}"


def _result(dependency: Dependency, folder: ExperimentFolder, statuses: Mapping[str, JobStatus]) -> object:
    if dependency.experiment is not None:
        from nrun.engine.look import read_view

        folder = find_experiment(folder.home, dependency.experiment)
        statuses = read_view(folder).statuses
    path = folder.attempt(dependency.job, statuses[dependency.job].attempt) / "result.json"
    return json.loads(path.read_bytes())["value"]


async def _ask(dependency: Dependency, result: object, folder: ExperimentFolder, surroundings: Surroundings) -> bool:
    """What the function says of the result. Raises OSError, ValueError, KeyError, TimeoutError."""
    place = Path(tempfile.mkdtemp(prefix=".judge-", dir=folder.path))
    try:
        name = dependency.when if isinstance(dependency.when, str) else symbol_of(dependency.when)
        task = place / "task.json"
        call = RecordedTask({"$partial": name, "at": {"0": encode(result)}})
        task.write_text(task_json(call, surroundings), "ascii")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(folder.path / "worker.py"),
            str(task),
            cwd=surroundings.cwd,
            env=os.environ | {"NRUN_JOB_DIR": str(place)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(JUDGE_TIMEOUT_S):
                await process.wait()
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
        answer = json.loads((place / "result.json").read_bytes())
        if error := answer.get("error"):
            raise ValueError(f"it raised {error['type']}: {error['message']}")
        return bool(answer["value"])
    finally:
        shutil.rmtree(place, ignore_errors=True)
