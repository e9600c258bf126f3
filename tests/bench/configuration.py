"""The part `configuration`: trees of configurations against those of fiddle, and what a shell waits for.

Steps on trees are measured inside a process, by its own clock of CPU time; the processes run in turns.
"""

from __future__ import annotations

import itertools
import json
import statistics
from typing import TYPE_CHECKING

from environments import install
from measure import CommandFailed
from rows import Row, compared, ratio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from measure import Series
    from run import Bench

FIDDLE = ("fiddle==0.3.1",)
NODES = 10_000
FEWER_NODES = 1000
"""For fiddle's JSON, which takes two minutes for 10,000."""
OF_FIDDLE = {"construct": 1 / 10, "build": 1 / 10, "deepcopy": 1 / 8}
JSON_OF_FIDDLE = 1 / 100
FOR_TEN_TIMES = 15
"""How many times longer ten times as many nodes may take."""
CONTENT_ID_AT_MOST_S = 0.1
OVERRIDE_AT_MOST_US = 30


def configuration(bench: Bench) -> Iterator[Row]:
    """Trees, overrides, help and completion."""
    yield from _beside_fiddle(bench)
    yield from _growth(bench)
    yield from _yaml(bench)
    yield from _override(bench)
    yield from _shell(bench)


def _beside_fiddle(bench: Bench) -> Iterator[Row]:
    theirs = install(bench.folder / "fiddle", FIDDLE)
    steps = list(OF_FIDDLE)
    found = bench.in_turns(
        5,
        ours=[bench.python, "configure.py", "nrun", str(NODES), *steps],
        theirs=[theirs, "configure.py", "fiddle", str(NODES), *steps],
        our_json=[bench.python, "configure.py", "nrun", str(FEWER_NODES), "json"],
        their_json=[theirs, "configure.py", "fiddle", str(FEWER_NODES), "json"],
    )
    for step, most in OF_FIDDLE.items():
        ours, base = _cpu_s(found["ours"], step), _cpu_s(found["theirs"], step)
        yield ratio(f"{step}, {NODES} nodes", "fiddle 0.3.1", ours, base, at_most=most)
    ours, base = _cpu_s(found["our_json"], "json"), _cpu_s(found["their_json"], "json")
    yield ratio(f"json, {FEWER_NODES} nodes", "fiddle 0.3.1", ours, base, at_most=JSON_OF_FIDDLE)


def _growth(bench: Bench) -> Iterator[Row]:
    sizes = (1000, 10_000) if bench.quick else (1000, 10_000, 100_000)
    found = bench.in_turns(3, **{str(size): [bench.python, "configure.py", "nrun", str(size)] for size in sizes})
    for step in json.loads(found[str(NODES)].samples[0].output):
        for few, many in itertools.pairwise(sizes):
            ours, base = (_cpu_s(found[str(size)], step) for size in (many, few))
            yield ratio(f"{step}, {many} nodes", f"{few} nodes", ours, base, at_most=FOR_TEN_TIMES)
    taken_s = statistics.median(_cpu_s(found[str(NODES)], "content_id"))
    shown = f"{taken_s * 1000:.0f} ms"
    yield Row(f"content id, {NODES} nodes", "", shown, "", "", "", "≤ 100 ms", taken_s <= CONTENT_ID_AT_MOST_S)


def _yaml(bench: Bench) -> Iterator[Row]:
    series = bench.in_turns(5, yaml=[bench.python, "configure.py", "yaml", str(NODES)])["yaml"]
    read, bare = _cpu_s(series, "read"), _cpu_s(series, "compose")
    yield ratio(f"YAML to data, {NODES} nodes", "`yaml.compose`, C loader", read, bare, at_most=2)


def _override(bench: Bench) -> Iterator[Row]:
    series = bench.in_turns(7, override=[bench.python, "override.py"])["override"]
    for what in json.loads(series.samples[0].output):
        each_us = statistics.median(_cpu_s(series, what)) * 1e6
        limit = OVERRIDE_AT_MOST_US
        yield Row(f"one override, {what}", "", f"{each_us:.0f} µs", "", "", "", f"≤ {limit} µs", each_us <= limit)


def _shell(bench: Bench) -> Iterator[Row]:
    tab = ["-P", "-m", "nrun_language_overrides.completion", "bash", "python train.py body.fi", "body.fi"]
    found = bench.in_turns(
        20,
        click=[bench.python, "-c", "import click"],
        help=[bench.python, "train.py", "--help"],
        complete=[bench.python, *tab],
    )
    offered = found["complete"].samples[-1].output
    if offered.split() != ["body.first.", "body.first="]:
        msg = f"completion offers {offered!r}"
        raise CommandFailed(msg)
    against = '`python -c "import click"`'
    for what, name, limit in (("`train.py --help`, 210 arguments", "help", 3), ("one Tab in it", "complete", 2)):
        yield compared(what, against, found[name], found["click"], metric="cpu_s", at_most=limit)


def _cpu_s(series: Series, step: str) -> list[float]:
    """What a step took in each round."""
    return [json.loads(sample.output)[step] for sample in series.samples]
