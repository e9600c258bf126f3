"""An environment of its own with PyTorch for the CPU, for tests of what starts distributed programs."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "NRUN_TEST_TORCH"
RELEASE = "torch==2.13.0"
INSTALL_S = 240
ADDING = """
import sys

def total(more):
    import torch
    import torch.distributed as dist

    dist.init_process_group("gloo")
    tensor = torch.tensor([dist.get_rank() + more])
    dist.all_reduce(tensor)
    print("rank", dist.get_rank(), "of", dist.get_world_size(), "has", int(tensor))
    dist.destroy_process_group()
    return int(tensor)

if __name__ == "__main__":
    total(int(sys.argv[1]))
"""
"""A module whose processes find each other, and add what each of them has and a number that they are given."""


def interpreter(folder: Path) -> tuple[str, str]:
    """The interpreter that has PyTorch, and "" or why there is none.

    What the variable says: an interpreter that has it, or `install`. Then pip must have the release at hand, on disk:
    what it would download otherwise takes gigabytes.
    """
    wish = os.environ.get(VARIABLE, "")
    if wish != "install":
        return wish, "" if wish else f"set {VARIABLE} to a Python that has it, or to `install`"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=60)
    python = str(folder / "bin" / "python")
    if _pip(python, "install", "--dry-run", "--no-deps", "--no-index", RELEASE):
        return "", f"pip has {RELEASE} nowhere on disk"
    why = _pip(python, "install", "--quiet", RELEASE)
    return python, why and f"pip could not install {RELEASE}: {why[-500:]}"


def _pip(python: str, *words: str) -> str:
    """What pip says if it fails."""
    done = subprocess.run(
        [python, "-m", "pip", "--disable-pip-version-check", *words],
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
        check=False,
    )
    return done.stderr.strip() or "it failed" if done.returncode else ""
