"""What an experiment was made of and what came of it, as plain facts: to be shown, and to be compared.

Nothing that a configuration names is imported.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nrun import ResultError
from nrun.events import CodePacked
from nrun.record import bundles_folder, read_journal
from nrun_command_experiment.edges import edges_of
from nrun_command_experiment.files import changed_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nrun import Experiment
    from nrun.model import Json
    from nrun_command_experiment.files import Changed

SECTIONS = ("configuration", "code", "files", "environment", "results")
PROVENANCE = "provenance"
"""The folder in the record into which plugins write what they know about where the code comes from."""
PYTHON = "python"
"""What tells of packages there. They are of the environment."""


def compare_experiments(ours: Experiment, theirs: Experiment) -> dict[str, dict[str, tuple[Json, Json]]]:
    """What `exp.diff` gives: by section and place, the values that differ."""
    here, there = facts(ours), facts(theirs)
    found = {
        section: {
            place: (here[section].get(place), there[section].get(place))
            for place in dict.fromkeys((*here[section], *there[section]))
            if here[section].get(place) != there[section].get(place)
        }
        for section in here
    }
    found["files"] = {place: one.facts() for place, one in changed_between(ours, theirs).items()}
    return {section: found[section] for section in SECTIONS}


def changed_between(ours: Experiment, theirs: Experiment) -> dict[str, Changed]:
    """The files of the code they shipped that differ, as far as it is in the store of `ours`."""
    return changed_files(bundles_of(ours), bundles_of(theirs), store_of(ours))


def store_of(exp: Experiment) -> Path:
    """Where its code is."""
    assert exp.path is not None  # noqa: S101 - it comes from a record
    return bundles_folder(exp.path.parents[2])


def facts(exp: Experiment) -> dict[str, dict[str, Json]]:
    """By section, what there is to compare, by its place."""
    asked = exp.description()
    edges = edges_of(asked)
    configuration: dict[str, Json] = {}
    for job in asked.jobs:
        configuration |= flat(job.tasks[0] if len(job.tasks) == 1 else job.tasks, job.name)
        configuration |= flat([asked.executors[number].executor for number in job.executors], f"{job.name}: executors")
        if edges[job.name]:
            configuration[f"{job.name}: after"] = ", ".join(map(str, edges[job.name]))
    code: dict[str, Json] = {f"bundle of executor {number}": bundle for number, bundle in bundles_of(exp).items()}
    by = asked.by
    environment = {name: by.get(name) for name in ("user", "host", "python", "nrun", "argv")}
    environment |= {"cwd": asked.surroundings.get("cwd")} | flat(by.get("plugins", {}), "plugins")
    provenance = dict(provenance_of(exp))
    environment |= flat(provenance.pop(PYTHON, {}), PYTHON)
    for name, told in provenance.items():
        code |= flat(told, name)
    return {
        "configuration": configuration,
        "code": code | {"main": asked.surroundings.get("main")},
        "environment": environment,
        "results": results_of(exp),
    }


def flat(form: Json, place: str) -> dict[str, Json]:
    """Every plain value in a form of a configuration, by where it stands; targets are values too."""
    found: dict[str, Json] = {}
    todo: list[tuple[str, Json]] = [(place, form)]
    while todo:
        here, value = todo.pop()
        if isinstance(value, dict) and value:
            for key, item in value.items():
                inside = here if key in {"args", "fields"} else f"{here}.{key.lstrip('$')}"
                todo.append((inside, item))
        elif isinstance(value, list) and value:
            todo += [(f"{here}[{number}]", item) for number, item in enumerate(value)]
        else:
            found[here] = value
    return found


def bundles_of(exp: Experiment) -> dict[int, str]:
    """The code that was packed, by the number of the executor whose packager did it; equal packagers do it once."""
    assert exp.path is not None  # noqa: S101 - it comes from a record
    events = read_journal(exp.path / "journal.jsonl").events
    return {event.executor: event.bundle for event in events if isinstance(event, CodePacked)}


def provenance_of(exp: Experiment) -> Iterator[tuple[str, dict[str, Any]]]:
    """What each plugin wrote down, by its name; what cannot be read is left out."""
    assert exp.path is not None  # noqa: S101 - as above
    for file in sorted((exp.path / PROVENANCE).glob("*.json")):
        try:
            told = json.loads(file.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(told, dict):
            yield file.stem, told


def results_of(exp: Experiment) -> dict[str, Json]:
    """How each job ended, and every plain value in what it returned."""
    found: dict[str, Json] = {}
    for name, status in exp.status().jobs.items():
        found[f"{name}: state"] = status.state.value
        try:
            found |= flat(exp.jobs[name].result_form(), name)
        except ResultError:
            continue
    return found
