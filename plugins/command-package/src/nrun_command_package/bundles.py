"""The bundles in the store, by what a user types, and by what the record knows of them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from nrun import RecordError, UsageError
from nrun.engine.look import read_view
from nrun.errors import did_you_mean
from nrun.events import CodePacked
from nrun.record import bundles_folder, find_experiment, read_journal
from nrun.record.description import read_description
from nrun.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nrun.record import ExperimentFolder

SHORT_ID = 12


def bundle_ids(home: Path) -> list[str]:
    """Every bundle that is kept."""
    return sorted(path.stem for path in bundles_folder(home).glob("*.manifest"))


def packed_by(folder: ExperimentFolder) -> dict[int, str]:
    """The bundles of an experiment, by the number of the executor whose packager packed them. Raises RecordError."""
    events = read_journal(folder.journal).events
    return {event.executor: event.bundle for event in events if isinstance(event, CodePacked)}


def bundles_of_jobs(folder: ExperimentFolder) -> dict[str, str]:
    """The bundle of each job of an experiment that was given code. Raises RecordError."""
    asked, statuses = read_description(folder), read_view(folder).statuses
    packagers = [json.dumps(_packager_of(executor.executor), sort_keys=True) for executor in asked.executors]
    bundles = {packagers[number]: bundle for number, bundle in packed_by(folder).items()}  # equal ones pack once
    placed = {job.name: packagers[job.executors[statuses[job.name].executor]] for job in asked.jobs}
    return {name: bundles[packager] for name, packager in placed.items() if packager in bundles}


def find_bundle(home: Path, word: str, job: str | None) -> str:
    """The bundle meant by `word`: its id, a beginning of that, or an experiment that was given it.

    `job` is the job of the experiment that is meant. Raises RecordError if there is none, or more than one.
    """
    starting = [id_ for id_ in bundle_ids(home) if re.fullmatch("[0-9a-f]+", word) and id_.startswith(word)]
    if word in starting:
        return word
    try:
        folder = find_experiment(home, word)
    except RecordError as error:
        if not starting:
            msg = f"no bundle and no experiment is called {word!r}: {error.message}"
            raise RecordError(msg, hint="`nrun package list` and `nrun list` show what there is") from error
        folder = None
    if folder is not None and (not starting or word in (folder.id, folder.title)):
        return _bundle_of(folder, job)
    if folder is not None or len(starting) > 1:
        shown = "".join(f"\n  {id_}" for id_ in ([folder.id] if folder else []) + starting[:8])
        msg = f"{word!r} is the beginning of more than one id:{shown}"
        raise RecordError(msg, hint="type more of it")
    return starting[0]


def count_text(files: int) -> str:
    """How many files, for people."""
    return "1 file" if files == 1 else f"{files:,} files"


def _bundle_of(folder: ExperimentFolder, job: str | None) -> str:
    bundles = bundles_of_jobs(folder)
    if not bundles:
        msg = f"the jobs of experiment {folder.id} were given no code"
        raise RecordError(msg, hint=f"they ran in {read_description(folder).surroundings.get('cwd')}")
    if job is not None:
        if job not in bundles:
            msg = f"experiment {folder.id} has no job {job!r} that was given code.{did_you_mean(job, bundles)}"
            raise RecordError(msg, hint=f"those that were: {', '.join(map(repr, bundles))[:400]}")
        return bundles[job]
    if len(set(bundles.values())) > 1:
        msg = f"the jobs of experiment {folder.id} were given different code:{_by_bundle(bundles)}"
        raise UsageError(msg, hint="--job NAME says which is wanted; the id of a bundle will do, too")
    return next(iter(bundles.values()))


def _by_bundle(bundles: Mapping[str, str]) -> str:
    jobs: dict[str, list[str]] = {}
    for job, bundle in bundles.items():
        jobs.setdefault(bundle, []).append(printable(job))
    return "".join(f"\n  {bundle[:SHORT_ID]}  {', '.join(names)[:200]}" for bundle, names in jobs.items())


def _packager_of(form: object) -> object:
    """The form of a packager in that of its executor; an executor that cannot be written down stands for its own."""
    fields = form.get("fields") if isinstance(form, dict) else None
    return fields.get("packager") if isinstance(fields, dict) else form
