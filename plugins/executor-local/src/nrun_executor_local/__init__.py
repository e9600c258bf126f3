"""Runs tasks as processes of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nrun_executor_local.executor import LocalExecutor

__all__ = ["LocalExecutor"]


def __getattr__(name: str) -> object:
    if name == "LocalExecutor":
        from nrun_executor_local.executor import LocalExecutor

        return LocalExecutor
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
