"""What is known of ended experiments, kept so that lists are fast. The record alone is the truth.

The file may be deleted at any time, and any number of processes may use it at once. Where it cannot be used (locked,
damaged, on a full or read-only disk) lists are made without it, from the record.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

FORMAT = 1
"""Goes up whenever rows are made in another way: rows of another format are left alone."""
PATIENCE_S = 0.5
"""How long to wait for a process that writes."""
_TABLES = """
CREATE TABLE IF NOT EXISTS found (
    key TEXT PRIMARY KEY, stamp TEXT, state TEXT, created REAL, tags TEXT, size INTEGER, text TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shown (key TEXT PRIMARY KEY, document TEXT);
"""  # what is shown is large: beside it, searching would read ten times as much
_ROWS = """SELECT key, stamp, state, created, tags, size, CASE WHEN ? THEN text ELSE '' END, NULL
    FROM found WHERE key IN (SELECT value FROM json_each(?))"""
_DOCUMENTS = """SELECT key, stamp, document FROM shown JOIN found USING (key)
    WHERE key IN (SELECT value FROM json_each(?))"""
_GONE = "SELECT key FROM found WHERE key NOT IN (SELECT value FROM json_each(?))"
_TYPES = {(str, str, float, str, size, str) for size in (int, type(None))}
_DAMAGED = {None, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
"""What SQLite says of a file that holds something else than was written; all other trouble passes."""


class Row(NamedTuple):
    """An experiment as it is searched and shown."""

    key: str
    """`<title>/<id>`."""
    stamp: str
    """What its files looked like when this was read from them."""
    state: str
    created: float | None
    tags: str
    """Each between line ends."""
    size: int | None
    text: str
    """What `--text` looks through, casefolded."""
    document: str | None
    """The whole status as JSON; None until asked for."""


class Cache:
    """The cache of the record under `home`, open. Once there is trouble with it, it is as good as empty."""

    def __init__(self, home: Path) -> None:
        self._path = _place(home)
        self._connection: sqlite3.Connection | None = None
        with self._careful():
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120 - text
            self._connection = sqlite3.connect(self._path, timeout=PATIENCE_S)
            self._connection.executescript(_TABLES)

    def rows(self, keys: Sequence[str], *, text: bool) -> dict[str, Row]:
        """The rows with these keys that there are, without documents and, unless `text`, without texts."""
        rows: dict[str, Row] = {}
        with self._careful():
            if self._connection is not None:
                found = self._connection.execute(_ROWS, (text, json.dumps(keys)))
                rows |= {row[0]: Row._make(row) for row in found if tuple(map(type, row[1:7])) in _TYPES}
        return rows

    def documents(self, rows: Sequence[Row]) -> dict[str, str]:
        """The documents of rows, by their keys, where they are unchanged."""
        documents: dict[str, str] = {}
        with self._careful():
            if self._connection is not None and rows:
                stamps = {row.key: row.stamp for row in rows}
                found = self._connection.execute(_DOCUMENTS, (json.dumps(list(stamps)),))
                documents |= {key: document for key, stamp, document in found if stamps[key] == stamp}
        return documents

    def keep(self, rows: Sequence[Row], everything: Sequence[str] | None) -> None:
        """Keep these rows. With `everything`, the keys of all experiments, forget those that are gone."""
        with self._careful():
            if self._connection is not None and rows:
                with self._connection:
                    change = self._connection.executemany
                    change("INSERT OR REPLACE INTO found VALUES (?, ?, ?, ?, ?, ?, ?)", (row[:-1] for row in rows))
                    change("INSERT OR REPLACE INTO shown VALUES (?, ?)", ((row.key, row.document) for row in rows))
                    if everything is not None:
                        gone = self._connection.execute(_GONE, (json.dumps(everything),)).fetchall()
                        change("DELETE FROM found WHERE key = ?", gone)
                        change("DELETE FROM shown WHERE key = ?", gone)

    def keep_sizes(self, rows: Iterable[Row]) -> None:
        """Keep the sizes of these rows, where they are there and unchanged."""
        with self._careful():
            if self._connection is not None:
                with self._connection:
                    found = ((row.size, row.key, row.stamp) for row in rows)
                    self._connection.executemany("UPDATE found SET size = ? WHERE key = ? AND stamp = ?", found)

    @contextlib.contextmanager
    def _careful(self) -> Iterator[None]:
        """Close it at the first trouble; a damaged file is removed, and made anew by whoever comes next."""
        try:
            yield
        except (OSError, ValueError):
            self.close()
        except sqlite3.Error as error:
            self.close()
            if getattr(error, "sqlite_errorcode", None) in _DAMAGED:
                for end in ("", "-journal"):
                    with contextlib.suppress(OSError):
                        os.unlink(self._path + end)  # noqa: PTH108 - text

    def close(self) -> None:
        """Close the file. Harmless when done twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def stamp_of(folder: str) -> str:
    """What the files look like that tell of an experiment; empty unless they are all there."""
    try:
        asked, happened = os.stat(f"{folder}/experiment.json"), os.stat(f"{folder}/journal.jsonl")  # noqa: PTH116 - text
    except OSError:
        return ""
    return f"{FORMAT} {asked.st_size} {asked.st_mtime_ns} {happened.st_size} {happened.st_mtime_ns}"


def _place(home: Path) -> str:
    """The file: in `$NRUN_CACHE` where that is set, for records that are far away or read-only."""
    elsewhere = os.environ.get("NRUN_CACHE")
    if not elsewhere:
        return f"{home}/cache/catalogue.sqlite3"
    import hashlib

    which = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return os.path.abspath(f"{elsewhere}/catalogue-{which}.sqlite3")  # noqa: PTH100 - text
