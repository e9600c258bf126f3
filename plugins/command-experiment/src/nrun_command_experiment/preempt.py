"""`nrun experiment preempt`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from nrun import Experiment
from nrun.abilities import Preempts
from nrun.cli.words import complete_experiment
from nrun.engine.look import open_backend
from nrun.sync import run_sync
from nrun.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nrun.model import Handle, Place


@click.command()
@click.argument("experiment", shell_complete=complete_experiment)
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def preempt(experiment: str, jobs: tuple[str, ...], as_json: bool) -> int:
    """Rehearse a preemption: have jobs save, end and be queued again, all that run or those named.

    On Slurm, a job with a `deadline_signal` gets that signal, as before its time limit; others are requeued as when
    their place is taken. A job that comes back as it should will also survive the real thing.

    Exits with 0 if it was done for every job, 1 otherwise.

    \b
    Examples:
      nrun experiment preempt latest
      nrun experiment preempt train evaluate
    """
    exp = Experiment.from_id(experiment)
    names = [exp.job(name).name for name in jobs]
    states = exp.status().jobs
    wanted = names or [name for name, status in states.items() if not status.state.ended]
    left = run_sync(_preempt(exp, wanted))
    done = [name for name in wanted if name not in left]
    if as_json:
        click.echo(json.dumps({"id": exp.id, "preempted": done, "left": left}, indent=2))
        return 1 if left else 0
    for name in done:
        click.echo(f"preempted {printable(name)}")
    for name, why in left.items():
        click.echo(f"not preempted: {printable(name)}: {printable(why)}", err=True)
    if not wanted:
        click.echo("no job is there to preempt", err=True)
    return 1 if left else 0


async def _preempt(exp: Experiment, names: list[str]) -> dict[str, str]:
    """Gives why not, by job, where it was not done."""
    view, hooks = exp.recorded()
    left: dict[str, str] = {}
    by_place: dict[Place, list[Handle]] = {}
    for name in names:
        handle = view.statuses[name].handle
        if handle is None or view.statuses[name].state.ended:
            left[name] = f"it is {view.statuses[name].state.value}"
        else:
            by_place.setdefault(view.place(name), []).append(view.folder.placed(handle))
    for place, handles in by_place.items():
        async with open_backend(place, hooks) as backend:
            told: Mapping[Handle, str] = dict.fromkeys(handles, f"{place.kind} preempts no jobs")
            if isinstance(backend, Preempts):
                told = await backend.preempt(handles)
        left |= {handle.tag.job: why for handle, why in told.items()}
    return left
