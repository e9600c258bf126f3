"""`nrun show`."""

from __future__ import annotations

import json
import shlex
import time
from typing import TYPE_CHECKING, Any

import click

from nrun import Experiment
from nrun.cli.words import complete_experiment
from nrun.record.table import elapsed, ending
from nrun.text import columns, printable
from nrun_command_experiment.facts import PROVENANCE, bundles_of, provenance_of
from nrun_command_experiment.tree import used

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nrun.record import JobStatus
    from nrun.record.description import Description

FIGURES = (
    *("submitted_at", "started_at", "ended_at", "exit_code", "signal"),
    *("cpu_s", "peak_memory_bytes", "gpu_utilization", "peak_gpu_memory_bytes"),
)
MOST_JOBS = 30
MOST_VALUES = 10


@click.command()
@click.argument("experiment", shell_complete=complete_experiment, default="latest", metavar="[EXPERIMENT]")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON, with the tasks and executors.")
def show(experiment: str, as_json: bool) -> None:
    """Show where an experiment comes from: who launched it, how, with which code and versions, and what its jobs used.

    What plugins know of the code, such as a commit and a patch, is shown as they wrote it down.

    \b
    Examples:
      nrun show
      nrun show train --json | jq .by
    """
    exp = Experiment.from_id(experiment)
    asked, status = exp.description(), exp.status()
    provenance = dict(provenance_of(exp))
    if as_json:
        told = {
            **{key: getattr(asked, key) for key in ("id", "title", "created", "by", "fail_fast", "surroundings")},
            "state": status.state.value,
            "record": str(exp.path),
            "bundles": bundles_of(exp),
            "provenance": provenance,
            "executors": [executor.executor for executor in asked.executors],
            "jobs": [
                {"name": job.name, "executors": job.executors, "dependencies": job.dependencies, "tasks": job.tasks}
                | {figure: getattr(status.jobs[job.name], figure) for figure in FIGURES}
                for job in asked.jobs
            ],
        }
        click.echo(json.dumps(told, indent=2))
        return
    click.echo(f"{printable(asked.title)}  {asked.id}  {status.state.value}")
    rows = _rows(asked, str(exp.path))
    told_of = [(name, "; ".join(_figures(job))) for name, job in status.jobs.items() if job.attempt]
    rows += [(f"job {name}", text) for name, text in told_of[:MOST_JOBS]]
    if len(told_of) > MOST_JOBS:
        rows.append(("", f"and {len(told_of) - MOST_JOBS} more: nrun status {exp.id}"))
    rows += [("code", f"bundle {bundle}") for bundle in dict.fromkeys(bundles_of(exp).values())]
    for name, told in provenance.items():
        rows += [(f"{name}: {key}", _text(value, f"{exp.path}/{PROVENANCE}")) for key, value in told.items()]
    click.echo(columns([(printable(name), printable(text)) for name, text in rows]))


def _rows(asked: Description, path: str) -> list[tuple[str, str]]:
    by = asked.by
    launched = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(asked.created))
    plugins = ", ".join(f"{name} {version}" for name, version in by.get("plugins", {}).items())
    kinds = ", ".join(dict.fromkeys(executor.kind for executor in asked.executors))
    return [
        ("launched", f"{launched} by {by.get('user')} on {by.get('host')} (process {by.get('pid')})"),
        ("command", shlex.join(map(str, by.get("argv", [])))),
        ("folder", str(asked.surroundings.get("cwd"))),
        ("script", str(asked.surroundings.get("main") or "(none)")),
        ("versions", f"python {by.get('python')}, nrun {by.get('nrun')}"),
        ("plugins", plugins),
        ("jobs", f"{len(asked.jobs)} on {kinds}"),
        ("record", path),
    ]


def _figures(job: JobStatus) -> Iterator[str]:
    """What is known of how a job ran."""
    yield job.state.value
    if job.started_at is not None:
        yield f"ran {elapsed(job, time.time())}"
    if said := ending(job):
        yield said
    yield from used(job)


def _text(value: Any, folder: str) -> str:  # noqa: ANN401 - JSON
    """A value for people; a file beside is shown with its folder."""
    if isinstance(value, dict) and set(value) == {"file"}:
        return f"{folder}/{value['file']}"
    if isinstance(value, dict) and len(value) > MOST_VALUES:
        return f"{len(value)}, which --json lists"
    return value if isinstance(value, str) else json.dumps(value)
