"""`nrun logs`."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import io
import json
import re
import sys
from typing import TYPE_CHECKING, BinaryIO

import click

from nrun import Experiment, ResultError
from nrun.cli.words import complete_experiment
from nrun.model import STREAMS
from nrun.text import printable
from nrun_command_experiment.moments import typed_moment
from nrun_command_experiment.sources import LONGEST_LINE_BYTES, Lines, never_started, sources_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from nrun.model import LogChunk
    from nrun_command_experiment.sources import Source


def _pattern(text: str) -> re.Pattern[bytes]:
    try:
        return re.compile(text.encode())
    except re.error as error:
        msg = f"{text!r} is no regular expression: {error}"
        raise click.BadParameter(msg) from error


@click.command()
@click.argument("experiment", shell_complete=complete_experiment, default="latest", metavar="[EXPERIMENT]")
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@click.option("-f", "--follow", is_flag=True, help="Go on until the jobs have ended; waits for their start.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines of each stream.")
@click.option(
    "--since", type=typed_moment, metavar="TIME", help="Only lines from then on: 15:04, 2026-01-02T15:04, or 10m ago."
)
@click.option("--grep", type=_pattern, metavar="RE", help="Only lines in which the regular expression is found.")
@click.option("--stream", type=click.Choice(STREAMS), help="Only the output (out) or the errors (err).")
@click.option("--rank", type=click.IntRange(min=0), metavar="R", help="Only this task of a group.")
@click.option("--attempt", type=click.IntRange(min=1), metavar="K", help="This attempt (default: the latest).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with the text of each stream.")
def logs(
    experiment: str,
    jobs: tuple[str, ...],
    follow: bool,
    tail: int | None,
    since: float | None,
    grep: re.Pattern[bytes] | None,
    stream: str | None,
    rank: int | None,
    attempt: int | None,
    as_json: bool,
) -> int:
    """Print the logs of jobs: what they wrote to their output, then to their errors.

    Without JOB, of all. Where there are several jobs, or tasks of a group, each line is behind the name of its job
    or the rank of its task. With --follow all are printed as they come, in whole lines, errors to stderr; when a job
    is tried again, the log of the new attempt follows.

    Logs are kept as the jobs write them. --since therefore goes by the times that lines begin with; of a log without
    any, all is printed that may be as new, and that is said.

    \b
    Examples:
      nrun logs
      nrun logs train evaluate --tail 20
      nrun logs latest train --follow --grep 'loss|Error'
      nrun logs latest train --attempt 1 --stream err
      nrun logs latest train --rank 3 --since 10m
    """
    if follow and as_json:
        msg = "--follow does not go with --json"
        raise click.UsageError(msg)
    exp = Experiment.from_id(experiment)
    names = [exp.job(name).name for name in jobs] or list(exp.jobs)
    found = sources_of(exp, names, stream, rank)
    if as_json:
        _print_json(found, attempt, tail, grep, since)
    elif follow:
        asyncio.run(_follow_all(found, attempt, tail, grep, since))
    else:
        for source in found:
            asyncio.run(_print(source, attempt, tail, Lines(source.prefix, grep, since), sys.stdout.buffer))
    missing = never_started(names, exp)
    for name, why in missing.items():
        if len(missing) < len(names):
            click.echo(f"note: job {printable(name)!r} never started: {printable(why)}", err=True)
    if names and len(missing) == len(names):
        msg = "\n".join(f"job {name!r} has no log, for it never started: {why}" for name, why in missing.items())
        raise ResultError(msg)
    return 0


def _print_json(
    sources: Sequence[Source],
    attempt: int | None,
    tail: int | None,
    grep: re.Pattern[bytes] | None,
    since: float | None,
) -> None:
    """One object for one job, else an array."""
    told: dict[str, dict[str, str]] = {}
    for source in sources:
        asyncio.run(_print(source, attempt, tail, Lines(b"", grep, since), out := io.BytesIO()))
        text = out.getvalue().decode("utf-8", "replace")
        told.setdefault(source.job.name, {"job": source.job.name})[source.stream] = text
    found = list(told.values())
    click.echo(json.dumps(found[0] if len(found) == 1 else found, indent=2))


# ---- as it is


async def _print(source: Source, attempt: int | None, tail: int | None, lines: Lines, out: BinaryIO) -> None:
    """Print one log as it is now, or its last lines."""
    if not _may_be_as_new(source, lines.since):
        return
    chunks = source.job.chunks(source.stream, attempt=attempt)
    if tail is None:
        await _copy(chunks, lines, out)
    else:
        await _print_last(chunks, lines, tail, out)
    _say_if_without_times(source, lines)


def _may_be_as_new(source: Source, since: float | None) -> bool:
    """Whether anything in the log can have been written since: not if the job ended before."""
    ended_at = source.job.status.ended_at if since is not None else None
    return since is None or ended_at is None or ended_at >= since


def _say_if_without_times(source: Source, lines: Lines) -> None:
    if lines.since is None or lines.timed:
        return
    started_at = source.job.status.started_at
    if started_at is None or started_at < lines.since:
        what = f"{printable(source.job.name)} ({source.stream})"
        click.echo(f"note: no line of {what} begins with a time; it is printed from its beginning", err=True)


async def _print_last(chunks: AsyncGenerator[LogChunk, None], lines: Lines, count: int, out: BinaryIO) -> int:
    """Print the last wanted lines. Gives where the log ended."""
    last: collections.deque[bytes] = collections.deque(maxlen=count)
    end = 0
    async with contextlib.aclosing(chunks):
        async for chunk in chunks:
            last.extend(lines.take(chunk.data))
            end = chunk.offset + len(chunk.data)
    last.extend(lines.end())
    _write(out, last)
    return end


# ---- as it grows


async def _follow_all(
    sources: Sequence[Source],
    attempt: int | None,
    tail: int | None,
    grep: re.Pattern[bytes] | None,
    since: float | None,
) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for source in sources:
                group.create_task(_follow(source, attempt, tail, Lines(source.prefix, grep, since)))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def _follow(source: Source, attempt: int | None, tail: int | None, lines: Lines) -> None:
    out = sys.stderr.buffer if source.errors else sys.stdout.buffer
    offset = 0
    if tail is not None and (attempt is None or attempt <= source.job.status.attempt):
        offset = await _print_last(source.job.chunks(source.stream, attempt=attempt), lines, tail, out)
    await _copy(source.job.follow(source.stream, offset, attempt=attempt), lines, out)
    _say_if_without_times(source, lines)


async def _copy(chunks: AsyncGenerator[LogChunk, None], lines: Lines, out: BinaryIO) -> None:
    """Copy what is wanted of a log, in whole lines, so that two streams do not cut each other's."""
    rest = b""
    async with contextlib.aclosing(chunks):
        async for chunk in chunks:
            if not lines.all:
                _write(out, lines.take(chunk.data))
                continue
            data = rest + chunk.data if rest else chunk.data
            cut = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1  # a progress bar ends its lines with the latter
            cut = cut or len(data) * (len(data) > LONGEST_LINE_BYTES)
            _write(out, [data[:cut]])
            rest = data[cut:]
    _write(out, [rest] if lines.all else lines.end())


def _write(out: BinaryIO, pieces: Iterable[bytes]) -> None:
    out.writelines(pieces)
    out.flush()
