"""Takes secrets from files that nobody else can read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from nrun.errors import UsageError

MOST_BYTES = 64 * 1024
"""A value has to fit into the environment of a process."""


def resolve(name: str) -> str:
    """The text of a file without the end of its last line; `~` is the home folder.

    Raises UsageError if it cannot be read, is empty or too large, or if it is not in the hands of this user alone.
    """
    path = Path(name).expanduser()
    if not path.is_absolute():
        msg = f"the file {name!r} is not named by an absolute path"
        raise UsageError(
            msg, hint="a secret is looked up wherever the job is submitted from: write file:/… or file:~/…"
        )
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not hold us up
        try:
            _check(os.fstat(descriptor), path)
            data = os.read(descriptor, MOST_BYTES + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise UsageError(msg, hint="write the value into it, with mode 600") from error
    if len(data) > MOST_BYTES:
        msg = f"{path} has more than {MOST_BYTES} bytes"
        raise UsageError(msg, hint="name a file that holds nothing but the value")
    value = data.decode("utf-8", "surrogateescape").removesuffix("\n").removesuffix("\r")
    if not value:
        msg = f"{path} is empty"
        raise UsageError(msg, hint="write the value into it")
    return value


def _check(status: os.stat_result, path: Path) -> None:
    """Raise UsageError unless it is a file that is in the hands of this user alone."""
    if not stat.S_ISREG(status.st_mode):
        msg = f"{path} is no file"
        raise UsageError(msg)
    if status.st_uid not in {os.getuid(), 0}:
        msg = f"{path} belongs to somebody else"
        raise UsageError(msg, hint="copy it to a file of your own, with mode 600")
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        msg = f"others may use {path}: its mode is {stat.S_IMODE(status.st_mode):o}"
        raise UsageError(msg, hint=f"chmod 600 {path}; and if they may have read it, have a new value made")
