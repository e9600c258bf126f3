"""`nrun plan FILE[:NAME]`."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING

import click

from nrun.cli.load import load_experiments
from nrun.launching import session
from nrun.record.table import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nrun import Experiment


@click.command(
    short_help="Print exactly what would be submitted",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("--json", "as_json", is_flag=True, help="Print the plans as JSON.")
@click.argument("target", metavar="FILE[:NAME]", type=click.Path())
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def plan(target: str, args: tuple[str, ...], as_json: bool) -> None:
    """Print the exact scripts that `nrun run FILE[:NAME]` would hand over. Nothing is written or submitted.

    The same input gives the same text, so two plans can be compared with `diff`. FILE itself is run, up to where
    it wants a result.

    \b
    Examples:
      nrun plan train.py
      nrun plan --json train.py | jq '.[0].jobs[].name'
      diff <(nrun plan old.py) <(nrun plan new.py)
    """
    with session(plan_only=True) as collected, contextlib.redirect_stdout(sys.stderr):
        load_experiments(target, args, collected)
        plans = [(exp, id(exp) in collected.sequential) for exp in collected.experiments]
        if as_json:
            text = json.dumps([_as_json(exp, sequential=sequential) for exp, sequential in plans], indent=2)
        else:
            text = "\n".join(line for exp, sequential in plans for line in _as_text(exp, sequential=sequential))
    click.echo(text)


def _as_text(exp: Experiment, *, sequential: bool) -> Iterator[str]:
    planned = exp.plan(sequential=sequential)
    yield f"# experiment {printable(planned.title)}: {len(planned.jobs)} jobs"
    for job in planned.jobs:
        after = f", after {', '.join(map(printable, job.dependencies))}" if job.dependencies else ""
        yield f"#   {printable(job.name)} on {printable(str(job.executor.place()))}{after}"
    for name, text in exp.scripts(sequential=sequential):
        yield f"\n==> {printable(name)} <==\n{text}"


def _as_json(exp: Experiment, *, sequential: bool) -> dict[str, object]:
    planned = exp.plan(sequential=sequential)
    files: dict[str, dict[str, str]] = {}
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
                "dependencies": list(job.dependencies),
                "files": files[job.name],
            }
            for job in planned.jobs
        ],
    }
