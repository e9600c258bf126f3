"""What is named on the command line: a configuration in a file or a section of it, or a task of an experiment.

Nothing that they name is imported: targets stay names, and what only their modules could make stays unread.
"""
# ruff: noqa: ANN401 - a document holds any value

from __future__ import annotations

import json
import re
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from nrun import load
from nrun.config.codec import Decoder
from nrun.config.node import Config, new_node
from nrun.config.origin import Origin, came_from
from nrun.config.paths import children, format_path, nodes_of, parse_path
from nrun.config.special import Unread
from nrun.errors import ConfigError, RecordError, UsageError, did_you_mean

if TYPE_CHECKING:
    from nrun.config.paths import Path
    from nrun.model import Json

_IN_MAIN = re.compile(r'("\$(?:config|partial|fresh|symbol|object|enum)":)"__(?:nrun_)?main__:')
_OF_MODULES = ("$object", "$enum", "$symbol")


def configuration(word: str) -> Any:
    """The configuration that FILE, FILE:SECTION or EXPERIMENT:JOB has. Raises UsageError, with what there is."""
    path, colon, section = word.rpartition(":")
    if FilePath(word).is_file():
        return _in_file(word, "")
    if colon and FilePath(path).is_file():
        return _in_file(path, section)
    try:
        return _in_record(*((path, section) if colon else (word, "")))
    except RecordError as error:
        if FilePath(path if colon else word).suffix or "/" in word:
            msg = f"there is no file {path if colon else word!r}"
            raise UsageError(msg, hint="give FILE, FILE:SECTION, or EXPERIMENT:JOB") from error
        raise


def _in_file(path: str, section: str) -> Any:
    if FilePath(path).suffix == ".json":
        try:
            document = json.loads(FilePath(path).read_bytes())
        except (OSError, ValueError, RecursionError):
            document = None  # the format will say what is wrong
        if isinstance(document, dict) and "nrun" in document and "value" in document:  # as Config.to_json writes it
            whole = _decoded(document["value"], path)
            return part(whole, parse_path(section))
    return load(path, section, mode="data")


def part(value: Any, path: Path) -> Any:
    """What is set at a path; no default is looked up, for that would import. Raises UsageError, with what is near."""
    here = value
    for depth, step in enumerate(path):
        inside = {getattr(inner, "key", inner): item for inner, item in children(here)}
        key: Any = getattr(step, "key", step)
        if isinstance(here, list | tuple) and isinstance(key, int) and key < 0:
            key += len(here)
        if key not in inside:
            wanted = format_path(path[: depth + 1])
            near = did_you_mean(wanted, (format_path((*path[:depth], one)) for one, _ in children(here)))
            raise UsageError(f"nothing is set at {wanted}.{near}")
        here = inside[key]
    return here


def _in_record(word: str, job: str) -> Any:
    from nrun.record import find_experiment, home_folder
    from nrun.record.description import read_description
    from nrun.record.folder import DESCRIPTION

    folder = find_experiment(home_folder(), word)
    description = read_description(folder)
    tasks = {found.name: found.tasks for found in description.jobs}
    if not job and len(tasks) == 1:
        job = next(iter(tasks))
    if job not in tasks:
        told = f"has no job {job!r}.{did_you_mean(job, tasks)}" if job else f"has {len(tasks)} jobs"
        msg = f"experiment {folder.id} {told}"
        raise UsageError(msg, hint=f"say which: {word}:JOB, with one of {', '.join(map(repr, [*tasks][:20]))}")
    script = _script(description.surroundings)
    values = [_decoded(_named(form, script), str(folder.path / DESCRIPTION)) for form in tasks[job]]
    return values[0] if len(values) == 1 else values


def _script(surroundings: dict[str, Any]) -> str | None:
    """The name under which the script that launched could be imported, as files name it."""
    return surroundings.get("main_module") or FilePath(surroundings.get("main") or "").stem or None


def _named(form: Json, script: str | None) -> Json:
    """A form with that name in place of `__main__`, which is another script for everybody else."""
    text = json.dumps(form, separators=(",", ":"))
    named: Json = json.loads(_IN_MAIN.sub(lambda found: f'{found[1]}"{script}:', text)) if script else form
    return named


def _decoded(form: Json, name: str) -> Any:
    try:
        if isinstance(form, dict) and "$object" in form:  # such as a Script
            fields: Any = form["fields"]
            value = new_node(Config, str(form["$object"]), {key: _Data().value(item) for key, item in fields.items()})
        else:
            value = _Data().value(form)
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration, ArithmeticError, RecursionError) as error:
        msg = f"{name} is not a configuration that nrun wrote: {error!r}"
        raise ConfigError(msg) from error
    for _, node in nodes_of(value):
        came_from(node, lambda _name: Origin("file", name))
    return value


class _Data(Decoder):
    """Reads forms without importing what they name."""

    def value(self, form: Json) -> Any:
        if isinstance(form, dict) and next(iter(form), None) in _OF_MODULES:
            return Unread(json.dumps(form))
        return super().value(form)


def unread_value(unread: Unread) -> dict[str, Any]:
    """What is known of a value that is not read: the tag and symbol of its form, and its name or fields."""
    form = json.loads(unread.form)
    return {key: _Data().value(item) for key, item in form.items()}
