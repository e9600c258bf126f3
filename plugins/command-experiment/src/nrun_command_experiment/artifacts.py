"""`nrun artifacts`: what jobs left as declared outputs."""

from __future__ import annotations

import fnmatch
import json

import click

from nrun import Experiment, RecordError, ResultError
from nrun.cli.words import complete_experiment
from nrun.text import columns, printable
from nrun_command_experiment.tree import size

EXPERIMENT = click.argument("experiment", shell_complete=complete_experiment, default="latest", metavar="[EXPERIMENT]")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def artifacts() -> None:
    """List and fetch the files that jobs left as declared outputs: exp.add(task, outputs=["checkpoints/*.pt"]).

    \b
    Examples:
      nrun artifacts list
      nrun artifacts get train --to results
    """


@artifacts.command("list")
@EXPERIMENT
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@AS_JSON
def list_(experiment: str, jobs: tuple[str, ...], as_json: bool) -> int:
    """List what jobs left, with sizes and digests. Exits with 1 if a job that was named left nothing.

    \b
    Examples:
      nrun artifacts list
      nrun artifacts list train best --json
    """
    exp = Experiment.from_id(experiment)
    rows: list[dict[str, str | int]] = []
    for name in [exp.job(one).name for one in jobs] or _with_outputs(exp):
        try:
            for one in exp.job(name).artifacts():
                row: dict[str, str | int] = {
                    "job": name,
                    "path": one.path,
                    "size": one.size,
                    "sha256": one.sha256,
                    "file": str(one.file),
                }
                rows.append(row)
        except ResultError as error:
            click.echo(f"note: {error}", err=True)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif rows:
        shown = [(str(row["job"]), str(row["path"]), size(float(row["size"])), str(row["sha256"])[:12]) for row in rows]
        click.echo(columns([("job", "path", "size", "sha256"), *(tuple(map(printable, row)) for row in shown)]))
    return int(bool(jobs) and not {*jobs} <= {row["job"] for row in rows})


@artifacts.command("get")
@EXPERIMENT
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@click.option("--path", "patterns", multiple=True, metavar="PATTERN", help="Only these paths. May be repeated.")
@click.option("--to", "folder", type=click.Path(file_okay=False), default=".", help="Into this folder (default: here).")
@AS_JSON
def get(experiment: str, jobs: tuple[str, ...], patterns: tuple[str, ...], folder: str, as_json: bool) -> int:
    """Copy what jobs left into a folder, each job into one of its own, and check it against the digests.

    What is there already and whole is left, so that a copy which was cut short goes on. Exits with 1 if something
    could not be copied.

    \b
    Examples:
      nrun artifacts get train --to results
      nrun artifacts get train best --path '*.pt'
    """
    exp = Experiment.from_id(experiment)
    got: list[str] = []
    failed = 0
    for name in [exp.job(one).name for one in jobs] or _with_outputs(exp):
        try:
            found = exp.job(name).artifacts()
        except ResultError as error:
            click.echo(f"note: {error}", err=True)
            continue
        for one in found:
            if patterns and not any(fnmatch.fnmatchcase(one.path, pattern) for pattern in patterns):
                continue
            try:
                got.append(str(one.get(f"{folder}/{name}")))
            except (RecordError, OSError) as error:
                failed += 1
                click.echo(f"error: {printable(one.path)} of {printable(name)}: {error}", err=True)
    click.echo(json.dumps(got, indent=2) if as_json else "\n".join(map(printable, got)), nl=bool(got) or as_json)
    return int(bool(failed) or not got)


def _with_outputs(exp: Experiment) -> list[str]:
    """The jobs that declare outputs, or left some: a record that was made again does not know what was declared."""
    left = exp.artifacts()
    return [job.name for job in exp.description().jobs if job.outputs or job.name in left]
