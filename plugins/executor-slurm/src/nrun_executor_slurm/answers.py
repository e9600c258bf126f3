"""Reads what the programs in `remote` and Slurm's commands say. Whatever cannot be read is left out: nothing raises."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

JOB = re.compile(r"(\d{1,12}(?:_\d{1,9})?)(?:\+0)?(?:;\S+)?", re.ASCII)
"""A job as `sbatch --parsable` and `squeue` name it: number, element of an array, cluster."""
_MOST_SECONDS = 1e11


@attrs.frozen
class Said:
    """What became of one attempt that was to be submitted, or is asked for."""

    what: str
    """"job", "refused", "unreached", "lost", "never" or "claimed"."""
    more: str

    @property
    def job(self) -> str | None:
        """The job's id, if it has one."""
        found = JOB.fullmatch(self.more.strip()) if self.what == "job" else None
        return found[1] if found else None


@attrs.frozen(kw_only=True)
class Listed:
    """A job as Slurm lists it."""

    state: str
    reason: str = ""
    by: str = ""
    """Who cancelled it, where that is told."""
    nodes: tuple[str, ...] = ()
    started_at: float | None = None
    """For a job that waits: when it is expected to start."""
    ended_at: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    comment: str = ""


@attrs.frozen(kw_only=True)
class Marked:
    """What the folder of an attempt tells."""

    exit_code: int | None = None
    stop: str = ""
    """The signal by which it was asked to stop, without SIG."""
    requeues: bool = False
    """Whether this run gives way to another run of the same job."""
    started_at: float | None = None
    ended_at: float | None = None
    last_output_at: float | None = None


@attrs.frozen(kw_only=True)
class Seen:
    """One look at many jobs."""

    now: float | None
    """The clock there."""
    queue: Mapping[str, Listed] | None
    """By job; None: nobody has an answer."""
    queue_at: float
    down: str
    """Why there is no fresh answer."""
    folders: Mapping[str, Marked]
    arrays: Collection[str]
    """The arrays that the queue lists, or elements of them."""


def submitted(text: str) -> dict[str, Said]:
    """What `submit.sh` and `find.sh` say, by folder."""
    found = {}
    for line in text.splitlines():
        folder, tab, rest = line.partition("\t")
        what, again, more = rest.partition("\t")
        if tab and again:
            found[folder] = Said(what, more)
    return found


def looked(text: str) -> Seen:
    """What `look.sh` says."""
    now: float | None = None
    queue_at, down = 0.0, ""
    queue: dict[str, Listed] = {}
    told: dict[str, dict[str, object]] = {}
    for line in text.split("\n"):
        kind, _, rest = line.partition("\t")
        subject, _, value = rest.partition("\t")
        if kind == "now":
            now = _seconds(rest)
        elif kind == "down":
            down = rest.strip() or "squeue failed without a word"
        elif kind == "queue":
            if rest.startswith("at|"):
                queue_at = _seconds(rest[3:]) or 0.0
            elif entry := _queued(rest):
                queue[entry[0]] = entry[1]
        elif kind == "exit":
            told.setdefault(subject, {}).update(_marker(value))
        elif kind == "requeue":
            told.setdefault(subject, {})["requeues"] = True
        elif kind == "time":
            folder, _, name = subject.rpartition("/")
            _note_time(told.setdefault(folder, {}), name, value)
    folders = {}
    for folder, facts in told.items():
        if "exit_code" not in facts:
            facts.pop("ended_at", None)  # room was made for a marker that is not written
        folders[folder] = Marked(**facts)  # type: ignore[arg-type]  # its fields, as read below
    arrays = {job.partition("_")[0] for job in queue}
    listed = queue if queue_at else None
    return Seen(now=now, queue=listed, queue_at=queue_at, down=down, folders=folders, arrays=arrays)


def asked(text: str) -> dict[str, Listed]:
    """What `ask.sh` says, by job: accounting where there is some, else the controller."""
    accounts: dict[str, Listed] = {}
    controller: dict[str, Listed] = {}
    for line in text.split("\n"):
        kind, _, rest = line.partition("\t")
        if kind == "sacct" and (entry := _account(rest)):
            accounts |= dict.fromkeys(*entry)
        elif kind == "scontrol":
            job, _, shown = rest.partition("\t")
            if (found := _shown(shown)) is not None:
                controller[_element(job, shown)] = found
    return controller | accounts


def array_of(job: str) -> str | None:
    """The array that a job is an element of."""
    array, underline, _ = job.partition("_")
    return array if underline else None


def gone(text: str) -> set[str]:
    """The jobs and arrays of which the controller says that there are none."""
    return {
        line.split("\t")[1]
        for line in text.split("\n")
        if line.startswith("scontrol\t") and line.count("\t") > 1 and "Invalid job id" in line
    }


def complaint(text: str) -> str:
    """What sbatch complains of, without saying each time who does."""
    return " ".join(part.strip() for part in text.replace("sbatch: error:", " ").split()) or "no reason given"


def _queued(line: str) -> tuple[str, Listed] | None:
    fields = line.split("|", 5)
    found = JOB.fullmatch(fields[0])
    if len(fields) != 6 or not found or not fields[1]:  # noqa: PLR2004 - as `look.sh` asks for them
        return None
    _, state, start, nodes, reason, comment = fields
    reason = "" if reason == "None" else reason
    listed = Listed(
        state=state, reason=reason, nodes=tuple(_nodes(nodes)), started_at=_seconds(start), comment=comment.strip()
    )
    return found[1], listed


def _account(line: str) -> tuple[list[str], Listed] | None:
    fields = line.split("|")
    jobs = _elements(fields[0])
    if len(fields) != 6 or not jobs or not fields[1].strip():  # noqa: PLR2004 - as `ask.sh` asks for them
        return None
    _, state, code, start, end, nodes = fields
    word, _, by = state.partition(" by ")
    exit_code, number = _ended(code)
    listed = Listed(
        state=word.split()[0] if word.split() else "",
        by=by.strip(),
        nodes=tuple(_nodes(nodes)),
        started_at=_seconds(start),
        ended_at=_seconds(end),
        exit_code=exit_code,
        signal=number,
    )
    return (jobs, listed) if listed.state else None


def _elements(text: str) -> list[str]:
    """The jobs of an id: one, or those of an array that were never told apart, such as `7_[1-3,8%2]`."""
    if found := JOB.fullmatch(text):
        return [found[1]]
    found = re.fullmatch(r"(\d{1,12}_\[[\d,-]+)(?:%\d+)?\]", text, re.ASCII)
    return _expanded(f"{found[1]}]") if found else []


def _shown(line: str) -> Listed | None:
    fields = dict(word.split("=", 1) for word in line.split() if "=" in word)
    if not fields.get("JobState"):
        return None
    exit_code, number = _ended(fields.get("ExitCode", ""))
    return Listed(
        state=fields["JobState"],
        reason=fields.get("Reason", "").replace("None", ""),
        nodes=tuple(_nodes(fields.get("NodeList", ""))),
        started_at=_seconds(fields.get("StartTime", "")),
        ended_at=_seconds(fields.get("EndTime", "")),
        exit_code=exit_code,
        signal=number,
    )


def _element(job: str, line: str) -> str:
    """The job that a line of `scontrol show job` is about."""
    found = re.search(r" ArrayTaskId=(\d{1,9}) ", line, re.ASCII)
    return f"{job}_{found[1]}" if found else job


def _marker(line: str) -> Iterator[tuple[str, object]]:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return
    if isinstance(told, dict) and type(told.get("exit_code")) is int and 0 <= told["exit_code"] <= 255:  # noqa: PLR2004
        yield "exit_code", told["exit_code"]
        yield "stop", str(told.get("stop") or "")


def _note_time(facts: dict[str, object], name: str, value: str) -> None:
    at, _, size = value.partition(" ")
    seconds = _seconds(at)
    if seconds is None:
        return
    if name == "start.json":
        facts["started_at"] = seconds
    elif name == "exit.json":
        facts["ended_at"] = seconds
    elif name.endswith(".log") and size != "0":
        before = facts.get("last_output_at")
        facts["last_output_at"] = max(seconds, before if isinstance(before, float) else seconds)


def _seconds(text: str) -> float | None:
    """Seconds since the epoch; None for "N/A", "Unknown" and whatever else stands there."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 < value < _MOST_SECONDS else None


def _ended(text: str) -> tuple[int | None, int | None]:
    """Exit code and signal of `3:0` and `0:9`."""
    found = re.fullmatch(r"(\d{1,3}):(\d{1,3})", text, re.ASCII)
    if not found:
        return None, None
    code, number = int(found[1]), int(found[2])
    return (None, number) if number else (code, None)


_MOST_NODES = 100_000


def _nodes(text: str) -> list[str]:
    """The nodes of a list such as `gpu[01-03,7],login`."""
    if not text or text in {"(null)", "None assigned", "n/a"} or len(text) > 10 * _MOST_NODES:
        return []
    nodes: list[str] = []
    for part in re.findall(r"(?:[^,\[]|\[[^\]]*\])+", text):
        nodes += _expanded(part)
        if len(nodes) > _MOST_NODES:
            return [text]
    return nodes


def _expanded(part: str) -> list[str]:
    found = re.fullmatch(r"([^\[\]]*)\[([\d,-]+)\]([^\[\]]*)", part, re.ASCII)
    if not found:
        return [part]
    names = []
    for span in found[2].split(","):
        low, _, high = span.partition("-")
        if not low.isdigit() or (high and not high.isdigit()) or len(low) > 9 or len(high) > 9:  # noqa: PLR2004
            return [part]
        last = int(high or low)
        if last - int(low) > _MOST_NODES:
            return [part]
        names += [f"{found[1]}{number:0{len(low)}d}{found[3]}" for number in range(int(low), last + 1)]
    return names
