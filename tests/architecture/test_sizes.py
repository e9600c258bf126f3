"""Small files, a small kernel: what cannot be read in one sitting is not understood."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KERNEL = ROOT / "kernel" / "src" / "nrun"
MOST_LINES_PER_FILE = 400
MOST_LINES_OF_CONFIG = 3500
MOST_LINES_OF_PACKAGING = 1220
MOST_LINES_OF_THE_OTHER_ROOMS = 10950
"""ADR 11 says why the kernel is held room by room, and what went into plugins instead."""
SOURCES = sorted(
    path
    for pattern in ("kernel/src", "plugins/*/src", "contrib/*/src")
    for folder in ROOT.glob(pattern)
    for path in folder.rglob("*.py")
)


def lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_can_be_read_in_one_sitting(path):
    assert lines(path) <= MOST_LINES_PER_FILE


def lines_in(pattern: str) -> int:
    return sum(map(lines, KERNEL.glob(pattern)))


def test_the_kernel_stays_small():
    config = lines_in("config/**/*.py")
    assert config <= MOST_LINES_OF_CONFIG
    packaging = lines_in("packaging/**/*.py")
    assert packaging <= MOST_LINES_OF_PACKAGING
    assert lines_in("**/*.py") - config - packaging <= MOST_LINES_OF_THE_OTHER_ROOMS
    assert config <= lines_in("**/*.py") / 2
