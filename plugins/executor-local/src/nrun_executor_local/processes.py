"""Processes of this machine: starting, recognising, stopping them, and what their markers say."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import attrs

from nrun import BackendError, CheckResult, NrunError, State
from nrun.data import Data
from nrun.model import Observation
from nrun.text import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nrun.model import Handle, Json

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
SHELL = "/bin/sh"


@attrs.frozen(eq=False, repr=False)
class Process(Data):
    """The process of one attempt, recognised by the tag in its environment, however its number may be used later."""

    pid: int
    boot: str
    """Identity of the boot; empty where the system does not tell."""
    host: str
    tag: str

    @classmethod
    def from_json(cls, data: Mapping[str, Json], tag: str) -> Process:
        """The process that a handle or a start marker names. Raises KeyError or TypeError."""
        pid, boot, host = data["pid"], data["boot"], data["host"]
        if not (isinstance(pid, int) and isinstance(boot, str) and isinstance(host, str)):
            msg = f"these do not name a process: {pid!r}, {boot!r}, {host!r}"
            raise TypeError(msg)
        return cls(pid, boot, host, tag)

    def elsewhere(self) -> bool:
        """Whether it was started on another machine, or in a container, whose processes cannot be seen from here."""
        return bool(self.host) and self.host != socket.gethostname()

    def alive(self) -> bool:
        """Whether it exists now and has not ended (a zombie has). One that may not be looked into counts."""
        if self.boot and self.boot != boot_id():
            return False
        if not PROC.is_dir():
            return _exists(self.pid)
        try:
            return _mark(self.tag) in _environment(self.pid)
        except PermissionError:
            return True
        except OSError:
            return False

    def began(self) -> float | None:
        """When it began, in seconds since the epoch as the clock goes now; None where the system does not tell.

        Counted back from its age, which nobody who sets the clock changes.
        """
        stat = _stat(self.pid) if self.alive() else None
        if stat is None:
            return None
        age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - stat.started / os.sysconf("SC_CLK_TCK")
        return time.time() - age_s

    def may_lead_a_session(self) -> bool:
        """Whether the session of that number can be its own: nobody has taken the number over.

        Sessions 0 and 1 belong to the system: a handle that names them is damaged.
        """
        if self.pid <= 1 or self.boot != boot_id() or self.elsewhere():
            return False
        stat = _stat(self.pid)
        # While a session has members, nobody else gets its number; nor while its leader is a zombie of ours, or is
        # still being loaded, as right after its start: its environment reads as empty until `execve` is done.
        ours = stat is not None and stat.parent == os.getpid() and (stat.state == "Z" or _is_loading(self.pid))
        return stat is None or self.alive() or ours


def boot_id() -> str:
    """Identity of this boot; empty where the system does not tell."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def start(script: str, folder: str, env: Mapping[str, str]) -> int:
    """Start `script` in a session of its own, its output in files in `folder`. Gives its process id.

    Raises OSError. The files are opened in the new process: no pipe leads back here.
    """
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        SHELL,
        ["sh", script],
        env,
        setsid=True,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, f"{folder}/out.log", append, 0o600),
            (os.POSIX_SPAWN_OPEN, 2, f"{folder}/err.log", append, 0o600),
        ],
        setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE],
        setsigmask=[],
    )


def members(process: Process) -> list[int]:
    """The processes of a job that are still there: its session's, and those that left it but carry its tag."""
    if not PROC.is_dir():
        return [process.pid] if process.alive() else []
    session = process.pid if process.may_lead_a_session() else None
    return [pid for pid, stat in _running() if stat.session == session or _carries(pid, process.tag)]


def tagged(tag: str) -> list[int]:
    """The processes that carry a tag, wherever they are."""
    return [pid for pid, _ in _running() if _carries(pid, tag)] if PROC.is_dir() else []


def tag_of(pid: int) -> str:
    """The tag that a process carries; empty if it has none, is gone, or may not be looked into."""
    with contextlib.suppress(OSError):
        for one in _environment(pid):
            if one.startswith(b"NRUN_TAG="):
                return one.partition(b"=")[2].decode("utf-8", "surrogateescape")
    return ""


def out_of_memory_kills() -> int:
    """How many processes of this control group the system has killed for want of memory; 0 where it does not tell."""
    with contextlib.suppress(OSError, ValueError):
        for line in (PROC / "self/cgroup").read_text().splitlines():
            _, kind, group = line.split(":", 2)
            name = {"": "memory.events", "memory": "memory/memory.oom_control"}.get(kind)
            for place in (group, "") if name else ():  # in a container, its own group may be the only one there
                folder, _, file = str(name).rpartition("/")
                with contextlib.suppress(OSError):
                    told = dict(
                        one.split() for one in Path(f"{CGROUPS}/{folder}{place}/{file}").read_text().splitlines()
                    )
                    if "oom_kill" in told:
                        return int(told["oom_kill"])
    return 0


def on_path(program: str) -> str | None:
    """Where a program is; None if it is not on the path."""
    places = (f"{folder}/{program}" for folder in os.environ.get("PATH", "").split(":") if folder)
    return next((place for place in places if os.access(place, os.X_OK)), None)


def send(pids: Sequence[int], number: signal.Signals) -> None:
    """Send a signal to processes; those that are gone do not matter."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def ended(folder: str, cpu_s: float | None = None, peak_memory_bytes: int | None = None) -> Observation | None:
    """What the exit marker in `folder` says, and what else is known of the process; None while there is none."""
    marker = _marker(f"{folder}/exit.json")
    if marker is None:
        return None
    told, at = marker
    code = told.get("exit_code")
    if not isinstance(code, int):
        return None
    name = _signal_name(code)
    stop = told.get("stop")
    reason = f"asked to stop by SIG{stop}" if stop and code else None
    return Observation(
        state=State.SUCCEEDED if code == 0 else State.FAILED,
        source="exit marker",
        observed_at=at,
        exit_code=None if name else code,
        signal=name,
        reason=reason,
        started_at=_written_at(f"{folder}/start.json"),
        ended_at=at,
        cpu_s=cpu_s,
        peak_memory_bytes=peak_memory_bytes,
    )


def started(folder: str, tag: str) -> tuple[Process, float] | None:
    """The process that the start marker in `folder` names, and when it started; None while there is none."""
    marker = _marker(f"{folder}/start.json")
    if marker is None:
        return None
    try:
        return Process.from_json(marker[0], tag), marker[1]
    except (KeyError, TypeError):
        return None


def last_output(folder: str) -> float | None:
    """When something was last written to a log in `folder` or in those of a group's tasks; None if nothing was yet."""
    times = []
    for path in Path(folder).glob("**/*.log"):
        with contextlib.suppress(OSError):
            status = path.stat()
            if status.st_size:
                times.append(status.st_mtime)
    return max(times, default=None)


def check() -> list[CheckResult]:
    """Whether this machine can run jobs, for `nrun plugins doctor`."""
    results = []
    try:
        subprocess.run([SHELL, "-c", ":"], check=True, timeout=10, stdin=subprocess.DEVNULL)  # noqa: S603 - fixed words
        results.append(CheckResult(ok=True, message=f"{SHELL} starts"))
    except (OSError, subprocess.SubprocessError) as error:
        results.append(
            CheckResult(ok=False, message=f"{SHELL} does not start: {error}", remedy="install a POSIX shell")
        )
    if hasattr(os, "pidfd_open"):
        results.append(CheckResult(ok=True, message="the end of a process is an event (pidfd)"))
    else:
        results.append(CheckResult(ok=True, message="no pidfd here: a thread waits for each process"))
    results.append(CheckResult(ok=True, message=f"python is {sys.executable}"))
    return results


def ended_of(
    handle: Handle, folder: str, cpu_s: float | None = None, peak_memory_bytes: int | None = None
) -> Observation | None:
    """What the exit marker says, here or, if the record was copied or moved meanwhile, where the job was started."""
    ran_in = handle.data.get("folder")
    folders = [folder, ran_in] if isinstance(ran_in, str) and ran_in != folder else [folder]
    found = (ended(each, cpu_s, peak_memory_bytes) for each in folders)
    return next((one for one in found if one is not None), None)


def why_out_of_reach(handle: Handle) -> str | None:
    """Why a job cannot be reached from here; None if it can, has ended, or is not known."""
    try:
        process = Process.from_json(handle.data, "")
        over = not process.elsewhere() or ended_of(handle, folder_of(handle)) is not None
    except (BackendError, KeyError, TypeError):
        return None
    return None if over else f"it runs on {process.host}; stop it from there"


def folder_of(handle: Handle) -> str:
    """The folder of the attempt in the record, or where it was started. Raises BackendError if nothing says that."""
    if handle.folder is not None:
        return str(handle.folder)
    try:
        return text_of(handle.data.get("folder"), "its folder")
    except NrunError as error:
        msg = f"the handle of {handle.tag} is damaged: {error.message}"
        raise BackendError(msg) from error


def _marker(path: str) -> tuple[dict[str, Json], float] | None:
    """The one line of a marker and when it was written; None if it is missing or not whole."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        line, at = os.read(file, 4096), os.fstat(file).st_mtime
    finally:
        os.close(file)
    line, end, _ = line.partition(b"\n")  # what follows was room reserved on the disk
    if not end:
        return None
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return (told, at) if isinstance(told, dict) else None


def _written_at(path: str) -> float | None:
    try:
        return os.stat(path).st_mtime  # noqa: PTH116 - often
    except OSError:
        return None


def _signal_name(code: int) -> str | None:
    """The signal that a shell reports as 128 + its number."""
    try:
        return signal.Signals(code - 128).name if code > 128 else None  # noqa: PLR2004 - how shells report signals
    except ValueError:
        return None


class _Stat(NamedTuple):
    state: str
    parent: int
    session: int
    started: int
    """In ticks since the boot."""


def _stat(pid: int) -> _Stat | None:
    """What the system says of a process; None if it is not there."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - often
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return _Stat(fields[0].decode(), int(fields[1]), int(fields[3]), int(fields[19]))


def _running() -> Iterator[tuple[int, _Stat]]:
    """Every process that has not ended, but for this one."""
    for entry in PROC.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            stat = _stat(int(entry.name))
            if stat is not None and stat.state != "Z":
                yield int(entry.name), stat


def _mark(tag: str) -> bytes:
    return f"NRUN_TAG={tag}".encode("utf-8", "surrogateescape")


def _carries(pid: int, tag: str) -> bool:
    try:
        return _mark(tag) in _environment(pid)
    except OSError:
        return False


def _environment(pid: int) -> list[bytes]:
    """What a process was started with. Raises OSError; a zombie has nothing."""
    return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


def _is_loading(pid: int) -> bool:
    try:
        return _environment(pid) == [b""]
    except OSError:
        return False


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return error.errno == errno.EPERM
    return True
