"""`nrun logs`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import TYPE_CHECKING, BinaryIO

import click

from nrun import Experiment
from nrun.model import STREAMS
from nrun_command_experiment.words import complete_experiment, only_job

if TYPE_CHECKING:
    from nrun import Job


@click.command()
@click.argument("experiment", shell_complete=complete_experiment, default="latest", metavar="[EXPERIMENT]")
@click.argument("job", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines.")
@click.option("--stream", type=click.Choice(STREAMS), help="Only its output (out) or its errors (err).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with the text of each stream.")
def logs(
    experiment: str,
    job: str | None,
    follow: bool,
    tail: int | None,
    stream: str | None,
    as_json: bool,
) -> None:
    """Print the log of a job: what it wrote to its output, then to its errors.

    JOB may be left out where there is only one. With --follow both are printed as they come, in whole lines,
    errors to stderr.

    \b
    Examples:
      nrun logs
      nrun logs train evaluate --tail 20
      nrun logs latest train --follow
    """
    if follow and (as_json or tail is not None):
        msg = "--follow goes with neither --tail nor --json"
        raise click.UsageError(msg)
    exp = Experiment.from_id(experiment)
    found = exp.job(only_job(exp, job))
    streams = STREAMS if stream is None else (stream,)
    if as_json:
        texts = {name: found.logs(stream=name, tail=tail) for name in streams}
        click.echo(json.dumps({"job": found.name, **texts}, indent=2))
    elif follow:
        asyncio.run(_follow(found, streams))
    else:
        click.echo(found.logs(stream=stream, tail=tail), nl=False)


async def _follow(job: Job, streams: tuple[str, ...]) -> None:
    outs = {"out": sys.stdout.buffer, "err": sys.stderr.buffer}
    await asyncio.gather(*(_copy(job, stream, outs[stream]) for stream in streams))


async def _copy(job: Job, stream: str, out: BinaryIO) -> None:
    """Copy a log as it grows, in whole lines, so that two streams do not cut each other's."""
    rest = b""
    async with contextlib.aclosing(job.follow(stream)) as chunks:
        async for chunk in chunks:
            whole, newline, rest = (rest + chunk.data).rpartition(b"\n")
            out.write(whole + newline)
            out.flush()
    out.write(rest)
    out.flush()
