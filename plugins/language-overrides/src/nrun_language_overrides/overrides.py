"""Overrides applied to a tree: from left to right, on a copy, and each must have an effect.

An item that a later one undoes is lost, and that is an error: whoever wrote both meant something else. Only
what is there to be overridden may be: an include, and `?=`. A wildcard leaves alone what an exact path of the
same series has set.
"""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import copy
import operator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from nrun.config.node import BaseNode, remove, set_arguments, signature_of_node
from nrun.config.order import children_first, held_by
from nrun.config.paths import children, format_path, nodes_of, walk
from nrun.config.target import display_name
from nrun.config.values import fields_of, is_data_class
from nrun.data import Data
from nrun.errors import ConfigError
from nrun_language_overrides.combine import combined
from nrun_language_overrides.items import Item, MalformedItem, Step, file_and_section, other_path, parse_item
from nrun_language_overrides.ledger import Ledger
from nrun_language_overrides.places import UNSET, Place, find_places, origin_of, ready
from nrun_language_overrides.problems import ConfigProblems, Problem, Source
from nrun_language_overrides.reader import Reading, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nrun.config.node import Node
    from nrun.config.paths import Path
    from nrun_language_overrides.files import Section

N = TypeVar("N", bound="BaseNode[Any]")
_MOST_NAMED = 5
_WIDEST_NAME = 40


@attrs.frozen(eq=False, repr=False)
class Context(Data):
    """What applying overrides needs to know besides the tree."""

    reading: Reading = Reading()  # noqa: RUF009 - immutable
    load: Callable[[str, str], Section] | None = None
    """Gives what is in a file, or in a section of it. None: nothing can be included."""
    last_wins: bool = False
    """Whether an item may undo an earlier one."""


@attrs.frozen(eq=False, repr=False)
class Applied(Data, Generic[N]):
    """A tree with overrides applied."""

    config: N
    notes: tuple[str, ...]
    """What whoever wrote the overrides should be told."""
    changed: tuple[str, ...]
    """The overrides as they took effect: for every place an item with an exact path, in order."""
    paths: tuple[Path, ...]
    """The places that were changed, in order."""


def apply(config: N, items: Sequence[str | Source], context: Context | None = None) -> Applied[N]:
    """`config` with overrides applied, which are texts, perhaps with the place where they were written.

    The tree that is given is not changed. Raises ConfigProblems with the problems of all items.
    """
    series = _Series(copy.deepcopy(config), context or Context())
    problems: list[Problem] = []
    for number, given in enumerate(items):
        source = given if isinstance(given, Source) else Source(f"item {number + 1}", given)
        problems += series.apply(source)
    problems += series.lost()
    if problems:
        raise ConfigProblems(problems)
    notes = (*series.notes, *series.shared_notes(), *series.drift())
    return Applied(series.root, notes, tuple(series.changed), tuple(series.paths))


class _Series(Generic[N]):
    """A tree while a series of overrides is applied to it, and what is to be said about that."""

    def __init__(self, root: N, context: Context) -> None:
        self.root = root
        self.notes: list[str] = []
        self.changed: list[str] = []
        self.paths: dict[Path, None] = {}
        self._context = context
        self._start = Place(root, "", (), (), root)
        self._sources: list[Source] = []
        self._items: dict[int, Item] = {}
        self._ledger = Ledger(root)
        self._sections: list[Section] = []

    def apply(self, source: Source) -> Iterator[Problem]:
        """Do what an item says, or tell why it cannot be done, or has no effect."""
        number, name = len(self._sources), source.text[:_WIDEST_NAME]
        self._sources.append(source)
        try:
            self._items[number] = item = parse_item(source.text)
            name = _name_of(item)
            if item.path:
                self._apply_at_places(item, number)
            else:
                self._merge(self._start, self._loaded(item), number)
                self.changed.append(item.source)
        except ConfigProblems as error:
            yield from error.problems
        except MalformedItem as error:
            yield Problem(name, error.reason, source.part(error.at, len(source.text)), (error.hint or "",))
        except ConfigError as error:
            yield Problem(name, error.message, source, (error.hint,) if error.hint else ())

    def lost(self) -> Iterator[Problem]:
        """A problem for every item that a later one undid."""
        for number, later in () if self._context.last_wins else self._ledger.undone():
            mine, other = self._items[number], self._items[later]
            if not _may_be_undone(mine):
                either = not mine.is_exact or (mine.path == other.path and mine.op in ("=", "share", "delete"))
                message = f"{mine.source!r} is lost: {other.source!r} comes later and undoes it"
                hint = "give one of them" if either else f"put it after {other.source!r}"
                yield Problem(_name_of(mine), message, self._sources[number], (f"{hint}, or allow it: --last-wins",))

    def shared_notes(self) -> Iterator[str]:
        """That a change is also seen elsewhere, because the node it was made in is shared."""
        if all(len(path) == 1 for path in self.paths) or not _has_shared_nodes(self.root):
            return  # the root stands nowhere else
        places: dict[int, list[Path]] = {}
        for path, value in walk(self.root):
            if isinstance(value, BaseNode):
                places.setdefault(id(value), []).append(path)
        for path in self.paths:
            also = ", ".join(format_path(other) for other in _other_paths(self.root, path, places))
            if also:
                yield f"{format_path(path)} also changes {also} (shared)"

    def drift(self) -> Iterator[str]:
        """What has changed of the defaults that the files which were read had pinned."""
        yield from filter(None, (section.reader.drift() for section in self._sections))

    # ---- applying

    def _apply_at_places(self, item: Item, number: int) -> None:
        places = find_places(self._start, item.path, item.spans, self._sources[number], self._context.reading)
        if item.op == "delete" and not item.is_exact:
            places = [place for place in places if place.is_set]
        if not places:
            raise ConfigError("it matches nothing", hint=_in_an_instance(self.root, item.path[-1]))
        if item.op == "?=":
            places = [place for place in places if not place.is_set]
        elif not item.is_exact:
            places = self._unclaimed(places)
        if not item.is_exact and places:
            named = ", ".join(format_path(place.path) for place in places[:_MOST_NAMED])
            count = f"{len(places)} place{'s' if len(places) > 1 else ''}"
            self.notes.append(f"{item.source} changes {count}: {named}{', ...' if len(places) > _MOST_NAMED else ''}")
        for place in reversed(places) if item.op == "delete" else places:  # elements after a deleted one move
            self._change(item, place, number)

    def _unclaimed(self, places: list[Place]) -> list[Place]:
        """The places of a wildcard that no exact path has set. Raises ConfigError if there is none."""
        firm = {number for number, one in self._items.items() if one.is_exact and not _may_be_undone(one)}
        free = [place for place in places if not self._ledger.numbers_at(place) & firm]
        if not free:
            raise ConfigError("every place it matches is set by another item")
        return free

    def _change(self, item: Item, place: Place, number: int) -> None:
        if item.op == "delete":
            self._delete(place, number)
        elif item.path[-1].kind in ("append", "insert"):
            self._insert(item, place, number)
        else:
            self._write(item, place, number)
        self.changed.append(_canonical(item, place))
        self.paths[place.path] = None

    def _delete(self, place: Place, number: int) -> None:
        origin = origin_of(self._sources[number])
        if not place.is_set:
            raise ConfigError("it is not set, so there is nothing to unset")
        if place.inside:
            place.edit(operator.delitem, origin)
        else:
            remove(place.owner, place.name, origin)
        self._ledger.replaced(place, number)
        if place.inside and isinstance(place.inside[-1], int):  # another element stands there now
            place = place.container
            self._ledger.shifted(place)
        self._ledger.wrote(place, number)

    def _insert(self, item: Item, place: Place, number: int) -> None:
        sequence, index = place.container, place.inside[-1]
        before, after = sequence.value[:index], sequence.value[index:]
        new = type(before)((*before, self._value(item, place, number), *after))
        sequence.write(new, origin_of(self._sources[number]))
        self._ledger.shifted(sequence)
        self._ledger.wrote(place, number)

    def _write(self, item: Item, place: Place, number: int) -> None:
        value = self._value(item, place, number)
        place.write(value, origin_of(self._sources[number]))
        if item.op in ("=", "?=", "share", "include"):
            self._replaced(place, value, number)
        elif item.op == "-=" and isinstance(value, list | tuple):
            self._ledger.shifted(place)
        self._ledger.wrote(place, number)

    def _value(self, item: Item, place: Place, number: int) -> Any:
        """What the item says should stand at the place."""
        annotation = place.annotation()
        reading = self._reading(place, number, len(item.source) - len(item.text))
        if item.op in ("=", "?="):
            return read_text(item.text, annotation, reading)
        if item.op == "share":
            return self._other(item, place, number)
        if item.op == "include":
            return self._loaded(item).read(annotation, reading)
        current = self._empty(annotation) if place.value is UNSET or place.value is None else place.value
        kind = type(current) if annotation is Any else annotation
        return combined(item.op, current, item.text, kind, lambda text, expected: read_text(text, expected, reading))

    def _reading(self, place: Place, number: int, start: int) -> Reading:
        """What the reader should know of a text for the place, which begins at `start` of its item."""
        context, source = self._context.reading, self._sources[number]
        return Reading(
            path=format_path(place.path),
            source=source.part(start, len(source.text)),
            factories=context.factories,
            readers=context.readers,
            allowed=context.allowed,
            parent=place.owner.__nrun_target__,
            argument=str(place.name),
        )

    def _empty(self, annotation: Any) -> Any:
        """The container that `annotation` asks for where there is none yet. Raises ConfigError if it asks for none."""
        kinds = self._context.reading.readers.reader(annotation).types
        for container in (list, tuple, set, frozenset, dict):
            if container in kinds:
                return container()
        raise ConfigError("it is not set, so there is nothing to change", hint="set it with =")

    def _replaced(self, place: Place, value: Any, number: int) -> None:
        """Note what went with the value that was at the place."""
        self._ledger.replaced(place, number)
        if isinstance(place.value, BaseNode) and place.is_set:
            kept = set_arguments(value) if isinstance(value, BaseNode) else {}
            dropped = ", ".join(str(name) for name in place.value if name not in kept)
            if dropped:
                was = display_name(place.value.__nrun_target__)
                self.notes.append(f"{format_path(place.path)} is a new node; the {was} there had set: {dropped}")

    def _other(self, item: Item, place: Place, number: int) -> Node:
        """The node that the place is to share. Raises ConfigError if it cannot."""
        found = find_places(self._start, *other_path(item), self._sources[number], self._context.reading)
        node = ready(found[0], self._sources[number], self._context.reading).value if len(found) == 1 else None
        if not isinstance(node, BaseNode):
            hint = f"to follow its value write {format_path(place.path)}=${{{item.text}}}"
            raise ConfigError(f"only nodes can be shared, and {item.text} is none", hint=hint)
        if node is place.value:
            raise ConfigError(f"it is the same node as {item.text} already")
        if any(inner is place.owner for inner in children_first((node,))):
            raise ConfigError(f"{item.text} would contain itself", hint="share a node that is not around this place")
        return node

    # ---- including

    def _loaded(self, item: Item) -> Section:
        if self._context.load is None:
            raise ConfigError(f"{item.text} cannot be read: no format is known", hint="install nrun-config-yaml")
        section = self._context.load(*file_and_section(item.text))
        self._sections.append(section)
        return section

    def _merge(self, place: Place, section: Section, number: int) -> None:
        """Set what a section says of a node; mappings go into the nodes that are there. Raises ConfigProblems."""
        problems: list[Problem] = []
        for name, op, part in section.arguments(place.value):
            source, reading = part.where, self._context.reading
            try:
                step = Step("index" if isinstance(name, int) else "name", name)
                [inner] = find_places(place, (step,), ((0, len(str(name))),), source, reading)
                bare = part.is_own and not op and "$target" not in part.data  # it needs a node to go into
                node = ready(inner, source, reading) if bare else inner
                if part.is_own and not op and isinstance(node.value, BaseNode) and part.describes(node.value):
                    self._merge(node, part, number)
                else:
                    self._write_part(inner, op, part, number)
            except ConfigProblems as error:
                problems += error.problems
            except ConfigError as error:
                problems.append(Problem(format_path((*place.path, name)), error.message, source, (error.hint or "",)))
        if problems:
            raise ConfigProblems(problems)
        section.tag(place.value)

    def _write_part(self, place: Place, op: str, part: Section, number: int) -> None:
        """Set what a section gives for a place, or change by it what is there."""
        annotation, reading, origin = place.annotation(), self._reading(place, number, 0), origin_of(part.where)
        if op == "!":
            remove(place.owner, place.name, origin)
        elif op:
            current = self._empty(annotation) if place.value is UNSET or place.value is None else place.value
            value = combined(op, current, part.brackets, annotation, lambda _, kind: part.read(kind, reading))
            place.write(value, origin)
        else:
            value = part.read(annotation, reading)
            place.write(value, part.origin(value))
            self._replaced(place, value, number)
        self._ledger.wrote(place, number)
        self.paths[place.path] = None


def _may_be_undone(item: Item) -> bool:
    return item.op in ("?=", "include")


def _name_of(item: Item) -> str:
    """The path as it is written."""
    return item.source[item.spans[0][0] : item.spans[-1][1]] if item.spans else item.source


def _canonical(item: Item, place: Place) -> str:
    """The item for one place."""
    path = format_path(place.path)
    if item.path[-1].kind in ("append", "insert"):
        path = format_path(place.path[:-1]) + item.source[slice(*item.spans[-1])]
    return path + ("!" if item.op == "delete" else item.source[item.spans[-1][1] :])


def _in_an_instance(root: Node, step: Step) -> str | None:
    """A hint if an instance, which only an exact path makes a node of, has what a wildcard did not find."""
    for path, node in nodes_of(root):
        for name in dict.fromkeys((*node, *signature_of_node(node).names)):
            place = Place.read(node, name, (), (*path, name))
            if is_data_class(type(place.value)) and step.value in fields_of(place.value):
                where = format_path(place.path)
                return f"{where} is an instance, in which no wildcard looks: write {where}.{step.value}="
    return None


def _has_shared_nodes(root: Node) -> bool:
    """Whether a node stands in more than one place."""
    met: set[int] = set()
    todo = [root]
    for node in todo:  # grows while what nodes hold is met
        if id(node) in met:
            return True
        met.add(id(node))
        todo += held_by(node)
    return False


def _other_paths(root: Node, path: Path, places: Mapping[int, list[Path]]) -> Iterator[Path]:
    """The paths that lead to the same place as `path`, because a node on the way stands elsewhere too."""
    value: Any = root
    for depth, step in enumerate(path[:-1], 1):
        value = dict(children(value)).get(step)  # None if a later item took it away
        if isinstance(value, BaseNode):
            yield from ((*other, *path[depth:]) for other in places.get(id(value), ()) if other != path[:depth])
