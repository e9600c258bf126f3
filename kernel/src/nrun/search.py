"""Finding experiments: by title, state, tag, time and text, newest first, as the record knows them.

What has ended is taken from a cache for as long as its files are unchanged; everything else is read from the record.
"""

from __future__ import annotations

import contextlib
import json
import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import attrs

from nrun.amounts import parse_moment
from nrun.data import Data
from nrun.errors import RecordError, UsageError, did_you_mean
from nrun.events import ExperimentEnded, ExperimentStarted
from nrun.model import State
from nrun.outcome import ExperimentStatus, status_of
from nrun.record import ExperimentFolder, read_journal
from nrun.record.catalogue import names
from nrun.record.catalogue_cache import Cache, Row, stamp_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from nrun.record.journal import Reading

_GLOB = frozenset("*?[")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Query(Data):
    """What an experiment must be to be found."""

    title: str | None = None
    """A title, or a pattern with `*`, `?` and `[…]`."""
    states: frozenset[State] = frozenset()
    """Any of these, if there are any."""
    tags: frozenset[str] = frozenset()
    """All of these."""
    since: float | None = None
    until: float | None = None
    text: str | None = None
    """In the title, a note, the name of a job, or the command line, whatever the case."""

    @property
    def looks_inside(self) -> bool:
        """Whether more than the title must be known."""
        return bool(self.states or self.tags or self.text) or self.since is not None or self.until is not None

    def fits(self, row: Row) -> bool:
        """Whether the experiment in this row is one of those; its title is not looked at."""
        made = row.created
        return (
            (not self.states or row.state in self.states)
            and all(f"\n{tag}\n" in row.tags for tag in self.tags)
            and (self.since is None or (made is not None and made >= self.since))
            and (self.until is None or (made is not None and made <= self.until))
            and (not self.text or self.text.casefold() in row.text)
        )


def query_of(  # noqa: PLR0913 - what there is to ask for
    *,
    title: str | None = None,
    state: str | Iterable[str] = (),
    tag: str | Iterable[str] = (),
    since: str | float | datetime | None = None,
    until: str | float | datetime | None = None,
    text: str | None = None,
) -> Query:
    """The query that a user means: names of states in any case, moments as people write them. Raises UsageError."""
    return Query(
        title=title,
        states=frozenset(map(_state, _several(state))),
        tags=frozenset(_several(tag)),
        since=None if since is None else parse_moment(since),
        until=None if until is None else parse_moment(until),
        text=text,
    )


@attrs.frozen(eq=False, repr=False)
class Found(Data):
    """Some of the experiments that fit a query, and how many do."""

    total: int
    statuses: list[ExperimentStatus]


def search(home: Path, query: Query, *, limit: int | None = None, offset: int = 0, sizes: bool = False) -> Found:
    """The experiments under `home` that fit, newest first: `limit` of them, after the first `offset`.

    With `sizes` the bytes of their files are counted. One that cannot be read is UNKNOWN and says why in its
    warnings. Raises RecordError where the record as a whole cannot be read.
    """
    found = names(home, query.title if query.title and not _GLOB & set(query.title) else None)
    keys = [f"{title}/{id_}" for id_, title in found if query.title is None or fnmatchcase(title, query.title)]
    page = slice(offset, None if limit is None else offset + limit)
    total = len(keys)
    with contextlib.closing(Cache(home)) as cache:
        if query.looks_inside:
            rows = [row for row in _rows(home, keys, cache, query) if query.fits(row)]
            total, rows = len(rows), rows[page]
        else:
            rows = _rows(home, keys[page], cache, query, everything=keys)
        if sizes:
            rows = _sized(home, rows, cache)
        return Found(total, _statuses(home, rows, cache))


def _rows(
    home: Path, keys: Sequence[str], cache: Cache, query: Query, everything: Sequence[str] | None = None
) -> list[Row]:
    """What is known of these experiments: kept where their files are unchanged, read otherwise."""
    kept = cache.rows(keys, text=bool(query.text))
    rows: list[Row] = []
    new: list[Row] = []
    for key in keys:
        row, stamp = kept.get(key), stamp_of(f"{home}/experiments/{key}")  # before it is read: it may change meanwhile
        if row is None or not stamp or row.stamp != stamp:
            row, closed = _read(home, key, stamp)
            if closed:
                new.append(row)
        rows.append(row)
    cache.keep(new, (everything or keys) if query.title is None else None)
    return rows


def _read(home: Path, key: str, stamp: str) -> tuple[Row, bool]:
    """An experiment as its record has it, and whether that is how it stays until its files change."""
    from nrun.engine.look import view_of  # 50 ms, and most lists read nothing
    from nrun.record.description import read_description

    title, id_ = key.split("/")
    folder = ExperimentFolder(home, title, id_)
    words, closed = [title], False
    try:
        description, reading = read_description(folder), read_journal(folder.journal)
    except RecordError as error:
        status = ExperimentStatus(
            id=id_, title=title, state=State.UNKNOWN, created=None, jobs={}, warnings=(error.message,)
        )
    else:
        status = status_of(view_of(folder, description, reading))
        status = attrs.evolve(status, user=str(description.by.get("user", "")))
        words += [*(note.text for note in status.notes), *status.jobs, *map(str, description.by.get("argv", ()))]
        closed = (
            bool(stamp) and key.isprintable() and status.state.ended and not status.warnings and _is_closed(reading)
        )
    row = Row(
        key=key,
        stamp=stamp,
        state=status.state.value,
        created=status.created,
        tags="\n".join(["", *status.tags, ""]),
        size=None,
        text="\n".join(words).casefold().encode("utf-8", "replace").decode(),
        document=json.dumps(status.to_json()),
    )
    return row, closed


def _is_closed(reading: Reading) -> bool:
    """Whether whoever was in charge last said that it was done."""
    for event in reversed(reading.events):
        if isinstance(event, ExperimentEnded | ExperimentStarted):
            return isinstance(event, ExperimentEnded)
    return False


def _statuses(home: Path, rows: Sequence[Row], cache: Cache) -> list[ExperimentStatus]:
    kept = cache.documents([row for row in rows if row.document is None])
    return [_status(home, row, row.document or kept.get(row.key, "")) for row in rows]


def _status(home: Path, row: Row, document: str) -> ExperimentStatus:
    try:
        form = json.loads(document)
        return ExperimentStatus.from_json(form | {"size": row.size})
    except (KeyError, TypeError, ValueError, AttributeError):  # whatever the cache holds, the record tells
        return ExperimentStatus.from_json(json.loads(_read(home, row.key, "")[0].document or ""))


def _sized(home: Path, rows: Sequence[Row], cache: Cache) -> list[Row]:
    """The rows with their sizes, counted where they are not known."""
    counted = {row.key: folder_size(f"{home}/experiments/{row.key}") for row in rows if row.size is None}
    sized = [row._replace(size=counted.get(row.key, row.size)) for row in rows]
    cache.keep_sizes(row for row in sized if row.key in counted)
    return sized


def folder_size(path: str) -> int:
    """Bytes of the files below a folder. What goes while this looks, or cannot be looked at, counts nothing."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                inside = entry.is_dir(follow_symlinks=False)
                total += folder_size(entry.path) if inside else entry.stat(follow_symlinks=False).st_size
    return total


def _several(given: str | Iterable[str]) -> list[str]:
    return given.split(",") if isinstance(given, str) else [one for each in given for one in each.split(",")]


def _state(word: str) -> State:
    known = [state.value for state in State]
    if word.upper() in known:
        return State(word.upper())
    msg = f"there is no state {word!r}.{did_you_mean(word.upper(), known)}"
    raise UsageError(msg, hint=f"the states are {', '.join(known)}")
