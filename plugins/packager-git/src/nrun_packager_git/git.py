"""Asks git."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nrun.errors import PackagingError

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncGenerator, Coroutine

DEADLINE_S = 300.0
"""For one question. File systems over a network are slow; what takes longer hangs."""
PIECE = 1 << 20
_ELSEWHERE = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"}
"""The folder alone says which repository is asked. Hooks of git have these, and they are wrong in submodules."""


class GitError(PackagingError):
    """git refused."""


async def ask(folder: Path, *words: str) -> str:
    """What git says in a folder, with names as Python has them. Raises as `ask_raw`."""
    return os.fsdecode(await ask_raw(folder, *words))


async def ask_raw(folder: Path, *words: str) -> bytes:
    """What git says in a folder. Raises PackagingError; GitError with its own words."""
    async with started(folder, *words) as process:
        said, complaint = await process.communicate()
        check(process, complaint, words)
    return said


def check(process: Process, complaint: bytes, words: tuple[str, ...]) -> None:
    """Raise GitError if git has failed."""
    if process.returncode:
        why = complaint.decode("utf-8", "replace").strip() or f"it exited with {process.returncode}"
        raise GitError(f"git {words[0]} failed: {why.removeprefix('fatal: ')}")


@contextlib.asynccontextmanager
async def started(
    folder: Path, *words: str, stdin: int | IO[bytes] = asyncio.subprocess.DEVNULL
) -> AsyncGenerator[Process, None]:
    """A process of git, which is gone when this is left. Raises PackagingError if there is no git, or if it hangs."""
    env = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    env |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            "git", *words, cwd=folder, env=env, stdin=stdin, stdout=pipe, stderr=pipe, limit=PIECE
        )
    except FileNotFoundError as error:
        msg = "git is not installed"
        raise PackagingError(msg, hint="install it, or ship files by their names with PatternPackager") from error
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield process
    except TimeoutError as error:
        msg = f"git {words[0]} has not ended within {DEADLINE_S:g} s in {folder}"
        raise PackagingError(msg, hint="does `git status` answer there?") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def together(*work: Coroutine[Any, Any, bytes]) -> list[bytes]:
    """The answers to several questions, asked at once. If one fails, the others are stopped."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def listed(said: str | bytes) -> list[str]:
    """What git lists with `-z`."""
    return os.fsdecode(said).split("\0")[:-1]


async def top_of(folder: Path) -> Path:
    """The top of the working tree that a folder is in. Raises PackagingError if there is none."""
    if not folder.is_dir():
        msg = f"there is no folder {folder}"
        raise PackagingError(msg, hint="set basepath to a folder of a git repository")
    if (folder / ".git").exists():
        return folder
    try:
        return Path((await ask(folder, "rev-parse", "--show-toplevel")).removesuffix("\n"))
    except GitError as error:
        if "not a git repository" not in error.message:
            raise
        msg = f"{folder} is not in a git repository"
        hint = "run `git init`, set basepath, or ship files by their names with PatternPackager"
        raise PackagingError(msg, hint=hint) from error
