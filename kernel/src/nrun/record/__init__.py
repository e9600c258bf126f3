"""The record on disk: folders, journal, descriptions, bundles, and the state folded from them."""

from __future__ import annotations

from nrun.record.catalogue import experiments, find_experiment
from nrun.record.folder import (
    ExperimentFolder,
    bundles_folder,
    claim_folder,
    copy_worker,
    discard,
    home_folder,
    publish,
    user,
    write_file,
)
from nrun.record.journal import Journal, read_journal
from nrun.record.status import JobStatus, fold_all, labels, overall

__all__ = [
    "ExperimentFolder",
    "JobStatus",
    "Journal",
    "bundles_folder",
    "claim_folder",
    "copy_worker",
    "discard",
    "experiments",
    "find_experiment",
    "fold_all",
    "home_folder",
    "labels",
    "overall",
    "publish",
    "read_journal",
    "user",
    "write_file",
]
