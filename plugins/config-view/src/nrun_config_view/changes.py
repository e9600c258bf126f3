"""Changes of a tree, as data, and how they are carried out."""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import copy
import operator
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import attrs

from nrun.config.checks import checks_values
from nrun.config.node import put, remove, set_tags
from nrun.config.origin import Origin
from nrun.config.paths import edited, get_at, holder_of, set_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nrun.config.paths import Path

T = TypeVar("T")
Kind = Literal["set", "unset", "change", "retarget", "insert", "remove", "move", "share", "unshare", "retag"]


@attrs.frozen
class Change:
    """One step on the way from a tree to another. The steps follow one another: a path is one of that moment.

    | kind | what happens at `path` |
    |---|---|
    | `set`, `unset` | an argument or key gets the value `new`; it loses the value `old` |
    | `change` | the value `old` becomes `new` |
    | `retarget` | the node calls `new` instead of `old`; arguments are `kept`, `dropped` and `added` |
    | `insert`, `remove` | an element comes in before the one that is there; the one that is there goes |
    | `move` | the element `old` comes from `source`, another index of the same list |
    | `share` | what is there becomes the node that is also at `source` |
    | `unshare` | the node there, `old`, which is also elsewhere, becomes one of its own: `new` |
    | `retag` | the argument was given the tags `new` instead of `old` |

    An `insert` with a `source` inserts the node that is there too. What is shared is left out of `new`: a `share` or
    an `insert` for each such place comes after.
    """

    kind: Kind
    path: Path
    old: Any = None
    new: Any = None
    source: Path | None = None
    kept: tuple[str | int, ...] = ()
    dropped: tuple[str | int, ...] = ()
    added: tuple[str | int, ...] = ()


_ORIGIN = Origin("code", note="a change that was applied")


def apply(root: T, changes: Iterable[Change]) -> T:
    """A tree like `root` after `changes`. Raises ConfigError for a change of what is not there."""
    root = copy.deepcopy(root)
    token = checks_values.set(False)  # on the way from one tree to another not every step need fit its annotation
    try:
        for change in changes:
            root = _changed(root, change)
    finally:
        checks_values.reset(token)
    return root


def _changed(root: Any, change: Change) -> Any:
    path, kind = change.path, change.kind
    if kind == "retarget":
        node = get_at(root, path)
        for name in change.dropped:
            remove(node, name, _ORIGIN)
        object.__setattr__(node, "__nrun_target__", change.new)  # in place, for the node may be shared
        return root
    if kind == "retag":
        node, name, _ = holder_of(root, path)
        others = {pair for pair in node.__nrun_tags__ or () if pair[0] != name}
        set_tags(node, frozenset({*others, *((name, tag) for tag in change.new)}) or None)
        return root
    if kind in ("unset", "remove"):
        delete_at(root, path)
        return root
    value = copy.deepcopy(change.new) if change.source is None else get_at(root, change.source)
    if kind == "move" and change.source is not None:
        delete_at(root, change.source)
    if kind in ("insert", "move"):
        _insert(root, path, value)
    elif path:
        set_at(root, path, value, _ORIGIN)
    else:
        return value
    return root


def _insert(root: Any, path: Path, value: Any) -> None:
    sequence, index = get_at(root, path[:-1]), path[-1]
    set_at(root, path[:-1], type(sequence)((*sequence[:index], value, *sequence[index:])), _ORIGIN)


def delete_at(root: Any, path: Path) -> None:
    """Unset the argument, or remove the element or key, at a path. Raises ConfigError when there is none."""
    node, name, inside = holder_of(root, path)
    if inside:
        get_at(root, path)  # it must be there
        put(node, name, edited(node[name], inside, path, operator.delitem), _ORIGIN)
    else:
        remove(node, name, _ORIGIN)
