"""Sends a bundle to a store that another process keeps: `python sent.py ID STORE OTHER`; prints the bytes it took."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from nrun.model import Bundle
from nrun.packaging.send import RECEIVER, send


class Piped:
    """What is talked to over its pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def write(self, data: bytes) -> None:
        self._process.stdin.write(data)
        await self._process.stdin.drain()

    async def readline(self) -> bytes:
        return await self._process.stdout.readline()


async def main() -> None:
    bundle, store, other = sys.argv[1:]
    receiver = [sys.executable, RECEIVER[0], other]
    process = await asyncio.create_subprocess_exec(*receiver, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    print(await send([Bundle(bundle, Path(store))], Piped(process)))
    process.stdin.close()
    await process.wait()


if __name__ == "__main__":
    asyncio.run(main())
