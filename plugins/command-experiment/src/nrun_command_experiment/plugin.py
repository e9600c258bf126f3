"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import CommandSpec, NameSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click


@hookimpl
def nrun_commands() -> Iterable[CommandSpec]:
    """`nrun experiment …`, and each of its commands by its short name."""
    yield CommandSpec(name="experiment", summary="List experiments and look after them", command=_experiment)
    yield CommandSpec(name="list", summary="List experiments, newest first", command=_list)
    yield CommandSpec(name="status", summary="Show the state of every job of an experiment", command=_status)
    yield CommandSpec(name="logs", summary="Print the log of a job", command=_logs)
    yield CommandSpec(name="cancel", summary="Stop jobs of an experiment", command=_cancel)
    yield CommandSpec(name="resume", summary="Carry an experiment on from where it was left", command=_resume)
    yield CommandSpec(name="attach", summary="Be there until an experiment has ended", command=_attach)
    yield CommandSpec(name="rerun", summary="Run jobs of an experiment again", command=_rerun)
    yield CommandSpec(name="show", summary="Show where an experiment comes from", command=_show)
    yield CommandSpec(name="diff", summary="Show how two experiments differ", command=_diff)
    yield CommandSpec(name="results", summary="Print what functions returned or raised", command=_results)
    yield CommandSpec(name="artifacts", summary="List and fetch the files that jobs left", command=_artifacts)


@hookimpl
def nrun_names() -> Iterable[NameSpec]:
    """What a method of `Experiment` calls."""
    yield NameSpec(name="compare_experiments", summary="What `exp.diff` does", load=_compare)


def _compare() -> object:
    from nrun_command_experiment.facts import compare_experiments

    return compare_experiments


def _experiment() -> click.Command:
    from nrun_command_experiment.group import experiment

    return experiment


def _list() -> click.Command:
    from nrun_command_experiment.listing import list_

    return list_


def _status() -> click.Command:
    from nrun_command_experiment.status import status

    return status


def _logs() -> click.Command:
    from nrun_command_experiment.logs import logs

    return logs


def _cancel() -> click.Command:
    from nrun_command_experiment.cancel import cancel

    return cancel


def _resume() -> click.Command:
    from nrun_command_experiment.carry import resume

    return resume


def _attach() -> click.Command:
    from nrun_command_experiment.carry import attach

    return attach


def _rerun() -> click.Command:
    from nrun_command_experiment.carry import rerun

    return rerun


def _show() -> click.Command:
    from nrun_command_experiment.show import show

    return show


def _diff() -> click.Command:
    from nrun_command_experiment.diff import diff

    return diff


def _results() -> click.Command:
    from nrun_command_experiment.results import results

    return results


def _artifacts() -> click.Command:
    from nrun_command_experiment.artifacts import artifacts

    return artifacts
