"""One job of an experiment, as its user sees it."""

from __future__ import annotations

import contextlib
import types
from typing import TYPE_CHECKING, Any, cast

from nrun.config.script import Script
from nrun.errors import ConfigError, PlanError, ResultError
from nrun.model import STREAMS
from nrun.planning import check_executor
from nrun.protocols import Plugin
from nrun.sync import Stream, run_sync

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from pathlib import Path

    from nrun.model import LogChunk, State
    from nrun.planning import Task
    from nrun.protocols import Executor
    from nrun.record import JobStatus
    from nrun.record.artifacts import Artifact
    from nrun.recorded import Recorded


def task_of(task: Task | Callable[[], Any]) -> Task:
    """A copy of `task` as it can travel, with defaults to build; a function becomes a Partial. Raises ConfigError."""
    if isinstance(task, Script):
        return task
    from nrun.config.node import Config, Partial, set_arguments, signature_of_node
    from nrun.config.order import completed
    from nrun.config.target import display_name

    if getattr(task, "__auto_config__", False) is True:  # it gives a description, so it is asked for it
        task = cast("Callable[[], Any]", task)()
    if isinstance(task, types.FunctionType | types.BuiltinFunctionType | type):
        task = Partial(task)
    if not isinstance(task, Config | Partial):
        msg = f"{task!r:.200} is not a task"
        raise ConfigError(msg, hint="a task is a Script, a function, or a Config or Partial of one")
    if not isinstance(task.__nrun_target__, str):
        missing = signature_of_node(task).missing(set_arguments(task))
        if missing:
            target = display_name(task.__nrun_target__)
            msg = f"the task {target} lacks required arguments: {', '.join(missing)}"
            raise ConfigError(msg, hint=f"give them: Partial({target}, {missing[0]}=...)")
    return completed(task)


def set_up(task: Task, executor: Executor, plugins: Sequence[object] | Plugin) -> tuple[Task, Executor]:
    """A task and its executor as `plugins`, or one, want them. Raises PlanError for what is no plugin."""
    if plugins:
        executor = executor.clone()  # a plugin may put something in a mapping of it, and others share it
    for plugin in [plugins] if isinstance(plugins, Plugin) else plugins:
        if not isinstance(plugin, Plugin):
            msg = f"plugins must be a list of objects such as OurPlugin(), not {plugin!r:.80}"
            raise PlanError(msg, hint="a plugin is a subclass of run.Plugin")
        task, executor = plugin.setup(task, executor) or (task, executor)
    return task, check_executor(executor)


def name_of(task: Task) -> str:
    """A name for a job that was given none."""
    if isinstance(task, Script):
        name = task.name
    else:
        from nrun.config.target import display_name

        name = display_name(task.__nrun_target__)
    return name.lstrip(".").replace("/", "_")[:50] or "job"


class Job:
    """What became of one job. Cheap to make; asks its experiment."""

    def __init__(self, experiment: Recorded, name: str) -> None:
        self._experiment = experiment
        self.name = name

    @property
    def status(self) -> JobStatus:
        """Everything that is known now."""
        return self._experiment.status().jobs[self.name]

    @property
    def state(self) -> State:
        """What the job did, as far as is known."""
        return self.status.state

    @property
    def exit_code(self) -> int | None:
        """Its exit code; None while it runs, or when a signal ended it."""
        return self.status.exit_code

    def result(self, task: int = 0) -> Any:  # noqa: ANN401 - whatever the function returned
        """What the function returned; `task` counts within a group. Arrays come as numpy has them.

        Raises ResultError, with the error and traceback of the job itself, if there is nothing to give.
        """
        from nrun.record import results

        return results.with_arrays(self.result_form(task))

    def result_form(self, task: int = 0) -> Any:  # noqa: ANN401 - JSON
        """As `result`, as JSON: an array is `{"$array": FILE, "shape": …, "dtype": …}`."""
        from nrun.record import results

        status = self.status
        return results.read(self._folder(status, task), self.name, status)

    def artifacts(self, *, attempt: int | None = None) -> list[Artifact]:
        """The files that its latest attempt, or that one, left as declared outputs. `get` copies one elsewhere.

        Raises ResultError while they are not collected.
        """
        from nrun.record.artifacts import artifacts_in

        view, _ = self._experiment.recorded()
        status = view.statuses[self.name]
        found = artifacts_in(view.folder.attempt(self.name, attempt or status.attempt))
        if found is None:
            msg = f"nothing is collected of job {self.name!r}: it is {status.state.value}"
            hint = "nrun resume collects what was left" if status.state.ended else "it is collected when it has ended"
            raise ResultError(msg, hint=f"outputs are declared with exp.add(..., outputs=[...]); {hint}")
        return found[0]

    def logs(self, *, stream: str | None = None, tail: int | None = None, attempt: int | None = None) -> str:
        """Its log: output, then errors, of the latest attempt or of that one; `tail` asks for the last lines.

        `stream` is "out" or "err", in a group also "out.2" for its third task.
        """
        names = STREAMS if stream is None else (stream,)
        text = "".join(run_sync(self.read(name, attempt=attempt)).decode("utf-8", "replace") for name in names)
        if tail is not None:
            text = "".join(text.splitlines(keepends=True)[-tail:] if tail else [])
        return text

    def lines(self, stream: str = "out", *, follow: bool = True, attempt: int | None = None) -> Stream[str]:
        """The lines of its log, without their ends, as they come until it has ended; or only those there are now."""
        chunks = self.follow(stream, attempt=attempt) if follow else self.chunks(stream, attempt=attempt)
        return Stream(_lines(chunks))

    def follow(
        self, stream: str = "out", offset: int = 0, *, attempt: int | None = None
    ) -> AsyncGenerator[LogChunk, None]:
        """Its log from byte `offset` of the latest attempt on, as it grows.

        Waits for the start, and ends when the job has ended and all was read. If it is tried again, the log of the
        new attempt follows, from byte 0; `attempt` asks for one alone.
        """
        from nrun.engine.look import follow_logs

        view, hooks = self._experiment.recorded()
        return follow_logs(view.folder, self.name, hooks, stream=stream, offset=offset, attempt=attempt)

    def chunks(
        self, stream: str = "out", offset: int = 0, *, attempt: int | None = None
    ) -> AsyncGenerator[LogChunk, None]:
        """One stream of its log as it is now, from byte `offset` on, piece by piece."""
        from nrun.engine.look import read_logs

        view, hooks = self._experiment.recorded()
        return read_logs(view, self.name, hooks, stream=stream, offset=offset, attempt=attempt)

    async def read(self, stream: str, *, attempt: int | None = None) -> bytes:
        """One stream of its log as it is now, whole."""
        return b"".join([chunk.data async for chunk in self.chunks(stream, attempt=attempt)])

    def _folder(self, status: JobStatus, task: int) -> Path:
        path = self._experiment.path
        if path is None:
            raise ResultError(f"job {self.name!r} has not been run")
        attempt = path / "jobs" / self.name / f"attempt-{status.attempt}"
        in_group = attempt / f"task-{task}"
        return in_group if in_group.is_dir() else attempt

    def __repr__(self) -> str:
        return f"Job({self.name!r}, experiment={self._experiment.title!r})"


async def _lines(chunks: AsyncGenerator[LogChunk, None]) -> AsyncGenerator[list[str], None]:
    rest = b""
    async with contextlib.aclosing(chunks):
        async for chunk in chunks:
            *whole, rest = (rest + chunk.data).split(b"\n")
            yield [line.decode("utf-8", "replace") for line in whole]
    if rest:
        yield [rest.decode("utf-8", "replace")]
