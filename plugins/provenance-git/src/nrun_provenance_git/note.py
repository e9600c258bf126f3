"""Has the commit, its branch and remote, and the patch written into the record by a process that nobody waits for."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "provenance"
_SCRIPT = r"""
cd "$1" && root=$(git rev-parse --show-toplevel) && commit=$(git rev-parse HEAD) || exit 0
branch=$(git rev-parse --abbrev-ref HEAD)
remote=$(git config "branch.$branch.remote") || remote=origin
url=$(git config "remote.$remote.url") || url=$(git config "remote.$(git remote | head -n 1).url")
case $url in  # without user, password, token
    ssh://* | *+ssh://* | ssh+*://*) url=$(printf '%s\n' "$url" | sed 's#^\([^/]*//[^/:@]*\):[^/]*@#\1@#') ;;
    *://*) url=$(printf '%s\n' "$url" | sed 's#^\([^/]*//\)[^/]*@#\1#; s#[?].*##') ;;
    *) url=$(printf '%s\n' "$url" | sed 's#^\([^/:@]*\):[^/:@]*@\([^/:]*:\)#\1@\2#') ;;
esac
case $branch in *[\"\\]*) branch="" ;; esac
case $url in *[\"\\[:cntrl:]]*) url="" ;; esac
cd "$root" && git diff --binary HEAD > "$2/git.patch" || exit 0
untracked=$(git ls-files --others --exclude-standard | wc -l)
patch=$(git hash-object "$2/git.patch")
if test -s "$2/git.patch"; then file='{"file": "git.patch"}'; else file=null; rm -f "$2/git.patch"; fi
printf '{"commit": "%s", "branch": "%s", "remote": "%s", "patch": %s, "patch_id": "%s", "untracked_files": %d}\n' \
    "$commit" "$branch" "$url" "$file" "$patch" "$untracked" > "$2/.git.json.tmp"
mv "$2/.git.json.tmp" "$2/git.json"
"""


def note(folder: Path) -> None:
    """Start it for the experiment in `folder`; nothing if that has been done. Without git it ends at once.

    It must not slow the launch: it is as nice as can be, and the shell that starts it leaves it behind.
    """
    place = folder / FOLDER
    place.mkdir(mode=0o700, exist_ok=True)
    beside = place / ".git.json.tmp"
    if beside.exists() or (place / "git.json").exists():
        return
    beside.touch(mode=0o600)
    cwd = json.loads((folder / "experiment.json").read_bytes())["surroundings"]["cwd"]
    shell = os.posix_spawn(
        "/bin/sh",
        ["sh", "-c", 'umask 077; nice -n 19 sh -c "$0" sh "$1" "$2" &', _SCRIPT, cwd, str(place)],
        os.environ | {"GIT_OPTIONAL_LOCKS": "0"},  # it must not stand in the way of the user's own commands
        setsid=True,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
    os.waitpid(shell, 0)
