"""What has to change in one tree to make it another.

The two trees are walked side by side, depth first. A node of the new tree that stands opposite one of the old tree
becomes that node, edited; any other is made anew. It gets its place when it is first met, and every later place
shares it. So whatever a change refers to is in place and finished when its turn comes.
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
from nrun_config_view.nodes import holds_nodes, identity_of, is_node

if TYPE_CHECKING:
    from collections.abc import Callable

    from nrun.config.node import Node
    from nrun.config.paths import Path, Step
    from nrun_config_view.changes import Kind

    Link = tuple["Link", Step] | None

_LEFT_OUT = object()


def diff(ours: Any, theirs: Any, *, explicit: bool = False) -> tuple[Change, ...]:
    """What makes `theirs` of `ours`: `apply(ours, diff(ours, theirs)) == theirs`. Imports nothing.

    Setting an argument to its default is no change, unless `explicit`; of a target that is still a name no default
    is known. What holds no node, such as a list of numbers, changes as a whole; so does a sweep.
    """
    return Differ(ours, theirs, explicit=explicit).changes_of(lambda mine, other: type(mine) is type(other))


class Differ:
    """The walk over two trees."""

    def __init__(self, ours: Any, theirs: Any, *, explicit: bool = False) -> None:
        self._roots = ours, theirs
        self._explicit = explicit
        self._changes: list[Change] = []
        self._todo: list[tuple[Link, Any, Any]] = []
        self._places: dict[int, Link] = {}  # node of theirs -> where it was first met
        self._partners: dict[int, Node] = {}  # node of theirs -> the node of ours that becomes it
        self._taken: set[int] = set()  # nodes of ours that become one of theirs

    @functools.cached_property
    def _contents(self) -> Contents:
        return Contents(*self._roots)

    def changes_of(self, can_become: Callable[[Node, Node], bool]) -> tuple[Change, ...]:
        """The changes; `can_become` says whether a node of ours may be edited into one of theirs."""
        self._todo.append((None, *self._roots))
        while self._todo:
            link, mine, other = self._todo.pop()
            if is_node(other):
                self._node(link, mine, other, can_become)
            elif type(mine) is type(other) and isinstance(mine, list | tuple) and holds_nodes(mine, other):
                self._sequence(link, mine, other)
            elif type(mine) is dict and type(other) is dict and _same_key_types(mine, other):
                self._mapping(link, mine, other)
            elif not same(mine, other):
                self._place("change", link, other, mine)
        return tuple(self._changes)

    def _node(self, link: Link, mine: Any, other: Node, can_become: Callable[[Node, Node], bool]) -> None:
        if id(other) in self._places:
            if mine is not self._partners.get(id(other)):
                self._place("share", link, other, mine)
        elif is_node(mine) and id(mine) not in self._taken and can_become(mine, other):
            self._places[id(other)], self._partners[id(other)] = link, mine
            self._taken.add(id(mine))
            self._arguments(link, mine, other)
        else:
            self._place("unshare" if id(mine) in self._taken else "change", link, other, mine)

    def _arguments(self, link: Link, mine: Node, other: Node) -> None:
        ours, theirs = set_arguments(mine), set_arguments(other)
        targets = [other.__nrun_target__]
        if identity_of(mine.__nrun_target__) == identity_of(other.__nrun_target__):
            targets.append(mine.__nrun_target__)
        else:
            names = [tuple(filter(among.__contains__, ours)) for among in (theirs, ours.keys() - theirs.keys())]
            added = tuple(name for name in theirs if name not in ours)
            self._change(
                "retarget", link, mine.__nrun_target__, targets[0], kept=names[0], dropped=names[1], added=added
            )
            ours = {name: ours[name] for name in names[0]}
        target = next((target for target in targets if not isinstance(target, str)), None)
        for name, value in ours.items():
            if name not in theirs and not self._is_default(target, name, value):
                self._change("unset", (link, name), value)
        for name, value in theirs.items():
            if name not in ours and not self._is_default(target, name, value):
                self._place("set", (link, name), value)
        self._compare(link, [(name, value, theirs[name]) for name, value in ours.items() if name in theirs])

    def _is_default(self, target: Any, name: str | int, value: Any) -> bool:
        if self._explicit or target is None or holds_nodes(value):
            return False
        default = effective_default(target, name)
        return default is not inspect.Parameter.empty and same(default, value)

    def _sequence(self, link: Link, ours: Any, theirs: Any) -> None:
        partners = aligned(ours, theirs, self._contents)
        stay = [index for index in partners if index is not None]
        for index in sorted(set(range(len(ours))).difference(stay), reverse=True):
            self._change("remove", (link, index), ours[index])
        for start, end in moves(stay):
            self._change("move", (link, end), source=(link, start))
        for index, partner in enumerate(partners):
            if partner is None:
                self._place("insert", (link, index), theirs[index])
        self._compare(
            link, [(index, ours[at], theirs[index]) for index, at in enumerate(partners) if at is not None]
        )

    def _mapping(self, link: Link, ours: dict[Any, Any], theirs: dict[Any, Any]) -> None:
        for key, value in ours.items():
            if key not in theirs:
                self._change("unset", (link, Key(key)), value)
        for key, value in theirs.items():
            if key not in ours:
                self._place("set", (link, Key(key)), value)
        self._compare(link, [(Key(key), value, theirs[key]) for key, value in ours.items() if key in theirs])

    def _compare(self, link: Link, pairs: list[tuple[Step, Any, Any]]) -> None:
        """Compare what is inside, before anything else."""
        self._todo += [((link, step), mine, other) for step, mine, other in reversed(pairs)]

    # ---- what is new

    def _place(self, kind: Kind, link: Link, value: Any, old: Any = None) -> None:
        """Have a value of theirs stand at a place where nothing can become it."""
        if id(value) in self._places:
            self._change("insert" if kind == "insert" else "share", link, old, source=self._places[id(value)])
            return
        new, shared = self._copied(value, link)
        self._change(kind, link, old, new)
        for how, place, node in shared:
            self._change(how, place, source=self._places[id(node)])

    def _copied(self, value: Any, link: Link) -> tuple[Any, list[tuple[Kind, Link, Node]]]:
        """A copy without the nodes that have a place already, and where these are to be."""
        shared: list[tuple[Kind, Link, Node]] = []
        made: list[tuple[Link, Node, dict[str | int, Any]]] = []

        def kept(pairs: list[tuple[Step, Any]], link: Link, kind: Kind) -> list[tuple[Step, Any]]:
            copies = [(step, copied(item, (link, step), kind)) for step, item in pairs]
            return [(step, item) for step, item in copies if item is not _LEFT_OUT]

        def copied(value: Any, link: Link, kind: Kind) -> Any:
            if is_node(value):
                if id(value) in self._places:
                    shared.append((kind, link, value))
                    return _LEFT_OUT
                self._places[id(value)] = link
                arguments: dict[str | int, Any] = {}
                made.append((link, value, arguments))
                return new_node(type(value), value.__nrun_target__, arguments, value.__nrun_trail__)
            if isinstance(value, list | tuple):
                return type(value)(item for _, item in kept(list(enumerate(value)), link, "insert"))
            if isinstance(value, dict):
                return {k.key: item for k, item in kept([(Key(k), v) for k, v in value.items()], link, "share")}
            return copy.deepcopy(value) if is_special(value) or isinstance(value, set) else value

        new = copied(value, link, "share")
        for place, node, arguments in made:  # grows while nodes are met
            arguments.update(kept(list(set_arguments(node).items()), place, "share"))
        return new, shared

    def _change(  # noqa: PLR0913 - the fields of a change
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


def _same_key_types(ours: dict[Any, Any], theirs: dict[Any, Any]) -> bool:
    """Whether keys that are equal are also of one type: 1 and True are not."""
    known = {key: key for key in theirs}
    return all(same(key, known[key]) for key in ours if key in known)
