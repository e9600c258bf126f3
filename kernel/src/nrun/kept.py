"""`Kept`: experiments among others in a record: found, labelled, compared, put away and removed."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from nrun.errors import ResultError, UsageError
from nrun.events import Noted, Tagged
from nrun.plugins import installed
from nrun.provided import provided
from nrun.record import Journal, home_folder, labels, read_journal, user
from nrun.recorded import Recorded

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from datetime import datetime
    from typing import Any, Self

    from nrun.events import Event
    from nrun.model import Json
    from nrun.outcome import ExperimentStatus
    from nrun.plugins import Hooks
    from nrun.protocols import Executor
    from nrun.record.artifacts import Artifact


class Kept(Recorded):
    """What is done with experiments that were launched at some time, here or anywhere else."""

    # ---- among others

    @classmethod
    def catalog(  # noqa: PLR0913 - what there is to ask for
        cls,
        title: str | None = None,
        *,
        state: str | Iterable[str] = (),
        tag: str | Iterable[str] = (),
        since: str | float | datetime | None = None,
        until: str | float | datetime | None = None,
        text: str | None = None,
        limit: int | None = None,
        offset: int = 0,
        home: str | os.PathLike[str] | None = None,
    ) -> list[ExperimentStatus]:
        """The experiments in the record, newest first, as the record knows them; nobody is asked.

        `title` may have wildcards; they are in any of the states, and have all of the tags. `since` and `until` are
        moments, ISO dates, or spans ago such as "2d". `text` is looked for in titles, notes, names of jobs and
        command lines. Raises UsageError for what cannot be asked, RecordError.
        """
        from nrun.search import query_of, search

        query = query_of(title=title, state=state, tag=tag, since=since, until=until, text=text)
        return search(home_folder(home), query, limit=limit, offset=offset).statuses

    @classmethod
    def adopt(
        cls,
        path: str | os.PathLike[str],
        executor: Executor | None = None,
        *,
        home: str | os.PathLike[str] | None = None,
        hooks: Hooks | None = None,
    ) -> Self:
        """The experiment in the folder `path`, wherever that came from: a copy, a mounted disk.

        A record that is gone is made again from the folders of the jobs, which are taken to have run on `executor`
        (the default executor). What waited for what, and jobs that never ran, they do not tell. Raises RecordError.
        """
        known = hooks or installed()
        folder = provided("adopt_experiment", known)(Path(path), executor, home_folder(home), known)
        return cls._loaded(folder, hooks)

    @classmethod
    def restore(cls, file: str | os.PathLike[str], *, home: str | os.PathLike[str] | None = None) -> list[Self]:
        """The experiments in an archive, taken back into the record: all, or none. Raises RecordError."""
        folders = provided("restore_archive")(Path(file), home_folder(home))[0]
        return [cls._loaded(folder, None) for folder in folders]

    @staticmethod
    def gc(  # noqa: PLR0913 - each is a wish of its own
        *,
        older_than: str | None = None,
        max_size: str | None = None,
        state: str | Iterable[str] = (),
        keep_last: int | None = None,
        dry_run: bool = False,
        home: str | os.PathLike[str] | None = None,
    ) -> dict[Path, str]:
        """Remove experiments by age ("30d"), size ("50GB") and state, and what no record needs, as `gc` does.

        Gives what went, or would go with `dry_run`, and why. Raises UsageError, and RecordError for what had to stay
        once the rest is gone.
        """
        wishes = {"older_than": older_than, "max_size": max_size, "state": state, "keep_last": keep_last}
        removed: dict[Path, str] = provided("collect_garbage")(home_folder(home), dry_run=dry_run, **wishes)
        return removed

    def archive(self, file: str | os.PathLike[str] | None = None, *, remove: bool = False) -> Path:
        """Put it, and the code it was given, into one file, by default in the current folder; gives its path.

        With `remove` it leaves the record once the file is whole. Raises PlanError if it has not ended, RecordError.
        """
        done: Path = provided("archive_experiments", self._hooks)([self._launched()], file, remove=remove)[0]
        return done

    # ---- what came of it

    def results(self) -> dict[str, Any]:
        """What the functions of its jobs returned, by the names of the jobs; of a group, what its first task did.

        Jobs that have no result, such as scripts and what failed, are left out: `job.result()` says why.
        """
        found = {}
        for name, job in self.jobs.items():
            with contextlib.suppress(ResultError):
                found[name] = job.result()
        return found

    def artifacts(self) -> dict[str, list[Artifact]]:
        """The files that its jobs left as declared outputs, by the names of the jobs; `one.get(folder)` fetches one."""
        found = {}
        for name, job in self.jobs.items():
            with contextlib.suppress(ResultError):
                found[name] = job.artifacts()
        return found

    def diff(self, other: Recorded) -> dict[str, dict[str, tuple[Json, Json]]]:
        """How it differs from another experiment, by section and place: what is here, and what is there or None.

        The sections are configuration, code, files, environment, results.
        """
        found: dict[str, dict[str, tuple[Json, Json]]] = provided("compare_experiments", self._hooks)(self, other)
        return found

    # ---- tags and notes

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags it has, in the order they were given."""
        return self._labels()[0]

    @property
    def notes(self) -> tuple[Noted, ...]:
        """What people wrote down about it: each with `at`, `by` and `text`."""
        return self._labels()[1]

    def note(self, text: str) -> None:
        """Write down something about it. Raises RecordError."""
        self._label(Noted(at=time.time(), text=text, by=user()))

    def tag(self, *tags: str) -> None:
        """Put tags on it. Raises UsageError for what cannot be one, RecordError."""
        self._label(Tagged(at=time.time(), by=user(), add=tuple(map(check_tag, tags))))

    def untag(self, *tags: str) -> None:
        """Take tags off it; those that it does not have do not matter. Raises RecordError."""
        self._label(Tagged(at=time.time(), by=user(), remove=tags))

    def _label(self, event: Event) -> None:
        from nrun.record.description import check_version

        check_version(self._view.version if self._view else 0, self._launched())
        with Journal(self._launched().journal) as journal:
            journal.append([event], durable=True)
        if self._view is not None:
            tags, notes = self._labels()
            self._view = attrs.evolve(self._view, tags=tags, notes=notes)

    def _labels(self) -> tuple[tuple[str, ...], tuple[Noted, ...]]:
        return labels(read_journal(self._launched().journal).events)


def check_tag(tag: object) -> str:
    """`tag` if it can be one. Raises UsageError."""
    if not isinstance(tag, str) or not tag.isprintable() or not tag or set(tag) & set(" ,") or tag.startswith("-"):
        msg = f"a tag is a word without spaces and commas that does not begin with a dash, not {tag!r}"
        raise UsageError(msg, hint="use exp.note(...), or `nrun note`, for a sentence")
    return tag
