"""Runs tasks on a Slurm cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nrun_executor_slurm.executor import SlurmExecutor

__all__ = ["SlurmExecutor"]


def __getattr__(name: str) -> object:
    if name == "SlurmExecutor":
        from nrun_executor_slurm.executor import SlurmExecutor

        return SlurmExecutor
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
