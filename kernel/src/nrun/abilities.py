"""What some backends can do beyond `Backend`: whoever needs it asks with `isinstance`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from nrun.model import Handle


@runtime_checkable
class BringsOutputs(Protocol):
    """Its jobs leave declared outputs elsewhere, and it brings them."""

    async def fetch_outputs(self, handle: Handle, patterns: Sequence[str], source: str) -> None:
        """Have what `patterns` name below `source` among the artifacts of an ended attempt: all whole, or nothing."""
        ...


@runtime_checkable
class Preempts(Protocol):
    """Its jobs may have to give their place up, which can be rehearsed."""

    async def preempt(self, handles: Collection[Handle]) -> Mapping[Handle, str]:
        """Have running jobs save, end and be queued again. Returns why not, for those where it was not done."""
        ...


@runtime_checkable
class AvoidsNodes(Protocol):
    """Its jobs keep away for a while from nodes that are to blame for failures."""

    async def avoided_nodes(self, forget: Collection[str] | None) -> Sequence[tuple[float, str, str]]:
        """Until when (seconds since the epoch), which node, and why; those to `forget` first, all if that is empty."""
        ...
