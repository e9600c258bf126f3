"""The part `slurm`: jobs for a real cluster over a real SSH server, both on this machine.

Skipped, with a word why, where they cannot be started: that takes root, and Debian or their programs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from measure import Series, measure
from rows import Row, compared

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from run import Bench

JOBS, MANY = 100, 1000
OF_BARE_SBATCH, OF_SSH = 1.5, 4
COMMANDS_FOR_AN_ARRAY = 3
QUIET_S = 1.0
UNDER_WAY = 3
"""What `nrun status` ends with while jobs have not ended."""


class Place:
    """A cluster with an SSH server on its login node, and who launches jobs there from elsewhere."""

    def __init__(self, bench: Bench) -> None:
        from services.slurm import Slurm
        from services.sshd import Sshd

        self.bench = bench
        self.slurm = Slurm(bench.folder / "cluster")
        self.slurm.start()
        self.sshd = Sshd(bench.folder / "sshd", env=self.slurm.env, more="LogLevel VERBOSE")
        self.sshd.start()

    def close(self) -> None:
        self.sshd.close()
        self.slurm.close()

    def launch(self, kind: str, count: int) -> list[str | Path]:
        """Jobs that are submitted and left behind."""
        there = [str(self.sshd.config), self.sshd.host, str(self.bench.folder / "job-dir")]
        return [self.bench.python, "cluster.py", kind, str(count), *there]

    def ssh(self) -> list[str]:
        return ["ssh", "-F", str(self.sshd.config), self.sshd.host, "true"]

    def bare(self, count: int) -> list[str]:
        """As many jobs as nothing but a loop submits on the node itself."""
        submit = "sbatch --parsable --time=5 --mem=10 --output=/dev/null bare.sh >/dev/null"
        words = [f"{name}={value}" for name, value in self.slurm.env.items()]
        return ["env", *words, "sh", "-c", f"for _ in $(seq {count}); do {submit} || exit; done"]

    def commands(self) -> int:
        """How many commands the server has been given."""
        return (self.sshd.folder / "sshd.out").read_text(errors="replace").count("Starting session: command")

    def in_turns(self, repeats: int, **commands: Sequence[str | Path]) -> dict[str, Series]:
        """Each on an empty cluster, with nobody left from the one before."""
        found: dict[str, list] = {name: [] for name in commands}
        for number in range(repeats + 1):
            for name, argv in commands.items():
                sample = measure(argv, self.bench.env, self.bench.cwd)
                if number:
                    found[name].append(sample)
                self.empty()
        return {name: Series(samples) for name, samples in found.items()}

    def empty(self) -> None:
        """Wait until every job has ended, and whoever looks after it."""
        self.slurm.reset()
        for folder in self.bench.home.glob("experiments/*/*"):
            if not (folder / "seen").exists():
                subprocess.run(
                    [self.bench.nrun, "attach", folder.name],
                    env=self.bench.env,
                    cwd=self.bench.cwd,
                    capture_output=True,
                    timeout=120,
                    check=False,
                )
                (folder / "seen").touch()
        time.sleep(QUIET_S)


def slurm(bench: Bench) -> Iterator[Row]:
    """Submitting, beside bare `sbatch`; how many commands it takes; a new connection, beside `ssh`."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from services import slurm as cluster
    from services import sshd
    from services.packages import lacking

    why = "not root" if os.geteuid() != 0 else lacking(cluster.PROGRAMS | sshd.PROGRAMS)
    if why:
        print(f"no rows of a Slurm cluster: {why}", file=sys.stderr)
        return
    bench.fresh_home()
    place = Place(bench)
    try:
        yield from _speed(place, bench)
        yield from _commands(place, bench)
    finally:
        place.close()


def _speed(place: Place, bench: Bench) -> Iterator[Row]:
    repeats = 2 if bench.quick else 7
    found = place.in_turns(repeats, nrun=place.launch("each", JOBS), bare=place.bare(JOBS))
    what = f"{JOBS} different jobs over SSH, detached"
    yield compared(what, f"`sbatch` on the node, {JOBS}", found["nrun"], found["bare"], at_most=OF_BARE_SBATCH)
    found = place.in_turns(repeats, nrun=place.launch("each", 1), bare=place.ssh())
    what = "one job over SSH, detached, new connection"
    yield compared(what, "`ssh host true`", found["nrun"], found["bare"], at_most=OF_SSH)


def _commands(place: Place, bench: Bench) -> Iterator[Row]:
    for count, target in ((JOBS, COMMANDS_FOR_AN_ARRAY), (MANY, 1)):
        before = place.commands()
        sample = measure(place.launch("held", count), bench.env, bench.cwd)
        if count == JOBS:
            commands = place.commands() - before
            what = f"{count} similar jobs over SSH, detached"
            yield Row(
                what, "", f"{commands} commands", "", f"{sample.wall_s:.2f} s", "", f"≤ {target}", commands <= target
            )
            place.empty()
            continue
        (name,) = (one.name for one in bench.home.glob("experiments/*/*") if not (one / "seen").exists())
        looked = _looks(place, bench, name)
        what = f"`nrun status` of {count} jobs over SSH"
        yield Row(what, "", f"{looked} command", "", "", "", f"≤ {target}", looked <= target)
        place.empty()


def _looks(place: Place, bench: Bench, name: str) -> int:
    """How many commands one `nrun status` gives, while nobody else looks."""
    (folder,) = bench.home.glob(f"experiments/*/{name}")
    os.kill(int((folder / "charge.lock").read_text().split()[0]), signal.SIGKILL)  # it may end at any moment
    time.sleep(QUIET_S)
    before = place.commands()
    measure(["sh", "-c", f"{bench.nrun} status {name} || [ $? = {UNDER_WAY} ]"], bench.env, bench.cwd)
    return place.commands() - before
