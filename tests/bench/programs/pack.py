"""Packs a repository: `python pack.py FOLDER STORE`; prints seconds from the first step to the bundle, and its id."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

import nrun
from nrun.packaging import pack_bundle
from nrun.plugins import installed


def peak() -> int:
    """Bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    folder, store = Path(sys.argv[1]), Path(sys.argv[2])
    packager = nrun.GitArchivePackager(max_size=None)
    hooks = installed()
    before = peak()

    async def packed() -> str:
        return (await pack_bundle(packager, folder, store, hooks)).id

    begun = time.perf_counter()
    bundle = asyncio.run(packed())
    took_s = time.perf_counter() - begun
    manifest = (store / f"{bundle}.manifest").stat().st_size
    print(json.dumps({"s": took_s, "bundle": bundle, "beyond_manifest": peak() - before - manifest}))


if __name__ == "__main__":
    main()
