"""The logs that `nrun logs` prints: which there are, and which of their lines are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import click

from nrun.model import STREAMS, State
from nrun.text import printable
from nrun_command_experiment.edges import edges_of, waited_for
from nrun_command_experiment.moments import moment_of

if TYPE_CHECKING:
    import re
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from nrun import Experiment, Job

LONGEST_LINE_BYTES = 1 << 16
"""What is longer is printed in pieces, so that a log without ends of lines takes no memory."""


@attrs.frozen
class Source:
    """One stream of one task of a job."""

    job: Job
    stream: str
    prefix: bytes
    """What its lines begin with; empty where there is only one source."""

    @property
    def errors(self) -> bool:
        """Whether these are what the task wrote as errors."""
        return self.stream.startswith("err")


def sources_of(exp: Experiment, names: Sequence[str], stream: str | None, rank: int | None) -> list[Source]:
    """The streams of the jobs, those of the tasks of a group one by one. Raises click.UsageError."""
    tasks = {job.name: len(job.tasks) for job in exp.description().jobs}
    found: list[tuple[str, str, str]] = []
    for name in names:
        count = tasks[name]
        if rank is not None and rank >= count:
            msg = f"job {name!r} has no rank {rank}: it has {count} tasks" if count > 1 else f"job {name!r} is no group"
            raise click.UsageError(msg)
        ranks = range(count) if rank is None else (rank,)
        for kind in STREAMS if stream is None else (stream,):
            found += [(name, f"{kind}.{at}" if count > 1 else kind, f"[{at}]" if count > 1 else "") for at in ranks]
    alone = len({(name, at) for name, _, at in found}) == 1
    jobs = exp.jobs
    width = max((len(_label(name, at, names)) for name, _, at in found), default=0)
    prefixes = {(name, at): b"" if alone else f"{_label(name, at, names):{width}}| ".encode() for name, _, at in found}
    return [Source(jobs[name], kind, prefixes[name, at]) for name, kind, at in found]


def _label(name: str, rank: str, names: Collection[str]) -> str:
    return rank.strip("[]") if len(names) == 1 and rank else printable(name) + rank


@attrs.define
class Lines:
    """Which lines of one source are wanted, as they come."""

    prefix: bytes
    grep: re.Pattern[bytes] | None
    since: float | None
    timed: bool = False
    """Whether any line so far began with a time."""
    _wanted: bool = True
    _rest: bytes = b""

    @property
    def all(self) -> bool:
        """Whether the bytes are wanted just as they are."""
        return not self.prefix and self.grep is None and self.since is None

    def take(self, data: bytes) -> Iterator[bytes]:
        """The wanted lines that are whole with `data`."""
        whole, newline, rest = (self._rest + data).rpartition(b"\n")
        self._rest = rest
        if newline:
            yield from self._chosen(whole.split(b"\n"))
        if len(self._rest) > LONGEST_LINE_BYTES:
            yield from self.end()

    def end(self) -> Iterator[bytes]:
        """What is left without an end of its own."""
        rest, self._rest = self._rest, b""
        if rest:
            yield from self._chosen([rest])

    def _chosen(self, lines: Sequence[bytes]) -> Iterator[bytes]:
        for line in lines:
            if self.since is not None and (at := moment_of(line)) is not None:
                self.timed, self._wanted = True, at >= self.since  # lines without a time go with the one before
            if self._wanted and (self.grep is None or self.grep.search(line)):
                yield self.prefix + line + b"\n"


def never_started(names: Sequence[str], exp: Experiment) -> Mapping[str, str]:
    """The jobs among `names` that have no log, with the reason."""
    status = exp.status()
    found: dict[str, str] = {}
    for name in names:
        job = status.jobs[name]
        if job.attempt and not (job.reason or "").startswith("not submitted"):
            continue
        waits = waited_for(edges_of(exp.description())[name], status.jobs) if job.state is State.PENDING else []
        why = [f"it waits for {', '.join(waits)}"] if waits else []
        why += [job.reason] if job.reason else status.warnings if not job.state.ended else []
        found[name] = ": ".join([f"it is {job.state.value}", *filter(None, ["; ".join(why)])])
    return found
