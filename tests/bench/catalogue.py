"""The part `catalogue`: finding one of 10,000 experiments, and looking at a large one.

Experiments of the past are copies of real ones, told apart by their ids, so that they are made in seconds.
"""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING

from measure import in_turns, measure
from rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from run import Bench

EXPERIMENTS = 10_000
TITLES = 50
JOBS = 1000
AT_MOST_S = 0.25
REBUILD_AT_MOST_S = 5.0
FIRST = time.mktime((2026, 1, 1, 0, 0, 0, 0, 0, 0))


def catalogue(bench: Bench) -> Iterator[Row]:
    """Lists, with and without their cache, and one experiment among the many."""
    bench.fresh_home()
    home, python, nrun = bench.home, bench.python, bench.nrun
    measure(bench.launch("script", 2), bench.env, bench.cwd)
    (one,) = home.glob("experiments/bench/*")
    count = EXPERIMENTS // 10 if bench.quick else EXPERIMENTS
    ids = [_copy(one, home, number) for number in range(count)]
    measure(bench.launch("shell", JOBS // 10 if bench.quick else JOBS), bench.env, bench.cwd)
    large = max(path.name for path in home.glob("experiments/bench/*"))
    many, jobs = f"{count} experiments", JOBS // 10 if bench.quick else JOBS

    without = ["env", f"NRUN_CACHE={bench.folder / 'no' / 'cache'}", nrun]
    (bench.folder / "no").write_text("a file, so that there is no cache")
    asked = {
        "bare": [python, "-c", "pass"],
        "`nrun list`": [nrun, "list"],
        "`nrun list --state FAILED`": [nrun, "list", "--state", "FAILED"],
        "`nrun list --text noop --since 2026-01-01`": [nrun, "list", "--text", "noop", "--since", "2026-01-01"],
        "`nrun list --json`": [nrun, "list", "--json"],
        "`nrun list`, no cache": [*without, "list"],
        f"`from_id`, of {many}": [python, "status.py", ids[count // 2]],
        f"`status` of {jobs} jobs": [python, "status.py", large],
    }
    cold = measure([nrun, "list", "--state", "FAILED"], bench.env, bench.cwd).wall_s
    yield _row(f"rebuild the cache of {many}", cold, REBUILD_AT_MOST_S)
    yield from _beyond_start_up(bench, asked, many)


def _beyond_start_up(bench: Bench, asked: Mapping[str, Sequence[str | Path]], many: str) -> Iterator[Row]:
    found = in_turns(asked, 2 if bench.quick else 7, bench.env, bench.cwd)
    bare = min(found.pop("bare").all("wall_s"))
    for what, series in found.items():
        beside = f"{what}, {many}" if "nrun" in what else what
        all_of_them = "--json" in what  # 10 MB of output: shown, and held to nothing
        yield _row(f"{beside}, beyond start-up", min(series.all("wall_s")) - bare, None if all_of_them else AT_MOST_S)


def _row(what: str, taken_s: float, at_most_s: float | None) -> Row:
    row = Row(what, "", f"{taken_s * 1000:.0f} ms", "", "")
    return row if at_most_s is None else row._replace(target=f"≤ {at_most_s:g} s", met=taken_s <= at_most_s)


def _copy(one: Path, home: Path, number: int) -> str:
    """Make an experiment that differs from `one` by its id, title and time; gives the id."""
    created = FIRST + 60 * number
    id_ = time.strftime("%Y%m%d-%H%M%S", time.gmtime(created)) + f"-000000-{number % 65536:04x}"
    title = f"title-{number % TITLES}"
    folder = home / "experiments" / title / id_
    folder.mkdir(parents=True)
    asked = json.loads((one / "experiment.json").read_text())
    asked |= {"id": id_, "title": title, "created": created}
    (folder / "experiment.json").write_text(json.dumps(asked))
    shutil.copyfile(one / "journal.jsonl", folder / "journal.jsonl")
    return id_
