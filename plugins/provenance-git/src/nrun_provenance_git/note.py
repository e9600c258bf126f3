"""Has the commit, its branch and remote, and the patch written into the record by a process that nobody waits for."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable

FOLDER = "provenance"
_UNDERWAY, _NONE = ".git.json.tmp", ".git.none"
_MOST_S = 4.0
_SCRIPT = r"""
there=$2 line='
'
none() { mv "$there/.git.json.tmp" "$there/.git.none"; rm -f "$there/git.patch"; exit; }
cd "$1" && told=$(git rev-parse --show-toplevel HEAD --abbrev-ref HEAD) || none
branch=${told##*"$line"} told=${told%"$line"*}
commit=${told##*"$line"}
cd "${told%"$line"*}" || none
git diff --binary HEAD > "$there/git.patch" &
diff=$!
remote=$(git config "branch.$branch.remote") || remote=origin
url=$(git config "remote.$remote.url") || url=$(git config "remote.$(git remote | head -n 1).url")
case $url in  # without user, password, token
    ssh://* | *+ssh://* | ssh+*://*) url=$(printf '%s\n' "$url" | sed 's#^\([^/]*//[^/:@]*\):[^/]*@#\1@#') ;;
    *://*) url=$(printf '%s\n' "$url" | sed 's#^\([^/]*//\)[^/]*@#\1#; s#[?].*##') ;;
    *@*) url=$(printf '%s\n' "$url" | sed 's#^\([^/:@]*\):[^/:@]*@\([^/:]*:\)#\1@\2#') ;;
esac
case $branch in *[\"\\]*) branch="" ;; esac
case $url in *[\"\\[:cntrl:]]*) url="" ;; esac
untracked=$(git ls-files --others --exclude-standard | wc -l)
wait "$diff" || none
patch=$(git hash-object "$there/git.patch")
if test -s "$there/git.patch"; then file='{"file": "git.patch"}'; else file=null; rm -f "$there/git.patch"; fi
printf '{"commit": "%s", "branch": "%s", "remote": "%s", "patch": %s, "patch_id": "%s", "untracked_files": %d}\n' \
    "$commit" "$branch" "$url" "$file" "$patch" "$untracked" > "$there/.git.json.tmp"
mv "$there/.git.json.tmp" "$there/git.json"
"""


def note(folder: Path) -> None:
    """Start it for the experiment in `folder`; nothing if that has been done, or if nothing there is a repository.

    It does not slow the launch: the shell that starts it leaves it behind. So it comes to its end whatever becomes of
    the process that launches.
    """
    place = folder / FOLDER
    if any((place / name).exists() for name in (_UNDERWAY, _NONE, "git.json")):
        return
    cwd = json.loads((folder / "experiment.json").read_bytes())["surroundings"]["cwd"]
    if "GIT_DIR" not in os.environ and not any(os.path.lexists(f"{above}/.git") for above in (cwd, *Path(cwd).parents)):
        return
    place.mkdir(mode=0o700, exist_ok=True)
    (place / _UNDERWAY).touch(mode=0o600)
    shell = os.posix_spawn(
        "/bin/sh",
        ["sh", "-c", 'umask 077; sh -c "$0" sh "$1" "$2" &', _SCRIPT, cwd, str(place)],
        os.environ | {"GIT_OPTIONAL_LOCKS": "0"},  # it must not stand in the way of the user's own commands
        setsid=True,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
    os.waitpid(shell, 0)


def noted(folder: Path) -> Awaitable[None] | None:
    """Wait until it is in the record, if it is underway, but not for ever: it comes to its end without anybody."""
    return _noted(folder / FOLDER / _UNDERWAY) if (folder / FOLDER / _UNDERWAY).exists() else None


async def _noted(underway: Path) -> None:
    until = time.monotonic() + _MOST_S
    while underway.exists() and time.monotonic() < until:  # noqa: ASYNC110 - another process does it
        await asyncio.sleep(0.005)
