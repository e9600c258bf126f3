"""Files that include others: `$include: [base.yaml, optim.yaml:adam]` at the top of any mapping.

What is included comes first, in order, and the mapping itself last. Mappings are merged, everything else is replaced,
but for keys that end in an operator: `callbacks+:` adds to what was there, `tags-:` takes away, `dropout!:` unsets.
"""
# ruff: noqa: ANN401 - plain data of any kind

from __future__ import annotations

import functools
import os
import re
from typing import TYPE_CHECKING, Any

from nrun.config.document_reader import Located, Source
from nrun.errors import ConfigError
from nrun.files import find_section, read_file
from nrun_language_overrides.items import file_and_section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nrun.config.document_reader import TextFile
    from nrun.config.document_writer import Steps
    from nrun.model import Json
    from nrun.plugins import Hooks

    Place = tuple[TextFile, int, int]

INCLUDE = "$include"
_OF_A_NODE = frozenset({"$target", "$partial", "$args"})
_OPERATION = re.compile(r"([^\W\d]\w*)([+\-|!])")


def read_with_includes(path: str, hooks: Hooks, note: str = "", chain: tuple[str, ...] = ()) -> Source:
    """What is in a file, with everything that it includes. Raises ConfigError; for a loop, with the chain of files."""
    here = os.path.realpath(path)
    if here in chain:
        loop = " includes ".join(map(os.path.relpath, (*chain[chain.index(here) :], here)))
        msg = f"files include one another without end: {loop}"
        raise ConfigError(msg)
    source = read_file(path, hooks, note)
    return _Includes(source, path, hooks, (*chain, here)).whole()


def name_and_operator(key: str) -> tuple[str, str]:
    """The name and the operator of a key such as `callbacks+`; of any other, the key and nothing."""
    found = _OPERATION.fullmatch(key)
    return (found[1], "!" if found[2] == "!" else f"{found[2]}=") if found else (key, "")


class _Includes:
    """Puts what a file includes into its data, and the places of that among its places."""

    def __init__(self, source: Source, path: str, hooks: Hooks, chain: tuple[str, ...]) -> None:
        self._source = source
        self._places: dict[Steps, Place] = dict(source.places)
        self._folder = os.path.dirname(path)  # noqa: PTH120 - text
        self._hooks = hooks
        self._chain = chain
        self._done: dict[int, Json] = {}

    def whole(self) -> Source:
        """The file with everything in it."""
        return Source(self._expanded(self._source.data, ()), self._places)

    def _expanded(self, form: Json, path: Steps) -> Json:
        """A form with what it includes; a mapping that stands twice still does."""
        if isinstance(form, list):
            return [self._expanded(item, (*path, index)) for index, item in enumerate(form)]
        if not isinstance(form, dict):
            return form
        if id(form) not in self._done:
            data: Json = {key: self._expanded(item, (*path, key)) for key, item in form.items() if key != INCLUDE}
            if INCLUDE in form:
                own = Source(data, _below(self._places, path))
                merged = functools.reduce(_merge, (*self._included(path), own))
                self._places.update(((*path, *place), at) for place, at in merged.places.items())
                data = merged.data
            self._done[id(form)] = data
        return self._done[id(form)]

    def _included(self, path: Steps) -> Iterator[Source]:
        """What the mapping at a path names to be included."""
        form = self._source.at(path)[INCLUDE]
        for index, name in enumerate(form if isinstance(form, list) else [form]):
            here = (*path, INCLUDE, *([index] if isinstance(form, list) else []))
            if not isinstance(name, str) or "${" in name:
                raise self._source.error(here, "the name of a file is expected, or a list of them")
            file, line, _ = self._source.place(here)
            note = ", ".join(filter(None, (f"included by {file.name}:{line}", file.note)))
            file_name, section = file_and_section(name)
            try:
                found = read_with_includes(os.path.join(self._folder, file_name), self._hooks, note, self._chain)  # noqa: PTH118 - text
                steps = find_section(found, section)
                part = Source(found.at(steps), _below(found.places, steps))
            except Located:
                raise
            except ConfigError as error:
                raise self._source.error(here, error.message, error.hint) from error
            if not isinstance(part.data, dict):
                raise self._source.error(here, f"{name} holds no mapping, so it cannot be included")
            yield part


def _below(places: Mapping[Steps, Place], path: Steps) -> dict[Steps, Place]:
    """The places of what is at a path, from there on."""
    depth = len(path)
    return {place[depth:]: at for place, at in places.items() if place[:depth] == path}


def _merge(base: Source, own: Source) -> Source:
    """`own` over `base`, whose data becomes that of both, so that what stands in several places there still does."""
    places = {**base.places, **own.places}
    _merge_data(base.data, own.data, (), own, places)
    return Source(base.data, places)


def _merge_data(base: Any, own: Any, path: Steps, source: Source, places: dict[Steps, Place]) -> None:
    for key, value in own.items():
        name, op = name_and_operator(key)
        if op and name in base:
            if isinstance(base[name], list) and op == "+=":
                _move(places, (*path, key), (*path, name), len(base[name]))
            try:
                changed = _changed(op, base.pop(name), value)
            except (TypeError, ValueError, KeyError) as error:
                raise source.error((*path, key), f"{key} does not fit what is included") from error
            if op != "!":
                base[name] = changed
        elif isinstance(value, dict) and _may_be_merged(base.get(key), value):
            _merge_data(base[key], value, (*path, key), source, places)
        else:
            base[key] = value


def _move(places: dict[Steps, Place], path: Steps, to: Steps, by: int) -> None:
    """Note the places of the elements of a list as those of elements that come later in another."""
    depth = len(path)
    for place, at in list(places.items()):
        if place[:depth] == path and len(place) > depth:
            places[*to, by + int(place[depth]), *place[depth + 1 :]] = at


def _may_be_merged(base: Json, own: dict[str, Json]) -> bool:
    """Whether both are mappings of arguments for the same target; another target starts anew."""
    if not isinstance(base, dict) or any(key.startswith("$") and key not in _OF_A_NODE for key in (*base, *own)):
        return False
    return "$target" not in own or own["$target"] == base.get("$target")


def _changed(op: str, base: Any, value: Any) -> Any:
    """What an operator makes of plain data. Raises TypeError, ValueError or KeyError if it makes nothing of it."""
    if op == "!":
        return None
    if isinstance(base, dict) and op in ("+=", "|="):
        return {**base, **value}
    if op == "|=" or isinstance(base, bool):
        raise TypeError(op)
    values = value if isinstance(value, list) else [value]
    if isinstance(base, list):
        left = [*base, *values] if op == "+=" else list(base)
        for item in values if op == "-=" else ():
            left.remove(item)
        return left
    if isinstance(base, dict):
        kept = dict(base)
        for key in values:
            del kept[key]
        return kept
    return base + value if op == "+=" else base - value
