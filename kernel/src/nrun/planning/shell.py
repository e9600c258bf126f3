"""`launch.sh`: how the commands of a job become a plain POSIX shell script. Pure.

The script is started as `sh …/attempt-N/launch.sh`, finds everything beside itself, and leaves two
markers: `start.json` (who runs, where) and `exit.json` (how it ended), each one line written at once; when
they were written is the time of the file.
It starts no process but the job's own, so it costs next to nothing, and it can be run by hand.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

from nrun.model import JobPath, Worker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nrun.model import Command, Launch, Word
    from nrun.secret import Secret, SecretValue

LAUNCH_FILE = "launch.sh"
SECRETS_FILE = "secrets"
_SHELL_NAME = re.compile(r"(?!BASH|NRUN_JOB_)[A-Za-z_][A-Za-z0-9_]*")
_SHELLS_OWN = frozenset(
    {
        *("_", "DIRSTACK", "EPOCHREALTIME", "EPOCHSECONDS", "EUID", "FUNCNAME", "GROUPS", "HISTCMD", "LINENO"),
        *("OPTIND", "PPID", "RANDOM", "SECONDS", "SHELLOPTS", "SRANDOM", "UID"),
    }
)
"""Variables that some shell does not let anyone set, or changes when they are set."""

# What the job sees of its own folder and how that is written, before anything of the user's.
_HEAD = """\
#!/bin/sh
# nrun: {what}
case $0 in /*) NRUN_JOB_DIR=$0 ;; *) NRUN_JOB_DIR=$PWD/$0 ;; esac
NRUN_JOB_DIR=${{NRUN_JOB_DIR%/*}}
export NRUN_JOB_DIR NRUN_JOB_NAME={job}
exec </dev/null >>"$NRUN_JOB_DIR/out.log" 2>>"$NRUN_JOB_DIR/err.log"
_nrun_stop='' _nrun_boot='' _nrun_host=''
trap '_nrun_stop=INT' INT
trap '_nrun_stop=TERM' TERM
trap '_nrun_stop=HUP' HUP
if [ -r /proc/sys/kernel/random/boot_id ]; then
    read -r _nrun_boot </proc/sys/kernel/random/boot_id
    read -r _nrun_host </proc/sys/kernel/hostname
fi
case $_nrun_host in *[!A-Za-z0-9._-]*) _nrun_host='' ;; esac
case $NRUN_JOB_DIR in
    */attempt-1 | */task-*) ;;
    */attempt-*) export NRUN_PREVIOUS_ATTEMPT_DIR="${{NRUN_JOB_DIR%-*}}-$((${{NRUN_JOB_DIR##*-}} - 1))" ;;
esac
# The room for the last word is taken now: at the end the disk may be full.
printf '%64s' '' >"$NRUN_JOB_DIR/exit.json" || exit 74
printf '{{"pid":%d,"boot":"%s","host":"%s"}}\\n' \\
    "$$" "$_nrun_boot" "$_nrun_host" >"$NRUN_JOB_DIR/start.json" || exit 74
"""

_TAIL = """\
printf '{"exit_code":%d,"stop":"%s"}\\n' \\
    "$_nrun_code" "$_nrun_stop" 1<>"$NRUN_JOB_DIR/exit.json"
exit "$_nrun_code"
"""

_READ_SECRETS = """\
    if [ -r "$NRUN_JOB_DIR/secrets" ]; then
        # shellcheck source=/dev/null
        . "$NRUN_JOB_DIR/secrets"
        rm -f "$NRUN_JOB_DIR/secrets" || exit 73
    fi
"""

# A group: the first task that fails has the others stopped, and after a while killed. Every task keeps its own
# folder and markers; the group as a whole ends with the code of the first task that failed by itself.
_GROUP = """\
_nrun_group=''
[ ! -r "/proc/$$/stat" ] || read -r _ _ _ _ _nrun_group _ <"/proc/$$/stat"
if [ -n "$_nrun_group" ] && [ "$_nrun_group" != "$$" ] && command -v setsid >/dev/null; then
    exec setsid sh "$NRUN_JOB_DIR/launch.sh" # the tasks are stopped through a process group of their own
fi
_nrun_failed='' _nrun_late='' _nrun_code=0
_nrun_all() {{
    [ "$_nrun_group" != "$$" ] || kill "$1" 0
}}
_nrun_fail() {{
    [ -z "$_nrun_failed" ] || return 0
    _nrun_failed=1
    _nrun_all -TERM
    # No child of this shell, which waits for all of its children.
    ( (trap '' TERM; while sleep {grace_s} && kill -USR2 "$$"; do :; done) & )
}}
_nrun_task() {{
    trap '_nrun_stop=TERM' TERM INT HUP
    _nrun_code=143
    [ -n "$_nrun_stop" ] || {{ sh "$NRUN_JOB_DIR/$1/launch.sh"; _nrun_code=$?; }}
    [ "$_nrun_code" -eq 0 ] || kill -USR1 "$$"
    exit "$_nrun_code"
}}
trap _nrun_fail USR1
trap '_nrun_late=1' USR2
trap '[ -n "$_nrun_failed" ] || _nrun_stop=TERM' TERM
for _nrun_name in {folders}; do
    [ -z "$_nrun_failed$_nrun_stop" ] || break
    _nrun_task "$_nrun_name" &
done
until wait; do # a signal cuts it short
    [ -z "$_nrun_late" ] || break
done
for _nrun_name in {folders}; do
    _nrun_one=143 _nrun_line=''
    [ ! -r "$NRUN_JOB_DIR/$_nrun_name/exit.json" ] || read -r _nrun_line <"$NRUN_JOB_DIR/$_nrun_name/exit.json"
    case $_nrun_line in
        '{{"exit_code":'*) _nrun_one=${{_nrun_line#*:}}; _nrun_one=${{_nrun_one%%,*}} ;;
    esac
    case $_nrun_code/$_nrun_one in
        0/* | 143/[!0]*) _nrun_code=$_nrun_one ;;
    esac
done
[ -z "$_nrun_failed" ] || [ "$_nrun_code" -ne 0 ] || _nrun_code=143
"""
_GROUP_TAIL = """\
printf '{"exit_code":%d,"stop":"%s"}\\n' \\
    "$_nrun_code" "$_nrun_stop" 1<>"$NRUN_JOB_DIR/exit.json"
[ -z "$_nrun_failed" ] || _nrun_all -KILL
exit "$_nrun_code"
"""
GROUP_GRACE_S = 10
"""How long the tasks of a failed group may take to stop, in seconds."""


def launch_files(launch: Launch) -> dict[str, str]:
    """The text files of an attempt's folder: `launch.sh` and what its commands need, by relative path."""
    if len(launch.commands) == 1:
        return _task_files(launch.commands[0], launch, "", "")
    folders = task_folders(launch)
    files = {LAUNCH_FILE: _group_script(launch, folders)}
    for folder, command in zip(folders, launch.commands, strict=True):
        files |= {f"{folder}/{name}": text for name, text in _task_files(command, launch, folder, "../").items()}
    return files


def task_folders(launch: Launch) -> list[str]:
    """The folder of each command in that of the attempt: the tasks of a group have their own."""
    return [f"task-{index}" for index in range(len(launch.commands))] if len(launch.commands) > 1 else [""]


def _group_script(launch: Launch, folders: list[str]) -> str:
    what = f"job {_shown(launch.job)} of {_shown(launch.experiment)}: {len(folders)} tasks side by side"
    head = _HEAD.format(what=what, job=shlex.quote(launch.job))
    return head + _GROUP.format(grace_s=GROUP_GRACE_S, folders=" ".join(folders)) + _GROUP_TAIL


def _task_files(command: Command, launch: Launch, folder: str, up: str) -> dict[str, str]:
    what = f"{folder} of job {_shown(launch.job)}" if folder else f"job {_shown(launch.job)}"
    head = _HEAD.format(what=f"{what} of {_shown(launch.experiment)}", job=shlex.quote(launch.job))
    odd = {name: value for name, value in command.env.items() if not exportable(name)}
    lines = ['    [ -z "$_nrun_stop" ] || exit 143', f"    cd {word_of(command.cwd, up)} || exit 72"]
    if command.secrets:
        lines += _secret_lines(command.secrets)
    for name, value in command.env.items():
        if name not in odd:
            lines.append(f"    export {name}={shlex.quote(value)}")
    words = [word_of(word, up) for word in command.argv]
    if odd:
        words = ["env", "--", *(shlex.quote(f"{name}={value}") for name, value in odd.items()), *words]
    lines.append("    exec " + " ".join(words))
    body = "(\n" + "\n".join(lines) + "\n)\n_nrun_code=$?\n"
    return {LAUNCH_FILE: head + body + _TAIL, **command.files}


def _secret_lines(secrets: Mapping[str, Secret]) -> list[str]:
    """Take in what lies in a file of its own, which is gone before the command starts; there may be other ways."""
    lines = _READ_SECRETS.splitlines()
    for name, secret in secrets.items():
        lines.append(f"    # {_shown(str(secret))}")
        lines.append(f'    export {name}="${{{name}?this secret was not handed over}}"')
    return [*lines, f"    export NRUN_SECRETS='{' '.join(secrets)}'"]


def secret_files(secrets: Mapping[str, Mapping[str, SecretValue]]) -> dict[str, str]:
    """The files from which `launch.sh` takes the secrets of an attempt, by their path in its folder.

    They are for its owner alone (mode 0600) and written just before the job starts; `launch.sh` removes them.
    """
    return {
        f"{folder}/{SECRETS_FILE}".lstrip("/"): "".join(
            f"{name}={shlex.quote(value.reveal())}\n" for name, value in values.items()
        )
        for folder, values in secrets.items()
    }


def exportable(name: str) -> bool:
    """Whether every shell can set and export a variable of that name, and our own words do not need it."""
    return bool(_SHELL_NAME.fullmatch(name)) and name not in _SHELLS_OWN


def word_of(word: Word, up: str = "") -> str:
    """One word of a command as the shell must read it. `up` leads from a task's folder to its attempt's."""
    if isinstance(word, Worker):
        return f'"$NRUN_JOB_DIR/{up}../../..{"" if word.folder else "/worker.py"}"'
    if isinstance(word, JobPath):
        return '"$NRUN_JOB_DIR"/' + shlex.quote(word.name)
    return shlex.quote(word) if isinstance(word, str) else word.quoted(lambda part: word_of(part, up))


def _shown(name: str) -> str:
    """A name in a comment: on one line, whatever it contains."""
    return json.dumps(name)
