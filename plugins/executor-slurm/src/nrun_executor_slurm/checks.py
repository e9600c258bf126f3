"""Whether Slurm can be used from this machine, for `nrun plugins doctor`."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from nrun import CheckResult, HostCommand, LocalTunnel, TransportError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun import Completed

PROGRAMS = ("sbatch", "squeue", "scancel", "scontrol")
TIMEOUT_S = 10.0


async def check() -> Sequence[CheckResult]:
    """Its commands, whether the controller answers, and whether there is accounting."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        away = f"no {', '.join(missing)} here: clusters are reached over SSH alone"
        return [CheckResult(ok=True, message=away)]
    commands = [
        HostCommand(("sbatch", "--version"), repeatable=True),
        HostCommand(("scontrol", "ping"), repeatable=True),
        HostCommand(("sacct", "-n", "-X", "-j", "1"), repeatable=True),
    ]
    async with LocalTunnel(job_dir="~").connect() as host:
        version, ping, accounts = await host.run(commands, timeout_s=TIMEOUT_S)
    if not isinstance(ping, TransportError) and b"configuration source" in ping.stderr:
        away = "Slurm is installed here, but this machine belongs to no cluster: clusters are reached over SSH alone"
        return [CheckResult(ok=True, message=away)]
    up = _said(ping)
    accounting = _said(accounts) is not None
    return [
        CheckResult(ok=True, message=_said(version) or "sbatch does not tell its version"),
        CheckResult(
            ok=up is not None and " is UP" in up,
            message=up or "the controller does not answer",
            remedy="" if up else "ask whoever runs the cluster; `scontrol ping` must say UP",
        ),
        CheckResult(
            ok=True, message="there is accounting" if accounting else "no accounting: markers of jobs tell alone"
        ),
    ]


def _said(answer: Completed | TransportError) -> str | None:
    """The first line of what a command says; None if it failed."""
    if isinstance(answer, TransportError) or answer.exit_code:
        return None
    return (answer.stdout.decode(errors="replace").splitlines() or [""])[0]
