"""What has to change in one tree to make it another.

The two trees are walked side by side, depth first. A node of the new tree that stands opposite one of the old tree
becomes that node, edited; any other is made anew. It gets its place when it is first met, and every later place
shares it, so whatever a change refers to is in place and finished when its turn comes. A new place that is to hold a
node which is likely to come of an old one elsewhere waits for that.
"""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import copy
import functools
import inspect
from typing import TYPE_CHECKING, Any

from nrun.config.checks import effective_default
from nrun.config.compare import same
from nrun.config.node import new_node, set_arguments
from nrun.config.paths import Key
from nrun.config.values import is_special
from nrun_config_view.align import Contents, aligned, moves
from nrun_config_view.changes import Change
from nrun_config_view.nodes import holds_nodes, identity_of, is_node, shared_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nrun.config.node import Node
    from nrun.config.paths import Path, Step
    from nrun_config_view.changes import Kind

    Link = tuple["Link", Step] | None
    Inside = list[tuple[Link, Any, Any]]

_NOTHING = object()


def diff(ours: Any, theirs: Any, *, explicit: bool = False) -> tuple[Change, ...]:
    """The changes that make `theirs` of `ours`: to `apply` them gives a tree equal to `theirs`. Imports nothing.

    Setting an argument to its default is no change, unless `explicit`; of a target that is still a name no default
    is known. What holds no node, such as a list of numbers, changes as a whole; so does a sweep.
    """
    return Differ(ours, theirs, lambda mine, other: type(mine) is type(other), explicit=explicit).changes()


class Differ:
    """The walk over two trees; `can_become` says whether a node of the first may be edited into one of the second."""

    def __init__(self, ours: Any, theirs: Any, can_become: Callable[[Node, Node], bool], *, explicit: bool) -> None:
        self._roots = ours, theirs
        self._can_become = can_become
        self._explicit = explicit
        self._shared = shared_in(ours), shared_in(theirs)
        self._alignments: dict[tuple[int, int], list[int | None]] = {}
        self._changes: list[Change] = []
        self._places: dict[int, Link] = {}  # node of theirs -> where it is
        self._partners: dict[int, Node] = {}  # node of theirs -> the node of ours that becomes it
        self._taken: set[int] = set()  # nodes of ours that become one of theirs
        self._expected = self._expect()  # nodes of theirs that one of ours is likely to become
        self._late: list[tuple[Link, Node]] = []  # places that can wait until it has

    @functools.cached_property
    def _contents(self) -> Contents:
        return Contents(*self._roots)

    def changes(self) -> tuple[Change, ...]:
        """The changes, in order. To be called once."""
        todo: list[tuple[Link, Any, Any]] = [(None, *self._roots)]
        while todo:
            link, mine, other = todo.pop()
            if mine is _NOTHING:
                self._place("set", link, other)
            elif is_node(other):
                todo += reversed(self._node(link, mine, other))
            elif self._is_sequence(mine, other):
                todo += reversed(self._sequence(link, mine, other))
            elif self._is_mapping(mine, other):
                todo += reversed(self._mapping(link, mine, other))
            elif not same(mine, other):
                self._place("change", link, other, mine)
        self._expected.clear()
        for link, node in self._late:  # grows while nodes are met that were expected in vain
            self._place("set", link, node)
        return tuple(self._changes)

    # ---- who becomes whom

    def _expect(self) -> set[int]:
        """The nodes of theirs that stand opposite one of ours."""
        expected: set[int] = set()
        taken: set[int] = set()
        todo = [self._roots]
        while todo:
            mine, other = todo.pop()
            if is_node(mine) and is_node(other):
                if id(other) in expected or id(mine) in taken or not self._fits(mine, other):
                    continue
                expected.add(id(other))
                taken.add(id(mine))
                inside = _in_both(set_arguments(mine), set_arguments(other))
            elif self._is_sequence(mine, other):
                inside = self._in_both_sequences(mine, other)
            elif self._is_mapping(mine, other):
                inside = _in_both(mine, other)
            else:
                continue
            todo += [(before, after) for _, before, after in reversed(inside)]
        return expected

    def _fits(self, mine: Node, other: Node) -> bool:
        """Whether a node may become the one opposite. If it is shared and that is not, it is likely to be another."""
        parted = id(mine) in self._shared[0] and id(other) not in self._shared[1]
        return self._can_become(mine, other) and not (parted and self._contents.of(mine) != self._contents.of(other))

    def _is_sequence(self, mine: Any, other: Any) -> bool:
        return type(mine) is type(other) and isinstance(mine, list | tuple) and holds_nodes(mine, other)

    def _is_mapping(self, mine: Any, other: Any) -> bool:
        return type(mine) is dict and type(other) is dict and _same_key_types(mine, other)

    def _in_both_sequences(self, ours: Any, theirs: Any) -> list[tuple[Any, Any, Any]]:
        pairs = enumerate(self._aligned(ours, theirs))
        return [(index, ours[at], theirs[index]) for index, at in pairs if at is not None]

    def _aligned(self, ours: Any, theirs: Any) -> list[int | None]:
        key = id(ours), id(theirs)
        if key not in self._alignments:
            self._alignments[key] = aligned(ours, theirs, self._contents)
        return self._alignments[key]

    # ---- comparing: each gives what is to be compared next, inside

    def _node(self, link: Link, mine: Any, other: Node) -> Inside:
        if id(other) in self._places:
            if not is_node(mine) or mine is not self._partners.get(id(other)):
                self._place("share", link, other, mine)
        elif is_node(mine) and id(mine) not in self._taken and self._fits(mine, other):
            self._places[id(other)], self._partners[id(other)] = link, mine
            self._taken.add(id(mine))
            return self._arguments(link, mine, other)
        else:
            self._place("unshare" if id(mine) in self._shared[0] else "change", link, other, mine)
        return []

    def _arguments(self, link: Link, mine: Node, other: Node) -> Inside:
        ours, theirs = set_arguments(mine), set_arguments(other)
        targets = [other.__nrun_target__]
        if identity_of(mine.__nrun_target__) == identity_of(other.__nrun_target__):
            targets.append(mine.__nrun_target__)
        else:
            kept, dropped = (tuple(name for name in ours if (name in theirs) is stays) for stays in (True, False))
            added = tuple(name for name in theirs if name not in ours)
            self._change("retarget", link, mine.__nrun_target__, *targets, kept=kept, dropped=dropped, added=added)
            ours = {name: ours[name] for name in kept}
        target = next((target for target in targets if not isinstance(target, str)), None)
        for name, value in ours.items():
            if name not in theirs and not self._is_default(target, name, value):
                self._change("unset", (link, name), value)
        new = [name for name in theirs if name not in ours and not self._is_default(target, name, theirs[name])]
        return [
            *(((link, name), before, after) for name, before, after in _in_both(ours, theirs)),
            *(((link, name), _NOTHING, theirs[name]) for name in new),
        ]

    def _is_default(self, target: Any, name: str | int, value: Any) -> bool:
        if self._explicit or target is None or holds_nodes(value):
            return False
        default = effective_default(target, name)
        return default is not inspect.Parameter.empty and same(default, value)

    def _sequence(self, link: Link, ours: Any, theirs: Any) -> Inside:
        partners = self._aligned(ours, theirs)
        stay = [index for index in partners if index is not None]
        for index in sorted(set(range(len(ours))).difference(stay), reverse=True):
            self._change("remove", (link, index), ours[index])
        for at, start, end in moves(stay):
            self._change("move", (link, end), ours[at], source=(link, start))
        for index, partner in enumerate(partners):
            if partner is None:
                self._place("insert", (link, index), theirs[index])
        return [((link, index), before, after) for index, before, after in self._in_both_sequences(ours, theirs)]

    def _mapping(self, link: Link, ours: dict[Any, Any], theirs: dict[Any, Any]) -> Inside:
        for key, value in ours.items():
            if key not in theirs:
                self._change("unset", (link, Key(key)), value)
        return [
            *(((link, Key(key)), before, after) for key, before, after in _in_both(ours, theirs)),
            *(((link, Key(key)), _NOTHING, value) for key, value in theirs.items() if key not in ours),
        ]

    # ---- what is new

    def _place(self, kind: Kind, link: Link, value: Any, old: Any = None) -> None:
        """Have a value of theirs stand at a place where nothing can become it."""
        if id(value) in self._places:
            self._change("insert" if kind == "insert" else "share", link, old, source=self._places[id(value)])
            return
        if kind == "set" and id(value) in self._expected:
            self._late.append((link, value))
            return
        new, shared = self._copied(value, link)
        self._change(kind, link, old, new)
        for how, place, node in shared:
            self._change("insert" if how == "insert" else "share", place, source=self._places[id(node)])

    def _copied(self, value: Any, link: Link) -> tuple[Any, list[tuple[Kind, Link, Node]]]:
        """A copy without the nodes that have a place already, and where these are to be."""
        shared: list[tuple[Kind, Link, Node]] = []
        made: list[tuple[Link, Node, dict[str | int, Any]]] = []

        def kept(items: Iterable[tuple[Any, Any]], link: Link, kind: Kind, step: Callable[[Any], Step]) -> Any:
            copies = [(key, copied(item, (link, step(key)), kind)) for key, item in items]
            return [(key, item) for key, item in copies if item is not _NOTHING]

        def copied(value: Any, link: Link, kind: Kind) -> Any:
            if is_node(value):
                if id(value) in self._places:
                    shared.append((kind, link, value))
                    return _NOTHING
                if kind == "set" and id(value) in self._expected:
                    self._late.append((link, value))
                    return _NOTHING
                self._places[id(value)] = link
                arguments: dict[str | int, Any] = {}
                made.append((link, value, arguments))
                trail, tags = value.__nrun_trail__, value.__nrun_tags__
                return new_node(type(value), value.__nrun_target__, arguments, trail, tags)
            if isinstance(value, list | tuple):
                return type(value)(item for _, item in kept(enumerate(value), link, "insert", int))
            if isinstance(value, dict):
                return dict(kept(value.items(), link, "set", Key))
            return copy.deepcopy(value) if is_special(value) or isinstance(value, set) else value

        new = copied(value, link, "change")
        for place, node, arguments in made:  # grows while nodes are met
            arguments.update(kept(set_arguments(node).items(), place, "set", _itself))
        return new, shared

    def _change(
        self, kind: Kind, link: Link, old: Any = None, new: Any = None, *, source: Link = None, **names: Any
    ) -> None:
        where = None if source is None else _path(source)  # the root is no source: nothing in it can share it
        self._changes.append(Change(kind, _path(link), old, new, where, **names))


def _path(link: Link) -> Path:
    steps: list[Step] = []
    while link is not None:
        link, step = link
        steps.append(step)
    return tuple(reversed(steps))


def _itself(name: str | int) -> str | int:
    return name


def _in_both(ours: dict[Any, Any], theirs: dict[Any, Any]) -> list[tuple[Any, Any, Any]]:
    return [(key, value, theirs[key]) for key, value in ours.items() if key in theirs]


def _same_key_types(ours: dict[Any, Any], theirs: dict[Any, Any]) -> bool:
    """Whether keys that are equal are also of one type: 1 and True are not."""
    known = {key: key for key in theirs}
    return all(same(key, known[key]) for key in ours if key in known)
