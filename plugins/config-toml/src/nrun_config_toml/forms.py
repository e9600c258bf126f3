"""What TOML lacks, or has and plain data lacks: `None` is `{"$none" = true}`, a date of TOML is `{"$date": …}`."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING, Any

from nrun_config_toml.places import MOST_DEPTH, data_key
from nrun_config_toml.problem import problem, unwritable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nrun.model import Json
    from nrun_config_toml.problem import Path, Place

NONE = "$none"
_NONE = re.compile(r"\$+none")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_TOO_BIG = "a whole number beyond 64 bits, which TOML cannot hold"
_TOO_BIG_HINT = "write it as text, in quotes"


def data_of(value: Any, path: Path, text: str, places: Mapping[Path, Place]) -> Json:  # noqa: ANN401 - what tomllib gives
    """Plain data for what `tomllib` read. Raises ConfigError that points at what is no plain data."""
    if isinstance(value, dict):
        if value.keys() == {NONE} and value[NONE] is True:
            return None
        if NONE in value:
            raise problem(text, places[*path, NONE], "the key $none stands alone, and can only be true")
        return {data_key(key): data_of(item, (*path, data_key(key)), text, places) for key, item in value.items()}
    if isinstance(value, list):
        return [data_of(item, (*path, index), text, places) for index, item in enumerate(value)]
    if isinstance(value, int) and not _SMALLEST <= value <= _LARGEST:
        raise problem(text, places[path], _TOO_BIG, hint=_TOO_BIG_HINT)
    for kind, form in _DATES:
        if isinstance(value, kind):
            return {form: value.isoformat()}
    plain: None | bool | int | float | str = value
    return plain


_DATES: tuple[tuple[type[Any], str], ...] = (  # a datetime is a date too
    (datetime.datetime, "$datetime"),
    (datetime.date, "$date"),
    (datetime.time, "$time"),
)


def toml_of(value: Json, path: Path) -> Any:  # noqa: ANN401 - what TOML has: anything of Json but None
    """`value` without `None`. Raises ConfigError for what TOML cannot hold."""
    if len(path) > MOST_DEPTH:
        raise unwritable(path[:8], f"nested more than {MOST_DEPTH} deep")
    if value is None:
        return {NONE: toml_of(True, (*path, NONE))}  # noqa: FBT003 - the form
    if isinstance(value, dict):
        return {_key(key, path): toml_of(item, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [toml_of(item, (*path, index)) for index, item in enumerate(value)]
    if type(value) not in {bool, int, float, str}:
        raise unwritable(path, f"a value of type {type(value).__name__} is not plain data")
    if isinstance(value, str):
        _check_text(value, path)
    if isinstance(value, int) and not _SMALLEST <= value <= _LARGEST:
        raise unwritable(path, _TOO_BIG, hint=_TOO_BIG_HINT)
    return value


def _key(key: object, path: Path) -> str:
    if not isinstance(key, str):
        raise unwritable(path, f"the key {key!r} is not text", hint='write {"$dict": [[key, value], …]}')
    _check_text(key, path)
    return f"${key}" if _NONE.fullmatch(key) else key


def _check_text(text: str, path: Path) -> None:
    if _SURROGATE.search(text):
        raise unwritable(path, f"{text[:40]!r} has a lone surrogate, which no file can hold")
