"""The code of one run: packed once by each packager, at its start, however many jobs and lanes want it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from nrun.events import CodePacked
from nrun.record import bundles_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nrun.engine.ledger import Ledger
    from nrun.model import Bundle
    from nrun.plugins import Hooks
    from nrun.protocols import Executor, Packager


class Code:
    """Bundles made from the folder `source`, kept in the store of the record.

    `packed` has those that an earlier process packed, by the number of an executor: jobs that run later, or again,
    get the code that was there when the experiment was launched.
    """

    def __init__(
        self, hooks: Hooks, source: Path, executors: Sequence[Executor], ledger: Ledger, packed: Mapping[int, Bundle]
    ) -> None:
        self._hooks = hooks
        self._source = source
        self._executors = executors
        self._ledger = ledger
        self._ready = [(executors[number].packager, bundle) for number, bundle in packed.items()]
        self._packing: list[tuple[Packager, asyncio.Task[Bundle]]] = []

    def pack_all(self) -> None:
        """Begin to pack everything that any job ships, so that it is packed as it is now."""
        for number, executor in enumerate(self._executors):
            known = [*(one for one, _ in self._ready), *(one for one, _ in self._packing)]
            if executor.packager.ships and executor.packager not in known:
                self._packing.append((executor.packager, asyncio.create_task(self._pack(number, executor.packager))))

    async def bundle(self, packager: Packager) -> Bundle:
        """What `packager` packs; equal packagers share it. Raises what packing raised."""
        for known, bundle in self._ready:
            if known == packager:
                return bundle
        return await asyncio.shield(next(task for known, task in self._packing if known == packager))

    async def _pack(self, number: int, packager: Packager) -> Bundle:
        from nrun.packaging import pack_bundle  # hashing and copying: few runs need them

        store = bundles_folder(self._ledger.folder.home)
        async with self._ledger.underway("pack code") as progress:
            bundle = await pack_bundle(packager, self._source, store, self._hooks, progress)
        self._ledger.note([CodePacked(at=time.time(), executor=number, bundle=bundle.id)], durable=True)
        return bundle
