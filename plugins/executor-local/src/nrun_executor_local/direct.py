"""Runs tasks inside the launching process, one after another: for debuggers, profilers and short errors."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from nrun import build, worker_forms
from nrun.config.codec import decode
from nrun.model import Capabilities
from nrun.planning import ARGUMENT, secret_files
from nrun_executor_local.backend import LocalBackend, environment_of
from nrun_executor_local.files import write_file
from nrun_executor_local.processes import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from nrun.model import Attempt, Handle, Launch, Submission

# They run inside jobs, on any Python, so they have no annotations.
error_text: Callable[[Exception], str] = worker_forms.error_text
result_text: Callable[[object, str], str] = worker_forms.result_text
hidden: Callable[[str, Sequence[str]], str] = worker_forms.hidden

_ENV_FILE = "env.json"
_FAILED = 1
_INTERRUPTED = 128 + signal.SIGINT


class DirectBackend(LocalBackend):
    """What is submitted has ended when `submit` returns. The record is that of the local backend."""

    @property
    def capabilities(self) -> Capabilities:
        """One job at a time, and nothing that needs another process."""
        return Capabilities(
            batch=1,
            concurrency=1,
            here=True,
            starts_at_once=True,
            refuses={
                "groups": "the tasks of a group run side by side, and this is one process",
                "code": "it runs where the launching process is",
                "output": "nobody can stop it from outside",
            },
        )

    def plan(self, launches: Sequence[Launch]) -> Sequence[Submission]:
        """As for processes, and the environment as a file of its own, for who does not run the script."""
        return [
            attrs.evolve(one, files={job: {**files, _ENV_FILE: json.dumps(dict(launch.commands[0].env))}})
            for launch, one in zip(launches, super().plan(launches), strict=True)
            for job, files in one.files.items()
        ]

    def _start(self, attempt: Attempt, files: Mapping[str, str]) -> Handle:
        folder = Path(self._write(attempt, files))
        (folder / "start.json").write_text(
            json.dumps({"pid": os.getpid(), "boot": self._boot, "host": self._host}) + "\n", "ascii"
        )
        env = environment_of(attempt.tag) | _attempt_env(folder)
        values = {variable: value.reveal() for variable, value in attempt.secrets.get("", {}).items()}
        if "task.json" in files:
            env |= json.loads(files[_ENV_FILE])
            env |= {variable: value for variable, value in values.items() if not variable.startswith(ARGUMENT)}
        with _environment(env), _outside_the_loop(), _interruptible():
            if "task.json" in files:
                code = _call(_task(files["task.json"], values), folder, list(values.values()))
                (folder / "exit.json").write_text(json.dumps({"exit_code": code, "stop": ""}) + "\n", "ascii")
            else:
                for name, text in secret_files(attempt.secrets).items():
                    write_file(f"{folder}/{name}", text)
                code = subprocess.call(["/bin/sh", str(folder / "launch.sh")])  # noqa: S603 - our own script
                for name, out in (("out.log", sys.stdout), ("err.log", sys.stderr)):
                    out.write((folder / name).read_text("utf-8", "replace"))
        if code == _INTERRUPTED:
            signal.raise_signal(signal.SIGINT)  # whoever runs the experiment decides what it means
        handle = self._handle(attempt, Process(os.getpid(), self._boot, self._host, ""))
        self._changed.add(handle)
        self._news.set()
        return handle

    async def cancel(self, handles: Collection[Handle], *, grace_s: float) -> Mapping[Handle, str]:
        """Nothing is left to stop by the time that anybody could ask."""
        del grace_s, handles
        return {}


def _attempt_env(folder: Path) -> dict[str, str]:
    """What `launch.sh` would tell the job."""
    return {"NRUN_JOB_DIR": str(folder), "NRUN_JOB_NAME": folder.parent.name}


def _task(text: str, values: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    """The form of a task, with the values of its secrets."""

    def filled(form: dict[str, Any]) -> Any:  # noqa: ANN401 - as above
        return values[ARGUMENT + form["$secret"].encode().hex()] if "$secret" in form else form

    return json.loads(text, object_hook=filled)["task"]


def _call(form: Any, folder: Path, secrets: Sequence[str]) -> int:  # noqa: ANN401 - JSON
    """Call the function that `form` describes, and write its result down. Gives the exit code it would have had."""
    with _also_written_to(folder):
        try:
            value = build(decode(form))
            value = value() if next(iter(form)) == "$partial" else value
        except KeyboardInterrupt:
            return _INTERRUPTED
        except Exception as error:  # noqa: BLE001 - whatever the function raises is its end
            told = hidden(error_text(error), secrets)
            sys.stderr.write(json.loads(told)["error"]["traceback"])
            (folder / "result.json").write_text(told, "utf-8")
            return _FAILED
        except SystemExit as stop:
            return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    (folder / "result.json").write_text(hidden(result_text(value, str(folder)), secrets), "utf-8")
    return 0


class _Tee(io.TextIOBase):
    """Writes to a terminal and to a log."""

    def __init__(self, *outs: Any) -> None:  # noqa: ANN401 - anything to write to
        self._outs = outs

    def write(self, text: str) -> int:
        for out in self._outs:
            out.write(text)
        return len(text)

    def flush(self) -> None:
        for out in self._outs:
            out.flush()

    def isatty(self) -> bool:
        return bool(self._outs[0].isatty())

    def fileno(self) -> int:
        return int(self._outs[0].fileno())


@contextlib.contextmanager
def _also_written_to(folder: Path) -> Iterator[None]:
    """What Python code prints within it is in the logs too."""
    with (
        (folder / "out.log").open("a", encoding="utf-8") as out,
        (folder / "err.log").open("a", encoding="utf-8") as err,
        contextlib.redirect_stdout(_Tee(sys.stdout, out)),
        contextlib.redirect_stderr(_Tee(sys.stderr, err)),
    ):
        yield


@contextlib.contextmanager
def _environment(env: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in env}
    os.environ.update(env)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _outside_the_loop() -> Iterator[None]:
    """Within it, code may run an event loop of its own, although ours is only waiting for it to return."""
    loop = asyncio.get_running_loop()
    asyncio._set_running_loop(None)  # noqa: SLF001 - the function that event loops are given for this
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)  # noqa: SLF001 - as above


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Within it, Ctrl-C raises KeyboardInterrupt in the task, which blocks whoever else would hear it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
