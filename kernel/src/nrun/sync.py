"""The synchronous face: runs coroutines for scripts, and for notebooks where an event loop already runs."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
    from typing import Any

T = TypeVar("T")


class Stream(Generic[T]):
    """What comes in time: `async for` in programs with an event loop of their own, `for` in all others. Once."""

    def __init__(self, batches: AsyncGenerator[Sequence[T], None]) -> None:
        self._batches = batches

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        async with contextlib.aclosing(self._batches) as batches:
            async for batch in batches:
                for item in batch:
                    yield item

    def __iter__(self) -> Iterator[T]:
        with _loop_in_a_thread() as run:  # one for all, for what it opens must be closed in it
            try:
                while (batch := run(self._next())) is not None:
                    yield from batch
            finally:  # from the outermost in; the end of the loop would close all that are open at once
                run(self._close())

    async def _next(self) -> Sequence[T] | None:
        return await anext(self._batches, None)

    async def _close(self) -> None:
        await self._batches.aclose()


def run_sync(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`.

    Ctrl-C cancels it, waits for it to clean up, and raises KeyboardInterrupt; pressed again, it cancels the
    cleaning up too. SIGTERM and SIGHUP do the same and raise SystemExit with the code that shells have for them.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_interruptible(work, _unhandled_signals()))
    with _loop_in_a_thread() as run:  # this thread's event loop is busy running the caller
        return run(work)


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


@contextlib.contextmanager
def _loop_in_a_thread() -> Iterator[Callable[[Coroutine[Any, Any, T]], T]]:
    """What runs coroutines in an event loop of another thread, one after another; Ctrl-C cancels the one that runs."""
    from concurrent.futures import ThreadPoolExecutor

    tasks: list[asyncio.Task[Any] | None] = []

    async def main(work: Coroutine[Any, Any, T]) -> T:
        tasks[:] = [asyncio.current_task()]
        return await work

    with ThreadPoolExecutor(1, "nrun") as thread:
        runner = asyncio.Runner()

        def run(work: Coroutine[Any, Any, T]) -> T:
            future = thread.submit(runner.run, main(work))
            try:
                return future.result()
            except KeyboardInterrupt:
                for task in filter(None, tasks):
                    task.get_loop().call_soon_threadsafe(task.cancel)
                raise

        try:
            yield run
        finally:
            thread.submit(runner.close)
