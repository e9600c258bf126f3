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
    """The in-memory executor."""
    yield ExecutorSpec(
        name="memory",
        summary="Pretend to run, in memory, as told: for tests",
        class_name="MemoryExecutor",
        executor=_executor,
        backend=_backend,
    )


def _executor() -> type[Executor]:
    from nrun_testing.executor import MemoryExecutor

    return MemoryExecutor


def _backend() -> Callable[[Place], Backend]:
    from nrun_testing.memory import MemoryBackend

    return MemoryBackend
