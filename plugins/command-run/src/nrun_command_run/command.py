"""`nrun run FILE[:NAME]`."""

from __future__ import annotations

import collections
import contextlib
import itertools
import json
import sys
from typing import TYPE_CHECKING

import attrs
import click

from nrun import ExperimentStatus, JobsFailed, State
from nrun.cli.load import load_experiments
from nrun.launching import session

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from nrun.interrupts import OnInterrupt
    from nrun.launching import Session

FULL_TABLE_JOBS = 30


def _command(function: Callable[..., int]) -> click.Command:
    """What `run` and `launch` take."""
    for parameter in (
        click.argument("args", nargs=-1, type=click.UNPROCESSED),
        click.argument("target", metavar="FILE[:NAME]", type=click.Path()),
        click.option("--json", "as_json", is_flag=True, help="Print what became of the experiments as JSON."),
        click.option(
            "--on-interrupt",
            type=click.Choice(["detach", "cancel", "ask"]),
            help="What the first Ctrl-C does to the jobs (default: detach, or NRUN_ON_INTERRUPT).",
        ),
        click.option("--fail-fast", is_flag=True, help="Let the first failure of a job end its experiment."),
        click.option(
            "--detach", is_flag=True, help="Return as soon as what can be submitted is; a supervisor carries on."
        ),
    ):
        function = parameter(function)
    settings = {"ignore_unknown_options": True, "allow_interspersed_args": False}
    return click.command(context_settings=settings)(function)


@_command
def run(
    target: str,
    args: tuple[str, ...],
    detach: bool,
    fail_fast: bool,
    on_interrupt: OnInterrupt | None,
    as_json: bool,
) -> int:
    """Run the experiments that FILE builds, to their end.

    FILE is a Python script, run as `python FILE ARGS...` would run it; an experiment that it builds and does
    not run is run afterwards. With NAME, the script's main guard does not run, and NAME is an Experiment, a task
    (Config, Partial, Script), a function that returns an Experiment, or any other function, which is run as a task.

    The first Ctrl-C leaves the jobs to a supervisor and says how to return, the second cancels them.

    Exits with 0 only if every job succeeded (with --detach: none has failed yet), 1 if not, 2 for bad usage, 130
    after Ctrl-C.

    \b
    Examples:
      nrun run hello.py
      nrun run train.py --epochs 3      options after FILE are the script's
      nrun run train.py:train           run the function `train` as a job
      nrun run --detach train.py        and `nrun attach` later
      nrun run --json hello.py
    """
    given = session(detach=detach, fail_fast=fail_fast, on_interrupt=on_interrupt)
    return _carry_out(target, args, given, as_json=as_json)


@_command
def launch(
    target: str,
    args: tuple[str, ...],
    detach: bool,
    fail_fast: bool,
    on_interrupt: OnInterrupt | None,
    as_json: bool,
) -> int:
    """As `nrun run`, once: what was launched before and is still the same is not launched again.

    The same means the same configuration, code (the script, and the modules it loaded from the current folder) and
    versions. If that experiment has succeeded, nothing is done; if it runs, it is followed; what failed in it is
    run again. A change of any of these launches a new one.

    Exits as `nrun run` does.

    \b
    Examples:
      nrun launch train.py
      nrun launch --detach train.py     in a cron job, or after a reboot
    """
    given = session(launch=True, detach=detach, fail_fast=fail_fast, on_interrupt=on_interrupt)
    return _carry_out(target, args, given, as_json=as_json)


def _carry_out(target: str, args: tuple[str, ...], given: AbstractContextManager[Session], *, as_json: bool) -> int:
    """Run what FILE builds. Gives the exit code."""
    # What the script prints must not get between the lines of our JSON.
    out = contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext()
    problem: JobsFailed | None = None
    told: dict[str, ExperimentStatus] = {}
    with given as collected, out:
        try:
            load_experiments(target, args, collected)
            for exp in collected.experiments:
                if exp.id is None:
                    status = exp.run(check=False)
                    told[status.id or ""] = status
        except JobsFailed as error:
            problem = error
    statuses = [told.get(exp.id) or exp.status() for exp in collected.experiments if exp.id is not None]
    if as_json:
        click.echo(json.dumps([status.to_json() for status in statuses], indent=2))
    else:
        click.echo("\n\n".join(summary(status) for status in statuses))
    if problem is not None:
        click.echo(f"error: {problem}", err=True)
    open_ones = [status for status in statuses if collected.detach and not status.state.ended]
    for status in open_ones:
        click.echo(f"detached; `nrun attach {status.id}` returns to it", err=True)
    well = all(status in open_ones or status.state is State.SUCCEEDED for status in statuses)
    return 0 if problem is None and well else 1


def summary(status: ExperimentStatus) -> str:
    """The whole table of a small experiment; of a large one, the counts and what did not succeed."""
    if len(status.jobs) <= FULL_TABLE_JOBS:
        return str(status)
    counts = collections.Counter(job.state.value for job in status.jobs.values())
    shown = {name: job for name, job in status.jobs.items() if job.state is not State.SUCCEEDED}
    few = dict(itertools.islice(shown.items(), FULL_TABLE_JOBS))
    told = ", ".join(f"{count} {state.lower()}" for state, count in counts.items())
    return f"{attrs.evolve(status, jobs=few)}\n{len(status.jobs)} jobs: {told}"
