"""The program that makes the pictures of the documentation works, and the pictures show what it draws."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


def words_in(file: Path) -> str:
    return file.read_text("utf-8").replace("&#160;", " ")


def test_the_picture_of_the_live_view_can_be_made_again(tmp_path):
    file = tmp_path / "live.svg"
    done = subprocess.run(
        [sys.executable, str(PICTURES / "make.py"), str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"NRUN_HOME": str(tmp_path / "home")},
    )
    assert done.returncode == 0, done.stderr
    for svg in (file, PICTURES / "live.svg"):
        text = words_in(svg)
        for word in ("language-model", "train-large", "RUNNING", "epoch", "exit code 3", "3 running"):
            assert word in text
