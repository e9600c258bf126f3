"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import ExecutorSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nrun import Backend, Executor
    from nrun.model import Place


@hookimpl
def nrun_executors() -> Iterable[ExecutorSpec]:
    """Jobs of a Slurm cluster."""
    yield ExecutorSpec(
        name="slurm",
        summary="Run on a Slurm cluster, from its login node or over SSH",
        class_name="SlurmExecutor",
        executor=_executor,
        backend=_backend,
    )


def _executor() -> type[Executor]:
    from nrun_executor_slurm.executor import SlurmExecutor

    return SlurmExecutor


def _backend() -> Callable[[Place], Backend]:
    from nrun_executor_slurm.backend import SlurmBackend

    return SlurmBackend
