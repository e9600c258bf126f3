"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import CheckSpec, ExecutorSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from nrun import Backend, CheckResult, Executor
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


@hookimpl
def nrun_checks() -> Iterable[CheckSpec]:
    """Does Slurm answer here?"""
    yield CheckSpec(name="slurm", summary="Slurm's commands are here, and the cluster answers", check=_check)


def _check() -> Awaitable[Sequence[CheckResult]]:
    from nrun_executor_slurm.checks import check

    return check()


def _executor() -> type[Executor]:
    from nrun_executor_slurm.executor import SlurmExecutor

    return SlurmExecutor


def _backend() -> Callable[[Place], Backend]:
    from nrun_executor_slurm.backend import SlurmBackend

    return SlurmBackend
