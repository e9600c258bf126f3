"""Measures what nrun costs, as ratios to bare processes and to its peers: `uv run python tests/bench/run.py`.

Everything runs in a temporary folder and in environments made for it. Both sides of a ratio run in turns,
several rounds; each round gives a ratio, and the table shows their median, the lowest and the highest.
Times are medians. The exit code is 1 if a target was missed. `docs/explanation/performance.md` explains the rows.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from catalogue import catalogue
from configuration import configuration
from environments import PEERS, clean, install, install_memory_executor, install_nrun
from measure import CommandFailed, Series, in_turns, measure
from packaging import packaging
from rows import Row, compared, memory_of, table
from slurm import slurm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROGRAMS = Path(__file__).parent / "programs"
SEQUENTIAL_TASKS = 50
OLD_EXPERIMENTS = 10_000


class Bench:
    """The place where everything is measured, and how often.

    Nothing in it is deleted before the end: for minutes after, ext4 is slow at making files where some were deleted.
    """

    def __init__(self, folder: Path, *, quick: bool) -> None:
        self.folder = folder
        self.cwd = folder / "work"
        shutil.copytree(PROGRAMS, self.cwd)
        self.fresh_home()
        self.python = install_nrun(folder / "nrun")
        self.nrun = self.python.with_name("nrun")
        self.quick = quick

    def fresh_home(self) -> None:
        """Have what is measured from now on find an empty record."""
        self.home = Path(tempfile.mkdtemp(prefix="home-", dir=self.folder)) / "nrun"
        self.env = clean(self.home)

    def in_turns(self, repeats: int, **commands: Sequence[str | Path]) -> dict[str, Series]:
        self.fresh_home()
        return in_turns(commands, 2 if self.quick else repeats, self.env, self.cwd)

    def launch(self, kind: str, count: int, *order: str) -> list[str | Path]:
        return [self.python, "launch.py", kind, str(count), *order]

    def bare(self, count: int, parallel: int = 2) -> list[str | Path]:
        starts = f"seq {count} | xargs -P{parallel} -I{{}} {self.python} noop.py"
        return ["sh", "-c", starts]


def start_up(bench: Bench) -> Iterator[Row]:
    """How long it takes before anything can happen."""
    python = bench.python
    found = bench.in_turns(
        20,
        bare=[python, "-c", "pass"],
        click=[python, "-c", "import click"],
        nrun=[python, "-c", "import nrun"],
        help=[bench.nrun, "--help"],
    )
    yield compared("`import nrun`", "`python -c pass`", found["nrun"], found["bare"], at_most=1.5)
    yield compared("`nrun --help`", '`python -c "import click"`', found["help"], found["click"], at_most=2.5)
    yield compared("`nrun --help`", "`python -c pass`", found["help"], found["bare"])


def parallel_tasks(bench: Bench) -> Iterator[Row]:
    """Whole launches, against starting the same commands bare."""
    for count, repeats in ((1, 10), (100, 7)) if bench.quick else ((1, 10), (100, 7), (500, 4)):
        found = bench.in_turns(
            repeats,
            bare=bench.bare(count),
            script=bench.launch("script", count),
            function=bench.launch("function", count),
        )
        for kind, limit in (("script", 1.4), ("function", 1.7)):
            tasks = f"{count} {kind} task{'s' if count > 1 else ''}"
            yield compared(tasks, f"xargs, {count}", found[kind], found["bare"], at_most=limit if count > 1 else None)
    each_ms = found["function"].median("cpu_s") / count * 1000
    yield Row(
        "CPU of a no-op function", f"1/{count} of a launch", f"{each_ms:.1f} ms", "", "", "", "≤ 20 ms", each_ms <= 20
    )
    yield compared(f"CPU of {count} functions", f"xargs, {count}", found["function"], found["bare"], metric="cpu_s")
    yield memory_of(f"launcher of {count} functions", found["function"])


def sequential_tasks(bench: Bench) -> Iterator[Row]:
    """Tasks one after another: the time from an end to the next start."""
    count = SEQUENTIAL_TASKS
    found = bench.in_turns(
        4,
        bare=bench.bare(count, parallel=1),
        script=bench.launch("script", count, "sequential"),
        function=bench.launch("function", count, "sequential"),
    )
    for kind in ("script", "function"):
        yield compared(f"{count} {kind} tasks one by one", f"xargs -P1, {count}", found[kind], found["bare"])
        each_ms = found[kind].median("wall_s") / count * 1000
        yield Row(f"one {kind} task of these", "", f"{each_ms:.1f} ms", "", "", "", "≤ 40 ms", each_ms <= 40)


def worker(bench: Bench) -> Iterator[Row]:
    """What `worker.py` adds to an interpreter."""
    bench.fresh_home()
    measure(bench.launch("function", 1), bench.env, bench.cwd)
    (attempt,) = bench.home.glob("experiments/bench/*/jobs/noop/attempt-1")
    (bench.cwd / "tasks.py").write_text("def noop():\n    pass\n")
    task = (attempt / "task.json").read_text()
    in_module = attempt / "in-module.json"
    in_module.write_text(task.replace("__main__:noop", "tasks:noop"))
    work = attempt.parents[2] / "worker.py"
    found = bench.in_turns(
        30,
        bare=[bench.python, "-c", "pass"],
        module=[bench.python, work, in_module],
        script=[bench.python, work, attempt / "task.json"],
    )
    for kind, what in (("module", "in a module"), ("script", "in the launching script")):
        added_ms = (found[kind].median("cpu_s") - found["bare"].median("cpu_s")) * 1000
        yield compared(f"worker, function {what}", "`python -c pass`", found[kind], found["bare"], metric="cpu_s")
        yield Row(f"worker adds, function {what}", "", f"{added_ms:.1f} ms", "", "", "", "≤ 5 ms", added_ms <= 5)


def scheduling(bench: Bench) -> Iterator[Row]:
    """The engine alone: jobs that do nothing, in memory."""
    few, many = (100, 1000) if bench.quick else (1000, 10_000)
    path = install_memory_executor(bench.folder / "memory", bench.python)
    env = bench.env | {"PYTHONPATH": str(path)}
    commands = {str(count): [bench.python, "schedule.py", str(count)] for count in (few, many)}
    found = in_turns(commands, 3, env, bench.cwd)
    few_s, many_s = (min(float(s.output.split()[-1]) for s in found[str(n)].samples) for n in (few, many))
    ratio = many_s / few_s
    yield Row(
        f"{many} no-op jobs in memory",
        f"{few} of them",
        f"{many_s:.2f} s",
        f"{few_s:.2f} s",
        f"{ratio:.1f}",
        "",
        "≤ 12, ≤ 5 s",
        ratio <= 12 and many_s <= 5,
    )
    yield memory_of(f"launcher of {many} jobs in memory", found[str(many)])
    shapes = {shape: [bench.python, "dag.py", shape, str(many)] for shape in ("chain", "fan-out", "diamond", "random")}
    for shape, series in in_turns(shapes, 3, env, bench.cwd).items():
        seconds, grown = min(tuple(map(float, sample.output.split()[-2:])) for sample in series.samples)
        each_ms, each_kb = seconds / many * 1000, grown / many / 1000
        told = f"{each_ms:.2f} ms, {each_kb:.1f} KB"
        good = each_ms <= 0.5 and each_kb <= 10
        yield Row(f"a job of {many} in a DAG ({shape})", "", told, "", "", "", "≤ 0.5 ms, ≤ 10 KB", good)


def queued(bench: Bench) -> Iterator[Row]:
    """As many processes as jobs, most of them waiting."""
    count = 1000 if bench.quick else 10_000
    sample = measure(bench.launch("shell", count), bench.env, bench.cwd)
    each_ms = sample.wall_s / count * 1000
    yield Row(f"{count} tasks `:` in a shell", "", f"{sample.wall_s:.1f} s", "", f"{each_ms:.1f} ms each")
    yield memory_of(f"launcher of {count} tasks", Series([sample]))


def planning(bench: Bench) -> Iterator[Row]:
    """`nrun plan` of 100 jobs, against start-up alone."""
    before = sorted(bench.cwd.rglob("*"))
    found = bench.in_turns(7, plan=[bench.nrun, "plan", "planned.py"], help=[bench.nrun, "--help"])
    wrote = bench.home.exists() or {path.name for path in bench.cwd.rglob("*")} - {path.name for path in before} - {
        "said.txt"
    }
    beyond_s = found["plan"].median("wall_s") - found["help"].median("wall_s")
    yield Row(
        "`nrun plan`, 100 jobs, beyond start-up",
        "`nrun --help`",
        f"{beyond_s * 1000:.0f} ms",
        "",
        "",
        "",
        "≤ 300 ms, writes nothing",
        beyond_s <= 0.3 and not wrote,
    )


def history(bench: Bench) -> Iterator[Row]:
    """Ten tasks, beside experiments of the past."""
    bench.fresh_home()
    measure(bench.launch("script", 10), bench.env, bench.cwd)
    (old,) = bench.home.glob("experiments/bench/*")
    crowded = bench.folder / "crowded"
    for number in range(OLD_EXPERIMENTS // 10 if bench.quick else OLD_EXPERIMENTS):
        copy = (
            crowded
            / "experiments"
            / ("bench" if number % 2 else f"title-{number % 100}")
            / f"20200101-{number:06d}-000000-0000"
        )
        copy.mkdir(parents=True)
        for name in ("experiment.json", "journal.jsonl"):
            os.link(old / name, copy / name)
    launch = bench.launch("script", 10)
    found = bench.in_turns(10, crowded=["env", f"NRUN_HOME={crowded}", *launch], empty=launch)
    what = f"10 tasks beside {number + 1} old experiments"
    yield compared(what, "beside none", found["crowded"], found["empty"], at_most=1.1)


def logs(bench: Bench) -> Iterator[Row]:
    """Following a job that writes 100 MB as fast as it can."""
    commands = {kind: [bench.python, "follow.py", kind, bench.nrun] for kind in ("nrun", "tail")}
    found = bench.in_turns(5, **commands)
    yield compared("follow a million lines", "`tail -f | cat`", found["nrun"], found["tail"], at_most=2)
    peak = max(float(sample.output.split()[-1]) for sample in found["nrun"].samples)
    yield Row("peak memory of who follows them", "", f"{peak:.0f} MiB", "", "", "", "≤ 80 MB", peak * 1.048576 <= 80)


def peers(bench: Bench) -> Iterator[Row]:
    """The same launches by others."""
    kinds = ("script", "function")
    for name, requirements in PEERS.items():
        python = install(bench.folder / name, requirements)
        for kind in kinds:
            theirs = ["env", f"PATH={python.parent}:{bench.env['PATH']}", python, f"peer_{name}.py", kind, "10"]
            found = bench.in_turns(2, ours=bench.launch(kind, 10), theirs=theirs)
            for metric in ("wall_s", "cpu_s"):
                measured = "wall" if metric == "wall_s" else "CPU"
                yield compared(f"10 {kind} tasks, {measured}", name, found["ours"], found["theirs"], metric=metric)


PARTS = (
    start_up,
    parallel_tasks,
    sequential_tasks,
    worker,
    scheduling,
    queued,
    planning,
    history,
    catalogue,
    logs,
    configuration,
    packaging,
    slurm,
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--peers", action="store_true", help="also measure NeMo Run and submitit, installed from the registry"
    )
    parser.add_argument("--quick", action="store_true", help="fewer repeats and smaller numbers: for a first look")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--only", choices=[part.__name__ for part in (*PARTS, peers)], help="measure one part")
    options = parser.parse_args()
    parts = [*PARTS, peers] if options.peers else list(PARTS)
    if options.only:
        parts = [part for part in (*PARTS, peers) if part.__name__ == options.only]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="nrun-bench-") as folder:
        bench = Bench(Path(folder), quick=options.quick)
        for part in parts:
            print(f"measuring: {part.__name__.replace('_', ' ')}", file=sys.stderr)
            try:
                rows += part(bench)
            except CommandFailed as error:
                print(error, file=sys.stderr)
                rows.append(Row(part.__name__.replace("_", " "), "", "failed", "", "", met=False))
    print(table(rows, markdown=options.markdown))
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
