"""Carries an experiment on when its launcher does not wait for it: `python -m nrun.supervise FOLDER`.

The process holds nothing that is not in the record. It may be killed at any moment; whoever resumes the experiment
carries it on from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from nrun.errors import InCharge, NrunError, RecordError
from nrun.record import ExperimentFolder

if TYPE_CHECKING:
    from nrun.engine.run import Run

LOG = "supervisor.log"
IN_CHARGE = b"in charge\n"
TAKEN = b"taken\n"
"""Said when another process is in charge."""
HANDED_OVER = b"handed over\n"
"""Said when everything that need not wait for other jobs is with its backend."""
START_TIMEOUT_S = 60.0
"""How long a supervisor may take to be in charge."""


def start_supervisor(folder: ExperimentFolder, *, until: bytes = IN_CHARGE, timeout_s: float = START_TIMEOUT_S) -> None:
    """Start a process that carries the experiment on, and wait until it says `until`.

    Raises InCharge if another process is, NrunError, with what it wrote, if it ends before that or cannot be started.
    """
    log = folder.path / LOG
    try:
        errors = log.open("ab")
    except OSError as error:
        raise RecordError(f"cannot write {log}: {error.strerror}") from error
    with errors:
        os.chmod(log, 0o600)  # noqa: PTH101 - it is open
        # The shell leaves it behind, so that no zombie of it stays with a launcher that goes on.
        shell = subprocess.Popen(  # noqa: S603 - fixed words
            ["/bin/sh", "-c", '"$@" &', "sh", sys.executable, "-m", "nrun.supervise", str(folder.path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            cwd=folder.path,
            env={name: value for name, value in os.environ.items() if name not in {"NRUN_TAG", "NRUN_JOB_DIR"}},
        )
    said, deadline = b"", time.monotonic() + timeout_s
    with shell:
        shell.wait()
        assert shell.stdout is not None  # noqa: S101 - a pipe was asked for
        pipe = shell.stdout.fileno()
        while until not in said and time.monotonic() < deadline:
            if select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
                more = os.read(pipe, 4096)
                if not more:
                    break
                said += more
    if TAKEN in said:
        from nrun.engine.charge import taken

        raise taken(folder)
    if IN_CHARGE not in said:
        last = log.read_text("utf-8", "replace").strip().splitlines()[-5:]
        msg = f"nobody could be left to carry experiment {folder.id} on: " + ("\n  ".join(last) or "no reason given")
        raise NrunError(msg, hint=f"nrun experiment resume {folder.id} tries again; {log} has more")


def main(path: Path) -> None:
    """Carry on the experiment in the folder `path` to its end. Raises NrunError."""
    from nrun.engine.takeover import carry_on
    from nrun.plugins import installed
    from nrun.sync import run_sync

    folder = ExperimentFolder(path.parents[2], path.parent.name, path.name)

    def started(run: Run) -> None:
        _say(IN_CHARGE)
        announcing.append(asyncio.create_task(_announce(run)))

    announcing: list[asyncio.Task[None]] = []
    run_sync(carry_on(folder, installed(), started=started))


def _say(word: bytes) -> None:
    with contextlib.suppress(OSError):  # whoever listened may be gone
        os.write(1, word)


async def _announce(run: Run) -> None:
    await run.handed_over()
    _say(HANDED_OVER)
    os.dup2(2, 1)  # nobody listens any more, and nobody is to wait for the end of this


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except NrunError as error:
        if isinstance(error, InCharge):
            _say(TAKEN)
        sys.exit(f"nrun: {error}")
