"""What became of an experiment, as people and programs are told it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from nrun.data import Data
from nrun.errors import JobsFailed
from nrun.events import Noted
from nrun.model import STREAMS, State
from nrun.record import JobStatus
from nrun.record.table import ending
from nrun.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

    from nrun.engine.view import View
    from nrun.experiment import Experiment
    from nrun.model import Json
    from nrun.recorded import Recorded

LAST_LINES = 10
"""How many lines of its log a failed job shows in the error."""
SHOWN_JOBS = 5
"""How many failed jobs show their log in the error."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ExperimentStatus(Data):
    """What is known of an experiment at one moment. Printed, it is a table."""

    id: str | None
    title: str
    state: State
    created: float | None
    """When it was launched, in seconds since the epoch."""
    jobs: Mapping[str, JobStatus]
    user: str | None = None
    """Who launched it, where that was looked up."""
    tags: tuple[str, ...] = ()
    notes: tuple[Noted, ...] = ()
    """What people wrote down about it."""
    size: int | None = None
    """Bytes of its files, where they were counted."""
    warnings: tuple[str, ...] = ()
    """What there is to say about the record itself."""

    def to_json(self) -> dict[str, Json]:
        """As JSON: the jobs in the order they were added."""
        notes = [{"at": note.at, "by": note.by, "text": note.text} for note in self.notes]
        lists = {"tags": list(self.tags), "notes": notes, "warnings": list(self.warnings)}
        jobs = [status.to_json() for status in self.jobs.values()]
        return {field.name: getattr(self, field.name) for field in attrs.fields(type(self))} | lists | {"jobs": jobs}

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Self:
        """The status that `to_json` gave, as far as it goes. Raises KeyError, TypeError or ValueError."""
        jobs = [JobStatus.from_json(job) for job in form["jobs"]]
        notes = tuple(Noted(**note) for note in form["notes"])
        lists = {"tags": tuple(form["tags"]), "notes": notes, "warnings": tuple(form["warnings"])}
        return cls(**{**form, **lists, "state": State(form["state"]), "jobs": {job.name: job for job in jobs}})

    def __str__(self) -> str:
        from nrun.record.table import status_table

        remarks = [f"tags: {', '.join(self.tags)}"] if self.tags else []
        remarks += [f"note: {note.text} ({note.by})" for note in self.notes]
        remarks += [f"warning: {warning}" for warning in self.warnings]
        return status_table(self.title, self.id, self.state, self.jobs.values(), remarks)


def status_of(view: View) -> ExperimentStatus:
    """What is known, for people and programs."""
    from nrun.record.describe import VERSION

    warnings = []
    if view.version > VERSION:
        from nrun.record.description import newer

        warnings.append(f"{newer(view.version, view.folder.id)} is shown as far as it is understood")
    elif view.damaged:
        lines = "line is" if len(view.damaged) == 1 else "lines are"
        where = ", ".join(map(str, view.damaged[:5]))
        warnings.append(f"{len(view.damaged)} {lines} damaged and left out of {view.folder.journal} (at byte {where})")
    if view.launcher_gone:
        warnings.append(f"nobody looks after this experiment; `nrun experiment resume {view.folder.id}` carries it on")
    return ExperimentStatus(
        id=view.folder.id,
        title=view.folder.title,
        state=view.state,
        created=view.created,
        jobs=view.statuses,
        tags=view.tags,
        notes=view.notes,
        warnings=tuple(warnings),
    )


async def jobs_failed(exp: Recorded, status: ExperimentStatus) -> JobsFailed:
    """The error that lists what failed and why, with the last lines of the first few logs."""
    bad = {name: job for name, job in status.jobs.items() if job.state is not State.SUCCEEDED}
    reasons = {name: f"{job.state.value} {ending(job)}".strip() for name, job in bad.items()}
    lines = [f"{len(bad)} of {len(status.jobs)} jobs of {exp.title!r} did not succeed:"]
    failed = [name for name, job in bad.items() if job.state is State.FAILED]
    shown = failed[:SHOWN_JOBS]
    for name in [*failed, *(name for name in bad if name not in failed)][: 4 * SHOWN_JOBS]:
        lines.append(f"  {name!r}: {reasons[name]}")
        if name in shown:
            text = b"".join([await exp.jobs[name].read(stream) for stream in STREAMS]).decode("utf-8", "replace")
            lines += [f"    | {printable(line)}" for line in text.splitlines()[-LAST_LINES:]]
    if len(bad) > 4 * SHOWN_JOBS:
        lines.append(f"  and {len(bad) - 4 * SHOWN_JOBS} more")
    return JobsFailed("\n".join(lines), reasons, hint=f"nrun logs {exp.id} JOB shows a whole log")


def plan_text(exp: Experiment, *, sequential: bool = False) -> str:
    """Exactly what running `exp` would hand over, for people; two of them can be compared with `diff`."""
    return "\n".join(_plan_lines(exp, sequential=sequential))


def _plan_lines(exp: Experiment, *, sequential: bool) -> Iterator[str]:
    planned = exp.plan(sequential=sequential)
    yield f"# experiment {printable(planned.title)}: {len(planned.jobs)} jobs"
    for job in planned.jobs:
        after = f", after {', '.join(printable(str(one)) for one in job.dependencies)}" if job.dependencies else ""
        yield f"#   {printable(job.name)} on {printable(str(job.executor.place()))}{after}"
    for name, text in exp.scripts(sequential=sequential):
        yield f"\n==> {printable(name)} <==\n{text}"


def plan_json(exp: Experiment, *, sequential: bool = False) -> dict[str, Json]:
    """Exactly what running `exp` would hand over, as JSON."""
    planned = exp.plan(sequential=sequential)
    files: dict[str, dict[str, Json]] = {}
    for name, text in exp.scripts(sequential=sequential):
        job, _, file = name.partition("/")
        files.setdefault(job, {})[file] = text
    return {
        "title": planned.title,
        "jobs": [
            {
                "name": job.name,
                "executor": job.executor.place().kind,
                "place": str(job.executor.place()),
                "dependencies": [str(one) for one in job.dependencies],
                "files": files[job.name],
            }
            for job in planned.jobs
        ],
    }
