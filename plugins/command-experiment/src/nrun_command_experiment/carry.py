"""`nrun resume`, `nrun attach` and `nrun rerun`: the commands that carry an experiment on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nrun import Experiment
from nrun.cli.words import complete_experiment
from nrun_command_experiment.outcome import show, show_detached

if TYPE_CHECKING:
    from nrun.interrupts import OnInterrupt

EXPERIMENT = click.argument("experiment", shell_complete=complete_experiment, default="latest", metavar="[EXPERIMENT]")
ON_INTERRUPT = click.option(
    "--on-interrupt",
    type=click.Choice(["detach", "cancel", "ask"]),
    help="What the first Ctrl-C does to the jobs (default: detach, or NRUN_ON_INTERRUPT).",
)
DETACH = click.option("--detach", is_flag=True, help="Leave it to a process of its own and return at once.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print what became of it as JSON.")


@click.command()
@EXPERIMENT
@DETACH
@ON_INTERRUPT
@AS_JSON
def resume(experiment: str, detach: bool, on_interrupt: OnInterrupt | None, as_json: bool) -> int:
    """Carry an experiment on from where it was left, to its end.

    Jobs that run are adopted, jobs that wait are submitted. If another process looks after the experiment, nothing is
    done, and it is said who and where. EXPERIMENT is an id, a unique beginning of one, a title or `latest`.

    Exits with 0 if every job succeeded, 1 if some did not; with --detach, 0 as soon as it is looked after.

    \b
    Examples:
      nrun resume
      nrun resume train --detach
    """
    exp = Experiment.from_id(experiment)
    status = exp.resume(check=False, detach=detach, on_interrupt=on_interrupt)
    return (show_detached if detach else show)(exp, status, as_json=as_json)


@click.command()
@EXPERIMENT
@ON_INTERRUPT
@AS_JSON
def attach(experiment: str, on_interrupt: OnInterrupt | None, as_json: bool) -> int:
    """Be there until every job has ended, as if the experiment had been launched here.

    If nobody looks after it, this process does. Where there is a terminal, the live view shows how it goes.
    `nrun status --watch` shows the same and is never in charge.

    Exits with 0 if every job succeeded, 1 if some did not.

    \b
    Examples:
      nrun attach
      nrun attach train --on-interrupt cancel
    """
    exp = Experiment.from_id(experiment)
    return show(exp, exp.attach(check=False, on_interrupt=on_interrupt), as_json=as_json)


@click.command()
@EXPERIMENT
@click.option("--failed", is_flag=True, help="The jobs that did not succeed; this is the default.")
@click.option("--only", multiple=True, metavar="JOB", help="This job, however it ended. May be repeated.")
@click.option("--force", is_flag=True, help="Every job, however it ended.")
@DETACH
@ON_INTERRUPT
@AS_JSON
def rerun(
    experiment: str,
    failed: bool,
    only: tuple[str, ...],
    force: bool,
    detach: bool,
    on_interrupt: OnInterrupt | None,
    as_json: bool,
) -> int:
    """Run jobs of an experiment again, as they were, in new attempts.

    Without options these are the jobs that did not succeed, with those that were skipped because of them. The
    attempts before keep their folders and logs.

    Exits as `nrun resume` does.

    \b
    Examples:
      nrun rerun
      nrun rerun train --only evaluate --only report
      nrun rerun train --force --detach
    """
    if failed + bool(only) + force > 1:
        msg = "--failed, --only and --force exclude each other"
        raise click.UsageError(msg)
    exp = Experiment.from_id(experiment)
    before = sum(job.attempt for job in exp.status().jobs.values())
    status = exp.rerun(*only, force=force, check=False, detach=detach, on_interrupt=on_interrupt)
    if not detach and sum(job.attempt for job in status.jobs.values()) == before:
        ended = all(job.state.ended for job in status.jobs.values())
        why = "every job had succeeded" if ended else "no job has ended without having succeeded"
        click.echo(f"nothing was run again: {why}", err=True)
    return (show_detached if detach else show)(exp, status, as_json=as_json)
