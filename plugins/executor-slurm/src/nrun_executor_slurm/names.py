"""What an attempt is called on the cluster: its folder below `job_dir`, and the comment of its job."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun.model import Tag

MOST_BYTES = 200
_PLAIN = re.compile(rb"[A-Za-z0-9._-]")


def escaped(name: str) -> str:
    """`name` in letters that no shell, file system or command of Slurm's takes for something else. No two are alike."""
    raw = name.encode("utf-8", "surrogateescape")
    text = "".join(chr(byte) if _PLAIN.match(bytes((byte,))) else f"={byte:02X}" for byte in raw)
    if len(text) <= MOST_BYTES:
        return text
    return f"{text[:100]}=={hashlib.sha256(raw).hexdigest()[:32]}"


def experiment_folder(experiment: str) -> str:
    """The folder of an experiment, from that of the tunnel."""
    return f"experiments/{escaped(experiment)}"


def folder_of(tag: Tag) -> str:
    """The folder of an attempt, from that of the tunnel."""
    return f"{experiment_folder(tag.experiment)}/jobs/{escaped(tag.job)}/attempt-{tag.attempt}"


def comment_of(tag: Tag) -> str:
    """What the comment of its job begins with."""
    return f"nrun:{escaped(tag.experiment)}/{escaped(tag.job)}/{tag.attempt}"


def array_of(experiment: str, folders: Sequence[str]) -> str:
    """What the array with elements in these folders is called."""
    return hashlib.sha256("\n".join((experiment, *folders)).encode()).hexdigest()[:16]


def array_folder(experiment: str, array: str) -> str:
    """The folder of an array, from that of the tunnel."""
    return f"{experiment_folder(experiment)}/arrays/{array}"


def array_comment(experiment: str, array: str) -> str:
    """What the comment of all its elements begins with."""
    return f"nrun:{escaped(experiment)}/arrays/{array}"
