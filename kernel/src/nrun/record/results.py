"""Reads what a function task returned or raised: `result.json` and the arrays beside it."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

from nrun.errors import RecordError, ResultError

if TYPE_CHECKING:
    from pathlib import Path

    from nrun.record.status import JobStatus

_ARRAY = {"$array", "shape", "dtype"}


def read(folder: Path, job: str, status: JobStatus) -> Any:  # noqa: ANN401 - JSON
    """The result in the folder of an attempt, or of a task of a group; arrays as absolute paths of files.

    Raises ResultError when there is none, RecordError when it cannot be read.
    """
    try:
        told = json.loads((folder / "result.json").read_bytes())
    except FileNotFoundError:
        told = {}
    except (OSError, ValueError) as error:
        raise RecordError(f"the result of job {job!r} cannot be read: {error}") from error
    if "error" in told:
        raised = told["error"]
        raise ResultError(f"job {job!r} raised {raised['type']}: {raised['message']}\n{raised['traceback']}")
    if "not_json" in told:
        why = told["not_json"]
        msg = f"job {job!r} returned a {why['type']}, which JSON cannot hold: {why['why']}"
        raise ResultError(msg, hint="return numbers, texts, lists, dictionaries and arrays; write the rest to files")
    if "value" not in told or not status.state.ended:
        msg = f"job {job!r} has no result: it is {status.state.value}"
        raise ResultError(msg, hint=status.reason or "only a function task that has succeeded has one")
    names = told.get("arrays")
    return _placed(told["value"], folder, frozenset(names)) if names else told["value"]


def _placed(form: Any, folder: Path, names: frozenset[str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(form, list):
        return [_placed(item, folder, names) for item in form]
    if isinstance(form, dict):
        if form.keys() == _ARRAY and form["$array"] in names:
            return form | {"$array": str(folder / form["$array"])}
        return {key: _placed(item, folder, names) for key, item in form.items()}
    return form


def with_arrays(form: Any) -> Any:  # noqa: ANN401 - JSON, and what numpy makes of it
    """A result with its arrays read from their files. Raises ResultError where numpy is not installed."""
    if isinstance(form, list):
        return [with_arrays(item) for item in form]
    if isinstance(form, dict):
        if form.keys() == _ARRAY and str(form["$array"]).startswith("/"):
            return _array(form["$array"])
        return {key: with_arrays(item) for key, item in form.items()}
    return form


def _array(file: str) -> Any:  # noqa: ANN401 - an array
    try:
        return importlib.import_module("numpy").load(file, allow_pickle=False)
    except ImportError as error:
        msg = f"the result has an array, in {file}, and numpy is not installed here"
        raise ResultError(msg, hint="pip install numpy, or read the form: job.result_form()") from error
    except (OSError, ValueError) as error:
        raise RecordError(f"the array {file} cannot be read: {error}") from error
