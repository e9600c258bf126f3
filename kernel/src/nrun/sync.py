"""The synchronous face: runs coroutines for scripts, and for notebooks where an event loop already runs."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

T = TypeVar("T")


def run_sync(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`.

    Ctrl-C cancels it, waits for it to clean up, and raises KeyboardInterrupt; SIGTERM does the same and
    raises SystemExit with the code that shells have for it.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_until_terminated(work))
    return _run_in_thread(work)


async def _until_terminated(work: Coroutine[Any, Any, T]) -> T:
    """`work`, cancelled by SIGTERM where the program has not arranged for that signal itself."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        return await work
    loop, task, terminated = asyncio.get_running_loop(), asyncio.current_task(), False

    def terminate() -> None:
        nonlocal terminated
        terminated = True
        if task is not None:
            task.cancel()

    loop.add_signal_handler(signal.SIGTERM, terminate)
    try:
        return await work
    except asyncio.CancelledError:
        if terminated:
            raise SystemExit(128 + signal.SIGTERM) from None
        raise
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


def _run_in_thread(work: Coroutine[Any, Any, T]) -> T:
    """As `run_sync`, where this thread's event loop is busy running the caller."""
    results: list[T] = []
    errors: list[BaseException] = []
    loop = asyncio.new_event_loop()
    tasks: list[asyncio.Task[T]] = []

    async def main() -> T:
        tasks.append(asyncio.ensure_future(work))
        return await tasks[0]

    def target() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                results.append(runner.run(main()))
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            errors.append(error)

    thread = threading.Thread(target=target, name="nrun", daemon=True)
    thread.start()
    try:
        thread.join()
    except KeyboardInterrupt:
        for task in tasks:
            loop.call_soon_threadsafe(task.cancel)
        thread.join()
        raise
    if errors:
        raise errors[0]
    return results[0]
