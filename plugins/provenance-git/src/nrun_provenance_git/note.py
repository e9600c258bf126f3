"""Has the commit and the patch written into the record by a process of its own, which nobody waits for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "provenance"
_SCRIPT = r"""
cd "$1" && root=$(git rev-parse --show-toplevel) && commit=$(git rev-parse HEAD) || exit 0
branch=$(git rev-parse --abbrev-ref HEAD)
case $branch in *[\"\\]*) branch="" ;; esac
cd "$root" && git diff --binary HEAD > "$2/git.patch" || exit 0
untracked=$(git ls-files --others --exclude-standard | wc -l)
patch=$(git hash-object "$2/git.patch")
if test -s "$2/git.patch"; then file='{"file": "git.patch"}'; else file=null; rm -f "$2/git.patch"; fi
printf '{"commit": "%s", "branch": "%s", "patch": %s, "patch_id": "%s", "untracked_files": %d}\n' \
    "$commit" "$branch" "$file" "$patch" "$untracked" > "$2/.git.json.tmp"
mv "$2/.git.json.tmp" "$2/git.json"
"""


def note(folder: Path) -> None:
    """Start it for the experiment in `folder`; nothing if that has been done, or there is no git."""
    place = folder / FOLDER
    if shutil.which("git") is None or place.exists():
        return
    cwd = json.loads((folder / "experiment.json").read_bytes())["surroundings"]["cwd"]
    place.mkdir(mode=0o700)
    subprocess.run(  # noqa: S603 - fixed words; the inner shell goes on by itself
        ["/bin/sh", "-c", 'umask 077; sh -c "$0" sh "$1" "$2" &', _SCRIPT, cwd, str(place)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"},  # it must not stand in the way of the user's own commands
        check=False,
    )
