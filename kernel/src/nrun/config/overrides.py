"""Overrides applied to a tree: from left to right, on a copy, and each must have an effect.

An item that a later one undoes is lost, and that is an error: whoever wrote both meant something else. Only
what is there to be overridden may be: an include, and `?=`. A wildcard leaves alone what an exact path of the
same series sets.
"""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from nrun.config.combine import combined
from nrun.config.items import Item, MalformedItem, Step, file_and_section, other_path, parse_item
from nrun.config.ledger import Ledger
from nrun.config.node import Config, Partial, _Node, remove, set_arguments
from nrun.config.order import children_first, nodes_held
from nrun.config.origin import Origin
from nrun.config.paths import Key, _follow, _without, format_path, walk
from nrun.config.places import UNSET, Place, find_places, ready, root_of
from nrun.config.problems import ConfigProblems, Problem, Source
from nrun.config.reader import Reading, read_text, read_value
from nrun.config.target import display_name
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from nrun.config.node import Node
    from nrun.config.paths import Path

N = TypeVar("N", Config[Any], Partial[Any])
_MOST_NAMED = 5
_WIDEST_NAME = 40


@attrs.frozen
class Context:
    """What applying overrides needs to know besides the tree."""

    reading: Reading = attrs.field(factory=Reading)
    load: Callable[[str, str], Any] | None = None
    """Gives the data of a file, or of a section of it. None: there are no includes."""
    last_wins: bool = False
    """Whether an item may undo an earlier one."""


@attrs.frozen
class Applied(Generic[N]):
    """A tree with overrides applied."""

    config: N
    notes: tuple[str, ...]
    """What whoever wrote the overrides should be told."""
    changed: tuple[str, ...]
    """The overrides as they took effect: for every place an item with an exact path, in order."""


def apply(config: N, items: Sequence[str | Source], context: Context | None = None) -> Applied[N]:
    """`config` with overrides applied, which are texts, or texts with the place where they were written.

    The tree that is given is not changed. Raises ConfigProblems with the problems of all items.
    """
    work = _Work(copy.deepcopy(config), context or Context())
    problems: list[Problem] = []
    for number, given in enumerate(items):
        source = given if isinstance(given, Source) else Source(f"item {number + 1}", given)
        work.sources.append(source)
        try:
            work.apply(parse_item(source.text), number)
        except MalformedItem as error:
            where, hints = source.part(error.at, len(source.text)), (error.hint or "",)
            problems.append(Problem(source.text[:_WIDEST_NAME], error.reason, where, hints))
        except ConfigProblems as error:
            problems += error.problems
        except ConfigError as error:
            problems.append(Problem("", error.message, source, (error.hint,) if error.hint else ()))
    problems += work.lost()
    if not problems:
        try:
            return Applied(work.root, (*work.notes, *work.shared_notes()), tuple(work.changed))
        except ConfigError as error:  # the tree contains itself
            problems.append(Problem("", error.message, None, (error.hint,) if error.hint else ()))
    raise ConfigProblems(problems)


class _Work(Generic[N]):
    """A tree that is being changed, and what is to be said about that."""

    def __init__(self, root: N, context: Context) -> None:
        self.root = root
        self.context = context
        self.sources: list[Source] = []
        self.notes: list[str] = []
        self.changed: list[str] = []
        self._items: dict[int, Item] = {}
        self._ledger = Ledger(root)
        self._firm: set[int] = set()  # numbers of items that a wildcard must respect
        self._yielding: set[int] = set()  # numbers of items that may be undone
        self._paths: list[Path] = []

    def apply(self, item: Item, number: int) -> None:
        """Do what an item says. Raises ConfigError if it cannot be done, or changes nothing."""
        self._items[number] = item
        if item.op in ("?=", "include"):
            self._yielding.add(number)
        elif item.is_exact:
            self._firm.add(number)
        if not item.path:
            self._merge(root_of(self.root), self._loaded(item), number)
            self.changed.append(item.source)
            return
        places = self._find(item.path, item.spans, number)
        if not item.is_exact:
            places = self._free(item, places, number)
        for place in reversed(places) if item.op == "delete" else places:
            try:
                self._change(item, place, number)
            except ConfigProblems:
                raise
            except ConfigError as error:
                where = self.sources[number].part(item.spans[0][0], len(item.source))
                hints = (error.hint,) if error.hint else ()
                raise ConfigProblems([Problem(format_path(place.path), error.message, where, hints)]) from error
        if not item.is_exact:
            named = [format_path(place.path) for place in places[:_MOST_NAMED]]
            more = ", ..." if len(places) > _MOST_NAMED else ""
            count = f"{len(places)} place{'s' if len(places) != 1 else ''}"
            self.notes.append(f"{item.source} changes {count}: {', '.join(named)}{more}")

    def lost(self) -> Iterator[Problem]:
        """A problem for every item that a later one undid."""
        if self.context.last_wins:
            return
        for number, later in self._ledger.undone():
            if number not in self._yielding:
                mine, other = self._items[number], self._items[later]
                message = f"{mine.source!r} is lost: {other.source!r} comes later and undoes it"
                again = mine.path == other.path or not mine.is_exact
                hint = f"{'give one of them' if again else f'put it after {other.source!r}'}, or allow it: --last-wins"
                yield Problem(_name_of(mine), message, self.sources[number], (hint,))

    def shared_notes(self) -> Iterator[str]:
        """That a change is also seen elsewhere, because the node it was made in is shared."""
        nodes, held = children_first(self.root), []
        for node in nodes:
            nodes_held(set_arguments(node).values(), held)
        if len(held) < len(nodes):  # every node but the root is held once
            return
        places: dict[int, list[Path]] = {}
        for path, value in walk(self.root):
            if isinstance(value, _Node):
                places.setdefault(id(value), []).append(path)
        for path in dict.fromkeys(self._paths):
            also = [format_path(other) for other in _other_paths(self.root, path, places)]
            if also:
                yield f"{format_path(path)} also changes {', '.join(also)} (shared)"

    # ---- finding

    def _find(self, path: tuple[Step, ...], spans: tuple[tuple[int, int], ...], number: int) -> list[Place]:
        return find_places(root_of(self.root), path, spans, self.sources[number], self.context.reading)

    def _free(self, item: Item, places: list[Place], number: int) -> list[Place]:
        """The places of a wildcard that no exact path claims. Raises ConfigProblems if there is none."""
        if item.op == "delete":
            places = [place for place in places if place.is_set]
        free = [place for place in places if not self._ledger.numbers_at(place) & self._firm]
        if not free:
            message = "every place it matches is set by another item" if places else "it matches nothing"
            raise ConfigProblems([Problem(_name_of(item), message, self.sources[number])])
        return free

    # ---- changing

    def _change(self, item: Item, place: Place, number: int) -> None:
        path, adds = format_path(place.path), item.path[-1].kind in ("append", "insert")
        if item.op == "?=" and place.is_set:
            return
        if item.op == "delete":
            self._delete(place, number)
            path, done = f"{path}!", ""
        elif item.op == "share":
            self._set(place, self._other(item, place, number), number, adds=adds)
            done = f"@={item.text}"
        elif item.op == "include":
            reading = place.reading(self.context.reading, self.sources[number], len(item.source))
            self._set(place, read_value(self._loaded(item), place.annotation(), reading), number, adds=adds)
            done = f"=@{item.text}"
        elif item.op in ("=", "?="):
            self._set(place, self._read(item, place, item.text, place.annotation(), number), number, adds=adds)
            done = f"={item.text}"
        else:
            self._combine(item, place, number)
            done = f"{item.op}{item.text}"
        if adds:
            path = f"{format_path(place.path[:-1])}[+{'' if item.path[-1].kind == 'append' else place.path[-1]}]"
        self.changed.append(f"{path}{done}")
        self._paths.append(place.path)

    def _read(self, item: Item, place: Place, text: str, annotation: Any, number: int) -> Any:
        start = len(item.source) - len(item.text)
        return read_text(text, annotation, place.reading(self.context.reading, self.sources[number], start))

    def _set(self, place: Place, value: Any, number: int, *, adds: bool = False) -> None:
        if adds:
            self._insert(place, value, number)
            return
        place.write(value, self._origin(number))
        self._ledger.replaced(place, number)
        self._ledger.wrote(place, number)
        if isinstance(place.value, _Node) and place.is_set:
            kept = set_arguments(value) if isinstance(value, _Node) else {}
            dropped = [str(name) for name in place.value if name not in kept]
            if dropped:
                was = display_name(place.value.__nrun_target__)
                self.notes.append(
                    f"{format_path(place.path)}: with the {was} went what was set in it: {', '.join(dropped)}"
                )

    def _insert(self, place: Place, value: Any, number: int) -> None:
        """Put `value` into the list before the place."""
        sequence, index = place.container(), place.inside[-1]
        elements = sequence.value
        sequence.write(type(elements)([*elements[:index], value, *elements[index:]]), self._origin(number))
        self._ledger.moved(sequence, index, 1)
        self._ledger.wrote(place, number)

    def _delete(self, place: Place, number: int) -> None:
        if not place.is_set:
            raise ConfigError("it is not set, so there is nothing to unset")
        if not place.inside:
            remove(place.owner, place.name, self._origin(number))
            self._ledger.replaced(place, number)
            self._ledger.wrote(place, number)
            return
        container = place.container()
        container.write(_without(container.value, place.inside[-1:], place.path), self._origin(number))
        if isinstance(container.value, dict):
            self._ledger.replaced(place, number)
            self._ledger.wrote(place, number)
        else:
            self._taken(place, container, number)
            self._ledger.wrote(container, number)

    def _combine(self, item: Item, place: Place, number: int) -> None:
        annotation = place.annotation()
        current = place.value
        if current is UNSET or current is None:
            current = self._empty(annotation)
        if annotation is Any:
            annotation = type(current)
        value = combined(
            item.op, current, item.text, annotation, lambda text, kind: self._read(item, place, text, kind, number)
        )
        place.write(value, self._origin(number))
        if isinstance(value, dict):
            keys = [key for key in {**current, **value} if current.get(key, UNSET) is not value.get(key, UNSET)]
            changed = [place.element(Key(key), current.get(key, UNSET)) for key in keys]
        elif isinstance(value, list | tuple) and len(value) > len(current):
            changed = [place.element(index, UNSET) for index in range(len(current), len(value))]
        else:
            changed = []
            if isinstance(value, list | tuple):
                for index in _taken_out(current, value):
                    self._taken(place.element(index, current[index]), place, number)
            self._ledger.wrote(place, number)
        for one in changed:
            self._ledger.replaced(one, number)
            self._ledger.wrote(one, number)

    def _taken(self, element: Place, sequence: Place, number: int) -> None:
        """An element is no longer in its list."""
        index: Any = element.inside[-1]
        self._ledger.replaced(element, number)
        self._ledger.moved(sequence, index + 1, -1)

    def _origin(self, number: int) -> Origin:
        source = self.sources[number]
        return Origin("cli", source.label, source.text)

    def _empty(self, annotation: Any) -> Any:
        """The container that `annotation` asks for, if nothing is there yet."""
        kinds = self.context.reading.readers.reader(annotation).types
        for container in (list, tuple, set, frozenset, dict):
            if container in kinds:
                return container()
        raise ConfigError("it is not set, so there is nothing to change", hint="set it with =")

    def _other(self, item: Item, place: Place, number: int) -> Node:
        """The node that `place` is to share. Raises ConfigError if it cannot."""
        path, spans = other_path(item)
        found = [ready(one, self.context.reading).value for one in self._find(path, spans, number)]
        node = found[0] if len(found) == 1 else None
        if not isinstance(node, _Node):
            raise ConfigError(
                f"only nodes can be shared, and {item.text} is none",
                hint=f"to follow its value write {format_path(place.path)}=${{{item.text}}}",
            )
        if node is place.value:
            raise ConfigError(f"it is the same node as {item.text} already")
        if any(inner is place.owner for inner in children_first((node,))):
            raise ConfigError(f"{item.text} would contain itself", hint="share a node that is not around this place")
        return node

    # ---- including

    def _loaded(self, item: Item) -> Any:
        if self.context.load is None:
            raise ConfigError(f"{item.text} cannot be read: no format is known", hint="install nrun-config-yaml")
        return self.context.load(*file_and_section(item.text))

    def _merge(self, place: Place, data: Any, number: int) -> None:
        """Set what `data` says below a node; mappings go into the nodes that are there. Collects problems."""
        if isinstance(data, _Node) and data.__nrun_target__ == place.value.__nrun_target__:
            data = set_arguments(data)
        if not isinstance(data, Mapping):
            raise ConfigError("what is included here must be a mapping of arguments to values")
        problems: list[Problem] = []
        source = self.sources[number]
        for name, value in data.items():
            try:
                found = find_places(
                    place, (Step("name", name),), ((0, len(source.text)),), source, self.context.reading
                )
                inner = ready(found[0], self.context.reading) if isinstance(value, Mapping) else found[0]
                if isinstance(value, Mapping) and isinstance(inner.value, _Node):
                    self._merge(inner, value, number)
                else:
                    reading = inner.reading(self.context.reading, source, len(source.text))
                    self._set(inner, read_value(value, inner.annotation(), reading), number)
                    self._paths.append(inner.path)
            except ConfigProblems as error:
                problems += error.problems
        if problems:
            raise ConfigProblems(problems)


def _taken_out(old: Sequence[Any], new: Sequence[Any]) -> Iterator[int]:
    """The indices of the elements of `old` that `new` lacks, from the last to the first."""
    left = len(new) - 1
    for index in range(len(old) - 1, -1, -1):
        if left >= 0 and old[index] is new[left]:
            left -= 1
        else:
            yield index


def _name_of(item: Item) -> str:
    """The path as it is written."""
    return item.source[item.spans[0][0] : item.spans[-1][1]] if item.spans else item.source


def _other_paths(root: Node, path: Path, places: Mapping[int, list[Path]]) -> Iterator[Path]:
    """The paths that lead to the same place as `path`, because a node on the way stands elsewhere too."""
    value: Any = root
    for depth in range(1, len(path)):
        try:
            value = _follow(value, path[depth - 1], path[:depth])
        except ConfigError:  # a later item took it away
            return
        if isinstance(value, _Node):
            for other in places.get(id(value), ()):
                if other != path[:depth]:
                    yield (*other, *path[depth:])
