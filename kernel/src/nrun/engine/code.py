"""The code of one run: packed once by each packager, however many jobs and lanes want it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from nrun.model import Bundle
    from nrun.protocols import Packager


class Code:
    """Bundles made from the folder `source`, kept in the store under `home`."""

    def __init__(self, source: Path, home: Path) -> None:
        self._source = source
        self._home = home
        self._packed: list[tuple[Packager, asyncio.Task[Bundle]]] = []

    async def bundle(self, packager: Packager) -> Bundle:
        """What `packager` packs; equal packagers share it. Raises what packing raised."""
        for known, task in self._packed:
            if known == packager:
                return await asyncio.shield(task)
        from nrun.record.bundles import pack_bundle  # hashing and copying: few runs need them

        task = asyncio.create_task(pack_bundle(packager, self._source, self._home))
        self._packed.append((packager, task))
        return await asyncio.shield(task)
