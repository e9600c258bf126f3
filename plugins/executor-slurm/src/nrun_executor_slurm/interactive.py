"""Nodes for a person who waits for them: `srun` and `salloc` with what an executor asks for."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from nrun import LocalTunnel, UsageError
from nrun.model import Command, JobPath, Worker
from nrun.sync import run_sync
from nrun.words import Joined
from nrun_executor_slurm.script import FLAGS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nrun.model import Word
    from nrun_executor_slurm.executor import SlurmExecutor

BATCH_ONLY = ("requeue", "no-requeue", "output", "open-mode")


def srun_words(executor: SlurmExecutor, command: str | Sequence[str], options: Mapping[str, object]) -> list[str]:
    """What is run on the login node to have a command run on nodes, in the image of the executor if it has one."""
    argv = ("sh", "-c", command) if isinstance(command, str) else tuple(command)
    placed = Command(argv=argv, env=_variables(executor), cwd=JobPath("."))
    words: list[Word] = []
    if executor.container is not None:
        placed = executor.container.wrap(placed, executor)
        words = [*executor.container.step_options(placed)]
    told = [_text(word, executor) for word in (*words, *placed.argv)]
    return _prepared(executor, placed.env, ["srun", *_options(executor, options), *executor.srun_args, *told])


def salloc_words(executor: SlurmExecutor, command: Sequence[str], options: Mapping[str, object]) -> list[str]:
    """What is run on the login node to have nodes, for as long as a command or a shell runs."""
    return _prepared(executor, _variables(executor), ["salloc", *_options(executor, options), *command])


def run(executor: SlurmExecutor, words: Sequence[str]) -> int:
    """Run that on the login node, at this terminal; gives the exit code. Raises UsageError, TransportError."""
    if not isinstance(executor.tunnel, LocalTunnel):
        at_terminal = getattr(executor.tunnel, "at_terminal", None)
        if at_terminal is None:
            msg = f"{type(executor.tunnel).__name__} does not say how a person reaches {executor.tunnel.host}"
            raise UsageError(msg, hint="use SSHTunnel or LocalTunnel")
        words = run_sync(at_terminal(words, terminal=sys.stdin.isatty()))
    try:
        code = subprocess.run(words, check=False).returncode  # noqa: S603 - words, which no shell reads
    except FileNotFoundError as error:
        msg = f"there is no {words[0]} on this machine"
        raise UsageError(msg, hint="on your laptop, give the executor an SSHTunnel") from error
    return code if code >= 0 else 128 - code


def sbatch_options(executor: SlurmExecutor) -> list[str]:
    """What the executor asks of sbatch, as arguments."""
    return _options(executor, {})


def _options(executor: SlurmExecutor, more: Mapping[str, object]) -> list[str]:
    asked = {name.replace("_", "-"): getattr(executor, name) for name in FLAGS}
    given = {**asked, "exclusive": executor.exclusive or None, **executor.additional_parameters, **more}
    return [
        f"--{name}" if value is True else f"--{name}={value}"
        for name, value in given.items()
        if value is not None and name not in BATCH_ONLY
    ]


def _variables(executor: SlurmExecutor) -> dict[str, str]:
    values: Mapping[str, object] = executor.env_vars  # of them, secrets are for jobs
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _prepared(executor: SlurmExecutor, env: Mapping[str, str], words: list[str]) -> list[str]:
    """`words` with variables, after the setup of the executor."""
    if env:
        words = ["env", "--", *(f"{name}={value}" for name, value in env.items()), *words]
    if executor.setup_lines:
        words = ["sh", "-c", f'{executor.setup_lines.rstrip()}\nexec "$@"', "sh", *words]
    return words


def _text(word: Word, executor: SlurmExecutor) -> str:
    """A word without a job. In place of the folder of one is that in which nrun works."""
    if isinstance(word, Worker | JobPath):
        return executor.tunnel.job_dir
    if isinstance(word, Joined):
        return "".join(_text(part, executor) for part in word.words)
    if not isinstance(word, str):
        msg = f"{type(executor.container).__name__} needs {word!r}, which only jobs have"
        raise UsageError(msg, hint="give an executor without a container")
    return word
