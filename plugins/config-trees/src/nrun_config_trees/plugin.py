"""What this distribution provides, declared without importing it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from nrun import NameSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAMES = {
    "add_tag": "Tag an argument",
    "remove_tag": "Take a tag away that an argument was given",
    "tags_of": "The tags of an argument",
    "set_tagged": "Set all arguments that carry a tag",
    "identical": "Whether two trees are equal and tagged alike",
    "no_trail": "Make and edit trees without noting which code does it",
    "unshare": "Put a private copy of a node in the place of a shared one",
    "cfg_with": "A tree with other values at some paths, of which only the way there is copied",
    "unchecked": "Set values that do not fit their annotations",
    "pinned": "A tree with its defaults set, which means the same when they have changed",
    "retarget": "Let a node call something else, with the arguments that both take",
}


@hookimpl
def nrun_names() -> Iterable[NameSpec]:
    """Each of them is a function of `nrun_config_trees.trees`."""
    for name, summary in _NAMES.items():
        yield NameSpec(name=name, summary=summary, load=functools.partial(_load, name))


def _load(name: str) -> object:
    from nrun_config_trees import trees

    return getattr(trees, name)
