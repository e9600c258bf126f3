"""YAML to plain data, from the events of PyYAML's parser: nothing of PyYAML decides what a value is."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from nrun.errors import ConfigError
from nrun_config_yaml.problem import problem
from nrun_config_yaml.scalars import value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yaml._yaml import Mark as CMark
    from yaml.error import Mark

    from nrun.model import Json

Path: TypeAlias = "tuple[str | int, ...]"
Place: TypeAlias = "tuple[int, int]"

MOST_CHARACTERS = 64 * 2**20
MOST_VALUES = 1_000_000
MOST_DEPTH = 64

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the C parser, where PyYAML was built with it
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAKS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_STANDARD = "tag:yaml.org,2002:"
_TYPES: dict[str, type] = {"null": type(None), "bool": bool, "int": int, "float": float}


class Reader:
    """Reads one text, once. `positions` and `comments` are complete after `read`."""

    def __init__(self, text: str) -> None:
        self.positions: dict[Path, Place] = {}
        self.comments: dict[Path, str] = {}
        """Lines above a value, without their `#`, and what is said behind it, by its path; an empty line is empty."""
        self._text = text
        self._events: Iterator[Event] = iter(())
        self._anchors: dict[str, tuple[Json, Path]] = {}
        self._values = 0
        self._lines = _BREAKS.split(text)
        self._free_line = 1
        """Where the next comment may begin: what looks like one above may be the text of a scalar."""

    def read(self) -> Json:
        """The value of the document. Raises ConfigError that points at what is wrong."""
        if len(self._text) > MOST_CHARACTERS:
            msg = f"a YAML text may have at most {MOST_CHARACTERS:,} characters; this one has {len(self._text):,}"
            raise ConfigError(msg)
        if found := _FORBIDDEN.search(self._text):
            before = _BREAKS.split(self._text[: found.start()])
            place = (len(before), len(before[-1]) + 1)
            raise problem(self._text, place, f"the character U+{ord(found[0]):04X} may not stand in YAML")
        self._events = yaml.parse(self._text, Loader=_LOADER)
        self._next()  # the stream begins
        if isinstance(self._next(), StreamEndEvent):
            return None
        data = self._value(self._next(), ())
        self._next()  # the document ends
        after = self._next()
        if isinstance(after, DocumentStartEvent):
            raise self._problem(after, "a second document begins here", hint="a file holds one configuration")
        return data

    # ---- values

    def _value(self, event: Event, path: Path) -> Json:
        self.positions[path] = _place(event.start_mark)
        if isinstance(event, AliasEvent):
            value, source = self._anchored(event)
            self._write_out(value, source, path, event)
            return value
        self._enter(event, path)
        anchor = event.anchor if isinstance(event, NodeEvent) else None
        if anchor:
            self._anchors.pop(anchor, None)  # until it is complete; then nothing can contain itself
        if isinstance(event, ScalarEvent):
            value = self._scalar(event)
            self._keep_comment(path, self._comment_behind(event))
        else:
            self._check_tag(event)
            value = self._mapping(path) if isinstance(event, MappingStartEvent) else self._sequence(path)
        if anchor:
            self._anchors[anchor] = (value, path)
        return value

    def _sequence(self, path: Path) -> list[Json]:
        items: list[Json] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            here = (*path, len(items))
            self._keep_comment(here, self._comment_above(event))
            items.append(self._value(event, here))
        return items

    def _mapping(self, path: Path) -> dict[str, Json]:
        own: dict[str, Json] = {}
        merged: dict[str, Json] | None = None
        sources: dict[str, Path] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            if _is_merge(event):
                if merged is not None:
                    raise self._problem(event, "`<<` occurs twice", hint="give it a list: `<<: [*first, *second]`")
                merged = self._merge(sources)
                continue
            comment = self._comment_above(event)
            key = self._key(event)
            here = (*path, key)
            if key in own:
                first = self.positions[here][0]
                raise self._problem(event, f"the key {key!r} occurs twice; its first value is in line {first}")
            self._keep_comment(here, comment)
            own[key] = self._value(self._next(), here)
        for key, value in (merged or {}).items():
            if key not in own:
                self.positions[*path, key] = self.positions[sources[key]]
                self._write_out(value, sources[key], (*path, key), event)
        return {**merged, **own} if merged else own

    def _merge(self, sources: dict[str, Path]) -> dict[str, Json]:
        """What `<<` brings: of several mappings the first has its way. `sources` is told where each value is."""
        event = self._next()
        events = [event]
        if isinstance(event, SequenceStartEvent):
            events = list(iter(self._next_in_sequence, None))
        merged: dict[str, Json] = {}
        for each in events:
            value, source = self._anchored(each) if isinstance(each, AliasEvent) else (None, ())
            if not isinstance(value, dict):
                raise self._problem(each, "`<<` takes an alias of a mapping, such as `*base`, or a list of them")
            for key in value.keys() - merged.keys():
                sources[key] = (*source, key)
            merged = {**value, **merged}
        return merged

    def _key(self, event: Event) -> str:
        key = self._scalar(event) if isinstance(event, ScalarEvent) else None
        if not isinstance(key, str):
            hint = 'put it in quotes, or write the mapping as {"$dict": [[key, value], …]}'
            raise self._problem(event, "a key must be text", hint=hint)
        return key

    def _scalar(self, event: ScalarEvent) -> Json:
        line, column = _place(event.end_mark)
        self._free_line = line + (column > 1)
        text, tag = event.value, event.tag
        try:
            if tag is None:
                return text if event.style else value_of(text)
            return _tagged(tag, text)
        except (ValueError, OverflowError):
            raise self._problem(event, f"{text[:40]!r} is no {str(tag).removeprefix(_STANDARD)}") from None
        except ConfigError as error:
            raise self._problem(event, error.message, hint=error.hint) from None

    # ---- anchors

    def _anchored(self, event: AliasEvent) -> tuple[Json, Path]:
        if event.anchor not in self._anchors:
            hint = "an anchor stands before its aliases, and cannot contain them"
            raise self._problem(event, f"nothing above has the anchor &{event.anchor}", hint=hint)
        return self._anchors[event.anchor]

    def _write_out(self, value: Json, source: Path, path: Path, event: Event) -> None:
        """Count what an alias brings to `path` as if it were written there, and tell where its values stand."""
        self._enter(event, path)
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in items:
            self.positions[*path, key] = self.positions[*source, key]
            self._write_out(item, (*source, key), (*path, key), event)

    # ---- events

    def _next(self) -> Event:
        try:
            return next(self._events)
        except yaml.MarkedYAMLError as error:
            raise self._syntax_error(error) from None

    def _next_in_sequence(self) -> Event | None:
        event = self._next()
        return None if isinstance(event, SequenceEndEvent) else event

    def _enter(self, event: Event, path: Path) -> None:
        self._values += 1
        if self._values > MOST_VALUES:
            raise self._problem(event, f"more than {MOST_VALUES:,} values, with aliases written out")
        if len(path) > MOST_DEPTH:
            raise self._problem(event, f"nested more than {MOST_DEPTH} deep")

    def _check_tag(self, event: Event) -> None:
        if isinstance(event, CollectionStartEvent):
            kind = "map" if isinstance(event, MappingStartEvent) else "seq"
            if event.tag not in {None, "!", _STANDARD + kind}:
                raise self._problem(event, *_refusal(event.tag))

    # ---- comments

    def _comment_above(self, event: Event) -> str | None:
        last = first = _place(event.start_mark)[0]
        while first > self._free_line and self._lines[first - 2].lstrip(" ")[:1] in {"", "#"}:
            first -= 1
        self._free_line = last
        return "\n".join(map(_uncommented, self._lines[first - 1 : last - 1])) if first < last else None

    def _comment_behind(self, event: ScalarEvent) -> str | None:
        line, column = _place(event.end_mark)
        rest = self._lines[line - 1][column - 1 :].lstrip(" ") if column > 1 else ""
        return _uncommented(rest) if rest.startswith("#") else None

    def _keep_comment(self, path: Path, comment: str | None) -> None:
        if comment is not None:
            above = self.comments.get(path)
            self.comments[path] = comment if above is None else f"{above}\n{comment}"

    # ---- errors

    def _syntax_error(self, error: yaml.MarkedYAMLError) -> ConfigError:
        place = _place(error.problem_mark)
        message = error.problem or "not YAML"
        if error.context and error.context_mark:
            message += f" {error.context} that begins in line {error.context_mark.line + 1}"
            if not "".join(self._lines[place[0] - 1 :]).strip():  # the end of the text shows nothing
                place = _place(error.context_mark)
        return problem(self._text, place, message)

    def _problem(self, event: Event, message: str, hint: str | None = None) -> ConfigError:
        return problem(self._text, _place(event.start_mark), message, hint=hint)


def _place(mark: Mark | CMark | None) -> Place:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _uncommented(line: str) -> str:
    return line.lstrip(" ").removeprefix("#").removeprefix(" ")


def _is_merge(event: Event) -> bool:
    return isinstance(event, ScalarEvent) and event.value == "<<" and not event.style and event.tag is None


def _tagged(tag: str, text: str) -> Json:
    """The value of a scalar with a tag. Raises ValueError if it has none, ConfigError for tags that are refused."""
    name = tag.removeprefix(_STANDARD)
    if name in {"str", "!"}:
        return text
    if name == "binary":
        content = base64.b64decode("".join(text.split()), validate=True)
        return {"$bytes": base64.b64encode(content).decode()}
    if name not in _TYPES:
        message, hint = _refusal(tag)
        raise ConfigError(message, hint=hint)
    value = value_of(text)
    if name == "float" and type(value) is int:
        value = float(value)
    if type(value) is not _TYPES[name]:
        raise ValueError
    return value


def _refusal(tag: str) -> tuple[str, str]:
    name = "!!" + tag.removeprefix(_STANDARD) if tag.startswith(_STANDARD) else tag
    return f"the tag {name[:60]} is not read", "leave it out; what a value becomes is decided by what takes it"
