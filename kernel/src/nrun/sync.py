"""The synchronous face: runs coroutines for scripts, and for notebooks where an event loop already runs."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from typing import Any

T = TypeVar("T")


def run_sync(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`.

    Ctrl-C cancels it, waits for it to clean up, and raises KeyboardInterrupt; pressed again, it cancels the
    cleaning up too. SIGTERM and SIGHUP do the same and raise SystemExit with the code that shells have for them.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_interruptible(work, _unhandled_signals()))
    return _run_in_thread(work)


async def _interruptible(work: Coroutine[Any, Any, T], signals: Sequence[signal.Signals]) -> T:
    """`work`, cancelled by any of `signals`; the first that came decides what is raised.

    Signals arrive as cancellations, never as exceptions in the middle of a statement.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    received: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        received.append(number)
        # Once, the work is told and may take its time; after that everything that still waits is told.
        for one in asyncio.all_tasks(loop) if len(received) > 1 else [task]:
            if one is not None:
                one.cancel()

    for number in signals:
        loop.add_signal_handler(number, stop, number)
    try:
        return await work
    except asyncio.CancelledError:
        if received and received[0] is not signal.SIGINT:
            raise SystemExit(128 + received[0]) from None
        if received:
            raise KeyboardInterrupt from None
        raise
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _unhandled_signals() -> list[signal.Signals]:
    """The stopping signals that the program has not arranged for itself; none outside its main thread."""
    if threading.current_thread() is not threading.main_thread():
        return []
    defaults = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    return [number for number, default in defaults.items() if signal.getsignal(number) == default]


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
        if thread.is_alive():
            loop.call_soon_threadsafe(tasks[0].cancel)
        thread.join()
        raise
    if errors:
        raise errors[0]
    return results[0]
