"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import CommandSpec, NameSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click


@hookimpl
def nrun_commands() -> Iterable[CommandSpec]:
    """`nrun note` and `nrun tag`, and what is added to `nrun experiment`."""
    yield CommandSpec(name="experiment adopt", summary="Take in an experiment from anywhere", command=_adopt)
    for group in ("", "experiment "):
        yield CommandSpec(name=f"{group}note", summary="Write something down about an experiment", command=_note)
        yield CommandSpec(name=f"{group}tag", summary="Put tags on an experiment, or take them off", command=_tag)
    yield CommandSpec(name="experiment archive", summary="Put experiments into one file", command=_archive)
    yield CommandSpec(name="experiment restore", summary="Take experiments out of such a file", command=_restore)
    yield CommandSpec(name="experiment gc", summary="Remove what is old, or too much", command=_gc)


@hookimpl
def nrun_names() -> Iterable[NameSpec]:
    """What methods of `Experiment` call."""
    yield NameSpec(name="adopt_experiment", summary="What `Experiment.adopt` does", load=_adopting)
    yield NameSpec(name="archive_experiments", summary="What `exp.archive` does, for several", load=_archiving)
    yield NameSpec(name="restore_archive", summary="What `Experiment.restore` does", load=_restoring)
    yield NameSpec(name="collect_garbage", summary="What `Experiment.gc` does", load=_collecting)


def _adopting() -> object:
    from nrun_command_housekeeping.adopting import adopt_experiment

    return adopt_experiment


def _archiving() -> object:
    from nrun_command_housekeeping.putting_away import archive_experiments

    return archive_experiments


def _restoring() -> object:
    from nrun_command_housekeeping.unpacking import restore_archive

    return restore_archive


def _collecting() -> object:
    from nrun_command_housekeeping.garbage import collect_garbage

    return collect_garbage


def _note() -> click.Command:
    from nrun_command_housekeeping.labels import note

    return note


def _tag() -> click.Command:
    from nrun_command_housekeeping.labels import tag

    return tag


def _adopt() -> click.Command:
    from nrun_command_housekeeping.adopt import adopt

    return adopt


def _archive() -> click.Command:
    from nrun_command_housekeeping.archive import archive

    return archive


def _restore() -> click.Command:
    from nrun_command_housekeeping.archive import restore

    return restore


def _gc() -> click.Command:
    from nrun_command_housekeeping.gc import gc

    return gc
