"""What this distribution provides, declared without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrun import CheckSpec, ExecutorSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from nrun import Backend, CheckResult, Executor
    from nrun.model import Place


@hookimpl
def nrun_executors() -> Iterable[ExecutorSpec]:
    """Processes of this machine, and this process."""
    yield ExecutorSpec(
        name="local",
        summary="Run as processes of this machine",
        class_name="LocalExecutor",
        executor=_executor,
        backend=_backend,
    )
    yield ExecutorSpec(
        name="direct",
        summary="Run inside the launching process, one by one",
        class_name="DirectExecutor",
        executor=_direct_executor,
        backend=_direct_backend,
    )


@hookimpl
def nrun_checks() -> Iterable[CheckSpec]:
    """Can processes be started here?"""
    yield CheckSpec(name="local", summary="A shell starts and processes can be watched", check=_check)


def _executor() -> type[Executor]:
    from nrun_executor_local.executor import LocalExecutor

    return LocalExecutor


def _backend() -> Callable[[Place], Backend]:
    from nrun_executor_local.backend import LocalBackend

    return LocalBackend


def _direct_executor() -> type[Executor]:
    from nrun_executor_local.direct_executor import DirectExecutor

    return DirectExecutor


def _direct_backend() -> Callable[[Place], Backend]:
    from nrun_executor_local.direct import DirectBackend

    return DirectBackend


def _check() -> Sequence[CheckResult]:
    from nrun_executor_local.processes import check

    return check()
