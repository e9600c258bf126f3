"""A tree of configurations to measure: ten in each, filled level by level, the same for every library."""

from __future__ import annotations

import dataclasses

WIDTH = 10


@dataclasses.dataclass
class Level5:
    v: int
    lr: float
    name: str


def above(name: str, below: type) -> type:
    """The class of the level above `below`: it has ten of those, each of which may be missing."""
    slots = [(f"c{slot}", below | None, None) for slot in range(WIDTH)]
    fields = [("v", int), ("lr", float), ("name", str), *slots]
    return dataclasses.make_dataclass(name, fields, namespace={"__module__": __name__})


Level4 = above("Level4", Level5)
Level3 = above("Level3", Level4)
Level2 = above("Level2", Level3)
Level1 = above("Level1", Level2)
Level0 = above("Level0", Level1)
LEVELS = (Level0, Level1, Level2, Level3, Level4, Level5)


def tree(config, nodes):
    """`nodes` configurations in one, each made by `config`: level by level, the last level as far as they go."""
    counts = []
    while nodes:
        counts.append(min(nodes, WIDTH ** len(counts)))
        nodes -= counts[-1]
    below = []
    for cls, count in reversed(list(zip(LEVELS, counts, strict=False))):
        groups = [below[at : at + WIDTH] for at in range(0, count * WIDTH, WIDTH)]
        below = [
            config(cls, v=v, lr=0.1, name="node", **{f"c{slot}": child for slot, child in enumerate(group)})
            for v, group in enumerate(groups)
        ]
    return below[0]
