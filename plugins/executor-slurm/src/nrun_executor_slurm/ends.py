"""What is looked for when a job has failed, and nodes are to blame for it or not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import attrs

from nrun import BackendError, Cause, State
from nrun_executor_slurm.names import folder_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nrun.model import Handle, Observation
    from nrun_executor_slurm.cluster import Cluster

AVOIDED_S = 3600
"""How long jobs keep away from a node that is to blame for a failure."""


async def explained(cluster: Cluster, seen: Mapping[Handle, Observation]) -> dict[Handle, Observation]:
    """The observations, where some are of failures with what the folders of these tell; nodes to blame are noted.

    What cannot be asked is left out: a failure is one without it.
    """
    found = dict(seen)
    failed = {folder_of(handle.tag): handle for handle, one in seen.items() if one.state is State.FAILED}
    try:
        told = await cluster.program("explain.sh", lines=failed)
        for line in told.splitlines():
            folder, _, rest = line.partition("\t")
            what, _, words = rest.partition("\t")
            if (handle := failed.get(folder)) is not None:
                found[handle] = _because(found[handle], what, words)
        blamed = {handle: one for handle in failed.values() if _is_of_nodes(one := found[handle])}
        if blamed:
            lines = [f"{AVOIDED_S}\t{','.join(one.nodes)}\t{one.reason}" for one in blamed.values()]
            avoided = {node for _, node, _ in noted(await cluster.program("nodes.sh", "note", lines=lines))}
            for handle, one in blamed.items():
                if names := sorted(avoided.intersection(one.nodes)):
                    until = time.strftime("%H:%M", time.localtime(time.time() + AVOIDED_S))
                    which = "it" if len(one.nodes) == 1 else ", ".join(names)
                    reason = f"{one.reason} (jobs keep away from {which} until {until})"
                    found[handle] = attrs.evolve(one, reason=reason)
    except BackendError:
        return found
    return found


def noted(told: str) -> Sequence[tuple[float, str, str]]:
    """What `nodes.sh` says: until when, which node, why."""
    lines = [line.split("\t", 2) for line in told.splitlines()]
    return [(float(one[0]), one[1], one[2]) for one in lines if len(one) == 3 and one[0].isdigit()]  # noqa: PLR2004


def _because(one: Observation, what: str, words: str) -> Observation:
    if one.cause not in {None, Cause.INFRASTRUCTURE}:
        return one
    if what == "memory":
        return attrs.evolve(one, cause=Cause.OUT_OF_MEMORY, reason=words)
    return attrs.evolve(one, cause=Cause.INFRASTRUCTURE, reason=f"the disk of its folder is full: {words}", nodes=())


def _is_of_nodes(one: Observation) -> bool:
    """Whether its nodes are to blame. Where one of many may be, only Slurm can say which."""
    return one.cause is Cause.NODE_FAILURE or (one.cause is Cause.INFRASTRUCTURE and len(one.nodes) == 1)
