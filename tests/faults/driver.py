"""Drives one experiment through faults that follow from a seed, and says what the record got wrong, if anything."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

from nrun import Experiment
from nrun.errors import RecordError

HERE = Path(__file__).parent
PROGRAM = HERE / "program.py"
LINES = 12_000
"""About as many lines of nrun's own as a whole run executes."""
WRITES = 45
"""About as many times a whole run writes to the journal."""
CALLS = {"write": 60, "open": 60, "posix_spawn": 14, "fsync": 2, "replace": 4, "mkdir": 40, "pwrite": 1, "read": 40}
"""About as many calls of these as a whole run makes."""
DEADLINE_S = 60.0
EXPECTED = {
    **dict.fromkeys(("first", "build", "judged", "flaky", "on-failure", "group", "finally", "slow"), "SUCCEEDED"),
    **dict.fromkeys((f"wide-{number}" for number in range(4)), "SUCCEEDED"),
    "bad": "FAILED",
    "unjudged": "SKIPPED",
    "after-bad": "SKIPPED",
}
AFTER = {
    "build": ["first"],
    "judged": ["build"],
    "group": ["flaky"],
    "finally": ["group", "judged"],
    "on-failure": [],
    **{f"wide-{number}": ["first"] for number in range(4)},
}
SPARED = {"bad"}
"""Not killed: it has no retries."""


class Rig:
    """A home of its own, the trace that the tasks leave outside it, and the processes that were started."""

    def __init__(self, root: Path) -> None:
        self.home, self.trace, self.root = root / "home", root / "trace", root
        self.killed: list[tuple[str, int]] = []
        self.log: list[str] = []

    def start(self, *words: str, fault: dict | None = None, **env: str) -> subprocess.Popen[bytes]:
        self.log.append(f"{' '.join(words)} {json.dumps(fault) if fault else ''}")
        return subprocess.Popen(
            [sys.executable, PROGRAM, *words],
            env=self.environment(fault) | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.root,
        )

    def environment(self, fault: dict | None = None) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NRUN_")}
        path = os.pathsep.join(filter(None, [str(HERE / "site"), os.environ.get("PYTHONPATH")]))
        own = {"NRUN_HOME": str(self.home), "TRACE": str(self.trace), "PYTHONPATH": path}
        return kept | own | ({"NRUN_FAULT": json.dumps(fault)} if fault else {})

    def run(
        self, *words: str, fault: dict | None = None, kill_after_s: float | None = None, **env: str
    ) -> tuple[int, str]:
        """Run the program; gives how it ended and what it said. Killed after that time, if one is given."""
        process = self.start(*words, fault=fault, **env)
        try:
            said, _ = process.communicate(timeout=kill_after_s or DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            assert kill_after_s is not None, f"{words} took more than {DEADLINE_S} s:\n{said.decode()[-3000:]}"
        self.log.append(f"  -> {process.returncode}")
        return process.returncode, said.decode()

    # ---- the processes of the experiment

    def supervisors(self) -> list[int]:
        """A job that is just being started still looks like the supervisor that starts it: it is left out."""
        home = str(self.home).encode()
        found = [one for one in _processes() if b"nrun.supervise" in one.words and home in one.words]
        starting = {one.pid for one in found if not one.words.startswith(b"/bin/sh")}
        return [one.pid for one in found if one.parent not in starting]

    def jobs(self) -> list[tuple[int, str, int]]:
        """The processes of jobs: number, job, attempt."""
        home = f"NRUN_HOME={self.home}".encode()
        found = []
        for process in _processes():
            tag = next((one[9:].decode() for one in process.env if one.startswith(b"NRUN_TAG=")), None)
            if tag and home in process.env:
                _, job, attempt = tag.split("/")
                found.append((process.pid, job, int(attempt)))
        return found

    def wait_for_supervisors(self, kill_after_s: float | None = None) -> None:
        until = time.monotonic() + (kill_after_s if kill_after_s is not None else DEADLINE_S)
        while (left := self.supervisors()) and time.monotonic() < until:
            time.sleep(0.02)
        if kill_after_s is None:
            assert not left, "a supervisor does not end"
        for pid in left:
            self.log.append("  supervisor killed")
            _kill(pid)

    def kill_a_job(self, rng: random.Random) -> None:
        """Kill one process of one job: the shell or the worker, as it comes."""
        victims = sorted(one for one in self.jobs() if one[1] not in SPARED)
        if victims:
            pid, job, attempt = victims[rng.randrange(len(victims))]
            self.killed.append((job, attempt))
            self.log.append(f"  killed process {pid} of {job}/{attempt}")
            _kill(pid)

    def stop(self) -> None:
        """Kill whatever still runs of the experiment."""
        for pid in [*self.supervisors(), *(pid for pid, _, _ in self.jobs())]:
            _kill(pid)

    def clean(self) -> list[str]:
        """What is left running after a while; it is killed."""
        until = time.monotonic() + 5.0
        while (left := [*self.supervisors(), *(pid for pid, _, _ in self.jobs())]) and time.monotonic() < until:
            time.sleep(0.05)
        self.stop()
        return [str(pid) for pid in left]

    # ---- the record

    def id(self) -> str | None:
        found = sorted(path.parent.name for path in self.home.glob("experiments/*/[0-9]*/experiment.json"))
        return found[-1] if found else None

    def experiment(self) -> Experiment:
        return Experiment.from_id(self.id() or "latest", home=self.home)

    def lines(self) -> list[tuple[str, str, int, str]]:
        """What the tasks wrote: word, job, attempt, task."""
        found = []
        for line in self.trace.read_text().splitlines() if self.trace.exists() else ():
            word, tag, task = line.split(" ")
            _, job, attempt = tag.split("/")
            found.append((word, job, int(attempt), task))
        return found


class Process(NamedTuple):
    """A process that has not ended: its number, its parent's, its command line and environment."""

    pid: int
    parent: int
    words: bytes
    env: list[bytes]


def _processes():
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
                env = (entry / "environ").read_bytes().split(b"\0")
                state, parent = (entry / "stat").read_bytes().rpartition(b")")[2].split()[:2]
            except OSError:
                continue
            if state != b"Z":
                yield Process(int(entry.name), int(parent), words, env)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


# ---- kills


def kills(seed: int, root: Path) -> tuple[list[str], list[str]]:
    """Launch, kill and resume as `seed` says, then resume to the end. Gives what is wrong, and what was done."""
    rng = random.Random(seed)
    rig = Rig(root)
    verb = rng.choice(["launch", "detach"])
    for number in range(rng.randint(1, 3)):
        words = [verb] if rig.id() is None else [rng.choice(["resume", "leave"]), rig.id()]
        _hit(rig, rng, words)
        if rig.id() is None:
            if rig.lines():
                return ["something ran of which there is no record"], rig.log
            verb = "launch" if number else verb
    if rig.id() is None:
        rig.run("launch")
    code, said = rig.run("attach", rig.id())
    return [*([f"attach ended with {code}: {said[-2000:]}"] if code else []), *wrong(rig)], rig.log


def _hit(rig: Rig, rng: random.Random, words: list[str]) -> None:
    """One process in charge, killed or not, while jobs are killed or not."""
    how = rng.choice(["line", "journal", "call", "time", "not"])
    here = words[0] in {"launch", "resume"}
    who = "launcher" if here or rng.random() < 0.2 else "supervisor"
    fault = None
    if how == "line":
        most = LINES if words[0] == "launch" or who == "supervisor" else LINES // 2
        fault = {"who": who, "how": "line", "number": rng.randint(1, most)}
    elif how == "journal":  # after each of its lines it must be possible to go on
        fault = {"who": who, "how": "call", "name": "write", "path": "journal.jsonl", "after": rng.random() < 0.8}
        fault["number"] = rng.randint(1, WRITES if words[0] in {"launch", "detach"} else WRITES // 3)
    elif how == "call":
        name = rng.choice(list(CALLS))
        number, after = rng.randint(1, CALLS[name]), rng.random() < 0.5
        fault = {"who": who, "how": "call", "name": name, "number": number, "after": after}
    after_s = rng.uniform(0.0, 1.5) if how == "time" else None
    at_s = [rng.uniform(0.2, 1.5) for _ in range(rng.choice([0, 0, 1, 2]))]
    killers = [threading.Timer(moment, rig.kill_a_job, [random.Random(rng.random())]) for moment in at_s]
    for one in killers:
        one.start()
    rig.run(*words, fault=fault, kill_after_s=after_s if here else None)
    if not here:
        rig.wait_for_supervisors(after_s)
    for one in killers:
        one.join()
    rig.wait_for_supervisors()


# ---- what must be so at the end


def wrong(rig: Rig, expected: dict[str, str] = EXPECTED) -> list[str]:
    """What the record says that is not so, and what ran that should not have, or the other way round."""
    found: list[str] = []
    if left := rig.clean():
        found.append(f"processes are left: {left}")
    try:
        status = rig.experiment().status()
    except RecordError as error:
        return [*found, f"the record cannot be read: {error}"]
    found += [f"warning: {warning}" for warning in status.warnings]
    for name, state in expected.items():
        job = status.jobs[name]
        if job.state != state:
            found.append(f"{name} is {job.state}, not {state}: {job.reason}")
    if status.jobs["bad"].exit_code != 7:
        found.append(f"bad ended with {status.jobs['bad'].exit_code}")
    return found + _wrong_runs(rig, {name: job.attempt for name, job in status.jobs.items()})


def _wrong_runs(rig: Rig, attempts: dict[str, int]) -> list[str]:
    found, lines = [], rig.lines()
    for line in sorted({line for line in lines if lines.count(line) > 1}):
        found.append(f"{line} happened {lines.count(line)} times")
    for name, last in attempts.items():
        ran = {attempt for word, job, attempt, _ in lines if job == name}
        most = {"flaky": 2, "unjudged": 0, "after-bad": 0}.get(name, 1)
        kills = sum(job == name for job, _ in rig.killed)
        if last > most + kills or max(ran, default=0) > last:
            found.append(f"{name} had {last} attempts, of which {sorted(ran)} ran; {kills} were killed")
        if EXPECTED[name] == "SUCCEEDED":
            tasks = ("0", "1") if name == "group" else ("0",)
            missing = [
                f"{word} of task {task}"
                for word in ("start", "end")
                for task in tasks
                if (word, name, last, task) not in lines
            ]
            if missing:
                found.append(f"{name} is said to have succeeded in attempt {last} but for {missing}")
            found += _too_early(name, lines, attempts)
    return found


def _too_early(name: str, lines: list[tuple[str, str, int, str]], attempts: dict[str, int]) -> list[str]:
    """Starts before what they wait for: the jobs before it, and its own attempt before."""
    found = []
    for place, (word, job, attempt, task) in enumerate(lines):
        if job != name or word != "start":
            continue
        found += [
            f"{name}/{attempt} began before {before} had ended"
            for before in AFTER.get(name, ())
            if ("end", before, attempts[before], "0") not in lines[:place]
        ]
        if ("end", name, attempt - 1, task) in lines[place:]:
            found.append(f"{name}/{attempt} began before attempt {attempt - 1} had ended")
    return found


def main() -> None:
    """`driver.py SEED [LAST SEED]`: run these and tell."""
    import tempfile

    first, last = int(sys.argv[1]), int(sys.argv[-1])
    bad = 0
    for seed in range(first, last + 1):
        root = Path(tempfile.mkdtemp(prefix=f"faults-{seed}-"))
        problems, log = kills(seed, root)
        bad += bool(problems)
        print(f"seed {seed}: {'; '.join(problems) or 'ok'}", flush=True)
        if problems:
            print("\n".join(log), f"\nin {root}", flush=True)
        else:
            shutil.rmtree(root)
    print(f"{last - first + 1} seeds, {bad} went wrong")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
