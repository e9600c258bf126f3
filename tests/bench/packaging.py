"""The part `packaging`: a repository of 20,000 files, 200 MB, packed for the first time, again, and sent.

Packing is timed inside the process that does it, from the packager's first step to the bundle: what a launch waits for.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, NamedTuple

from measure import measure
from rows import Row, ratio, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from run import Bench

FILES, BYTES_PER_FILE = 20_000, 10_000
SMALL_BYTES = 500
OF_AN_ARCHIVE, OF_STATUS, CHANGED_OF_STATUS = 0.5, 4, 5
FOR_TEN_TIMES = 15
BYTES_OF_MEMORY_PER_FILE = 300
SHARE_OF_UNCHANGED = 0.01


class Packed(NamedTuple):
    """What packing a repository took."""

    s: float
    bundle: str
    beyond_manifest: int
    """Bytes of memory, at its peak, beyond what the process had and the size of the manifest."""


def packaging(bench: Bench) -> Iterator[Row]:
    """Packing beside `git archive` and `git status`, its growth, and what is sent."""
    count = FILES // 10 if bench.quick else FILES
    tree = _repository(bench, "files", count, BYTES_PER_FILE)
    yield from _first(bench, tree, count)
    yield from _again(bench, tree, count)
    yield from _sent(bench, tree, count)
    yield from _growth(bench, count)


def _first(bench: Bench, tree: Path, count: int) -> Iterator[Row]:
    ours, base = [], []
    for number in range(2 if bench.quick else 5):
        archive = ["sh", "-c", f"git -C {tree} archive HEAD | gzip -1 >{bench.folder / f'{number}.tar.gz'}"]
        base.append(measure(archive, bench.env, bench.cwd).wall_s)
        ours.append(_pack(bench, tree, f"first-{number}").s)
    yield ratio(f"first packing, {count} files", "`git archive HEAD \\| gzip -1`", ours, base, at_most=OF_AN_ARCHIVE)


def _again(bench: Bench, tree: Path, count: int) -> Iterator[Row]:
    status = ["git", "-C", tree, "status", "--porcelain"]
    _pack(bench, tree, "again")
    time.sleep(3)  # what was changed just now is read again
    _pack(bench, tree, "again")
    for what, at_most in (("packing again", OF_STATUS), ("packing, one file changed", CHANGED_OF_STATUS)):
        ours, base = [], []
        for _ in range(3 if bench.quick else 9):
            if at_most == CHANGED_OF_STATUS:
                (tree / "d00" / "e00" / "f000000.py").write_bytes(os.urandom(BYTES_PER_FILE))
            base.append(measure(status, bench.env, bench.cwd).wall_s)
            ours.append(_pack(bench, tree, "again").s)
        yield ratio(f"{what}, {count} files", "`git status --porcelain`", ours, base, at_most=at_most)


def _sent(bench: Bench, tree: Path, count: int) -> Iterator[Row]:
    other = bench.folder / "other-store"

    def sent(bundle: str) -> int:
        command = [bench.python, "sent.py", bundle, bench.folder / "again", other]
        return int(measure(command, bench.env, bench.cwd).output)

    packed = _pack(bench, tree, "again")
    whole, unchanged = sent(packed.bundle), sent(packed.bundle)
    (tree / "d00" / "e00" / "f000000.py").write_bytes(os.urandom(BYTES_PER_FILE))
    changed = sent(_pack(bench, tree, "again").bundle)
    target, met = f"< {SHARE_OF_UNCHANGED:.0%}", unchanged < SHARE_OF_UNCHANGED * whole
    yield Row(
        "sending what is there", f"{whole} bytes", f"{unchanged} bytes", "", f"{unchanged / whole:.7f}", "", target, met
    )
    rest = changed - BYTES_PER_FILE
    yield Row("sending one changed file", f"its {BYTES_PER_FILE} bytes", f"and {rest / count:.0f} per name", "", "")


def _growth(bench: Bench, count: int) -> Iterator[Row]:
    few = _repository(bench, "few", count, SMALL_BYTES)
    many = _repository(bench, "many", 10 * count, SMALL_BYTES)
    ours, base, memory = {"first": [], "again": []}, {"first": [], "again": []}, 0.0
    for number in range(2 if bench.quick else 3):
        for step in ("first", "again"):
            base[step].append(_pack(bench, few, f"few-{number}").s)
            packed = _pack(bench, many, f"many-{number}")
            ours[step].append(packed.s)
            memory = max(memory, packed.beyond_manifest / (10 * count))
    for step, told in (("first", "first packing"), ("again", "packing again")):
        yield ratio(f"{told}, {10 * count} files", f"{count} of them", ours[step], base[step], at_most=FOR_TEN_TIMES)
    target, met = f"≤ {BYTES_OF_MEMORY_PER_FILE} bytes", memory <= BYTES_OF_MEMORY_PER_FILE
    yield Row(
        f"memory for each of {10 * count} files", "beyond the manifest", f"{memory:.0f} bytes", "", "", "", target, met
    )
    wide = ["git", "-C", many, "status", "--porcelain"]
    yield Row("`git status` of so many", "", seconds(measure(wide, bench.env, bench.cwd).wall_s), "", "")


def _repository(bench: Bench, name: str, count: int, size: int) -> Path:
    folder = bench.folder / name
    folder.mkdir()
    measure([bench.python, "files.py", folder, str(count), str(size)], bench.env, bench.cwd)
    return folder


def _pack(bench: Bench, tree: Path, store: str) -> Packed:
    done = measure([bench.python, "pack.py", tree, bench.folder / store], bench.env, bench.cwd)
    return Packed(**json.loads(done.output))
