"""The Pythons of this machine: what runs inside jobs and on other hosts must run on all of them."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import sys
from pathlib import Path


@functools.cache
def interpreters() -> list[str]:
    """Every Python from 3.8 on that is found here and starts, one of each version."""
    oldest = 8
    found = {f"3.{sys.version_info.minor}": sys.executable}
    candidates = [
        *sorted(map(str, Path.home().glob(".pyenv/versions/3.*/bin/python"))),
        *filter(None, (shutil.which(f"python3.{minor}") for minor in range(oldest, 16))),
    ]
    for candidate in candidates:
        number = re.search(r"3\.(\d+)", candidate)
        if not number or int(number[1]) < oldest or f"3.{number[1]}" in found:
            continue
        told = subprocess.run([candidate, "-V"], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 - found on the path
        if told.stdout.startswith(f"Python 3.{number[1]}."):
            found[f"3.{number[1]}"] = candidate
    return [found[version] for version in sorted(found, key=lambda text: int(text[2:]))]
