"""What a host must offer, each looked at once and all at the same time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nrun import Completed, HostCommand, TransportError
from nrun.cli.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nrun import Tunnel

SKEW_S = 5.0
"""How far clocks may differ before times of jobs mislead."""

_STAGES = {"unknown host": 0, "refused": 0, "timeout": 0, "lost": 0, "host key": 1, "authentication": 2}
_WAY = ("reach", "host key", "login")
"""What is between here and a command there, in this order."""

_PYTHON = "import sys; print('.'.join(map(str, sys.version_info[:3]))); sys.exit(sys.version_info < (3, 8))"
_WRITE = """
case $1 in '~') set -- "$HOME" ;; '~/'*) set -- "$HOME/${1#??}" ;; esac
mkdir -p -- "$1" || exit
probe=$1/.nrun-check-$$
echo nrun > "$probe" && [ "$(cat "$probe")" = nrun ] || { rm -f "$probe"; exit 1; }
rm -f "$probe"
df -Pk -- "$1" | tail -n 1 | { read -r _ _ _ free _; echo "$1, $((free / 1048576)) GiB free"; }
"""
_COMMANDS = (
    HostCommand(("sh", "-c", "uname -srm"), repeatable=True),
    HostCommand(("sh", "-c", "command -v tar find xargs tail head >/dev/null && tar --version"), repeatable=True),
    HostCommand(("python3", "-c", _PYTHON), repeatable=True),
    HostCommand(("date", "+%s"), repeatable=True),
)


async def check(tunnel: Tunnel, timeout_s: float) -> list[Finding]:
    """Everything that could be looked at: what is behind the first obstacle is left out."""
    began = time.time()
    try:
        async with tunnel.connect() as transport:
            found = [Finding(subject=subject, ok=True, message="ok") for subject in _WAY]
            found[0] = Finding(subject="reach", ok=True, message=f"{tunnel.host}, in {time.time() - began:.2f} s")
            asked = time.time()
            write = HostCommand(("sh", "-c", _WRITE, "sh", tunnel.job_dir), repeatable=True)
            answers = await transport.run([*_COMMANDS, write], timeout_s=timeout_s)
            return found + _judged(answers, tunnel, asked, time.time())
    except TransportError as error:
        return _obstacle(error)


def _obstacle(error: TransportError) -> list[Finding]:
    stage = _STAGES.get(error.fault, len(_WAY) - 1)
    passed = [Finding(subject=subject, ok=True, message="ok") for subject in _WAY[:stage]]
    return [*passed, Finding(subject=_WAY[stage], ok=False, message=error.message, remedy=error.hint or "")]


def _judged(
    answers: Sequence[Completed | TransportError], tunnel: Tunnel, asked: float, answered: float
) -> list[Finding]:
    shell, tools, python, date, folder = answers
    return [
        _finding("shell", shell, "make `sh` work for commands without a terminal; start-up files may end it"),
        _finding("tools", tools, "have GNU tar, findutils and coreutils on the PATH"),
        _finding("python3", python, "put Python 3.8 or later on the PATH of commands, in ~/.bashrc or by pre_command"),
        _finding("job_dir", folder, f"give a folder that you can write to: {tunnel.job_dir} is not"),
        _clock(date, asked, answered),
    ]


def _finding(subject: str, answer: Completed | TransportError, remedy: str) -> Finding:
    if isinstance(answer, TransportError):
        return Finding(subject=subject, ok=False, message=answer.message, remedy=answer.hint or remedy)
    told = (answer.stdout.strip() or answer.stderr.strip()).decode(errors="replace").splitlines()
    if answer.exit_code:
        complaint = (answer.stderr.strip() or answer.stdout.strip()).decode(errors="replace").splitlines()
        message = complaint[-1] if complaint else f"it ended with {answer.exit_code}"
        return Finding(subject=subject, ok=False, message=message, remedy=remedy)
    return Finding(subject=subject, ok=True, message=told[0] if told else "ok")


def _clock(answer: Completed | TransportError, asked: float, answered: float) -> Finding:
    remedy = "have the clocks set by NTP"
    if isinstance(answer, TransportError) or answer.exit_code or not answer.stdout.strip().isdigit():
        return _finding("clock", answer, remedy)
    there = int(answer.stdout)
    skew = max(0.0, asked - 1 - there, there - answered)  # it tells whole seconds
    message = f"{skew:.0f} s apart" if skew else "as here"
    return Finding(subject="clock", ok=skew <= SKEW_S, message=message, remedy="" if skew <= SKEW_S else remedy)
