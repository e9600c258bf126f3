"""The JSON format."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

from nrun.errors import ConfigError
from nrun.model import Document
from nrun_config_json.reader import MOST_DEPTH, MOST_DIGITS, Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nrun.model import Json
    from nrun_config_json.reader import Path

_FLOAT = re.compile(r"\$+float")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BIG = 10**MOST_DIGITS


class JsonFormat:
    """JSON, indented. `nan` and the infinities, which it lacks, are `{"$float": "nan"}` and so on.

    A key `$float` is written with one more `$`, so that what looks like such a form stays a mapping.
    """

    def read(self, text: str) -> Document:
        """The document in `text`. Raises ConfigError that says line and column."""
        reader = Reader(text.removeprefix("\ufeff"))
        data = reader.read()
        return Document(data, reader.positions)

    def write(self, data: Json, *, comments: Mapping[tuple[str | int, ...], str], into: str = "") -> str:
        """The text for `data`. Raises ConfigError for what is not plain data.

        JSON has no comments: `comments` are left out. Of `into` stays the order of keys.
        """
        del comments
        order = self.read(into).data if into.strip() else None
        return json.dumps(_form(data, (), order), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _form(value: Json, path: Path, order: Json) -> Json:
    """`value` as JSON has it, with its keys in the order of `order`."""
    _check_depth(path)
    if isinstance(value, dict):
        return _mapping(value, path, order if isinstance(order, dict) else {})
    if isinstance(value, list):
        orders = order if isinstance(order, list) else []
        orders = orders + [None] * (len(value) - len(orders))
        return [_form(item, (*path, index), orders[index]) for index, item in enumerate(value)]
    if type(value) not in {type(None), bool, int, float, str}:
        raise _unwritable(path, f"a value of type {type(value).__name__} is not plain data")
    if isinstance(value, int) and not -_BIG < value < _BIG:
        raise _unwritable(path, f"a number of more than {MOST_DIGITS} digits")
    if isinstance(value, float) and not math.isfinite(value):
        _check_depth((*path, "$float"))
        return {"$float": repr(value)}
    return _text(value, path) if isinstance(value, str) else value


def _mapping(value: dict[str, Json], path: Path, order: dict[str, Json]) -> dict[str, Json]:
    keys = [*(key for key in order if key in value), *(key for key in value if key not in order)]
    return {_key(key, path): _form(value[key], (*path, key), order.get(key)) for key in keys}


def _key(key: object, path: Path) -> str:
    if not isinstance(key, str):
        raise _unwritable(path, f"the key {key!r} is not text", hint='write {"$dict": [[key, value], …]}')
    return _text(f"${key}" if _FLOAT.fullmatch(key) else key, path)


def _text(text: str, path: Path) -> str:
    if _SURROGATE.search(text):
        raise _unwritable(path, f"{text[:40]!r} has a lone surrogate, which no file can hold")
    return text


def _check_depth(path: Path) -> None:
    if len(path) > MOST_DEPTH:
        raise _unwritable(path[:8], f"nested more than {MOST_DEPTH} deep")


def _unwritable(path: Path, what: str, hint: str | None = None) -> ConfigError:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    return ConfigError(f"{where or 'the document'}: {what}", hint=hint)
