"""From the path of an override, wildcards included, to the places in a tree that it names."""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import collections.abc
import inspect
import operator
import typing
from typing import TYPE_CHECKING, Any

import attrs

from nrun.config.annotations import annotation_of
from nrun.config.node import BaseNode, Config, put, set_arguments, signature_of_node, target_of
from nrun.config.origin import Origin
from nrun.config.paths import Key, children, edited, format_path, key_of, nodes_of
from nrun.config.special import Reference, Sweep
from nrun.config.tags import tags_at
from nrun.config.target import display_name
from nrun.config.values import PLAIN, fields_of, is_data_class, is_special
from nrun.errors import ConfigError
from nrun_language_overrides.members import members_of
from nrun_language_overrides.problems import ConfigProblems, Problem, name_hints
from nrun_language_overrides.reader import Reading, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nrun.config.node import Node
    from nrun.config.paths import Path
    from nrun_language_overrides.items import Step
    from nrun_language_overrides.problems import Source

    Spans = tuple[tuple[int, int], ...]

UNSET = inspect.Parameter.empty
_WIDE = frozenset({"any", "each", "deep", "type", "tag", "choice"})


@attrs.frozen(eq=False)
class Place:
    """Where a value stands: in the argument `name` of `owner`, `inside` the containers there."""

    owner: Node
    name: str | int
    inside: Path
    path: Path
    """From the root."""
    value: Any
    """What counts there, a default included; UNSET if nothing does."""

    @classmethod
    def read(cls, owner: Node, name: str | int, inside: Path, path: Path) -> Place:
        """The place with what is there now; looking changes nothing."""
        value = set_arguments(owner).get(name, UNSET)
        if value is UNSET:
            value = signature_of_node(owner).default(name)
        for step in inside:
            try:
                value = value[key_of(step)]
            except (LookupError, TypeError):
                value = UNSET
        return cls(owner, name, inside, path, value)

    @property
    def key(self) -> tuple[int, Path]:
        """What tells this place from all others, by whatever path it was reached."""
        return id(self.owner), (self.name, *self.inside)

    @property
    def is_set(self) -> bool:
        """Whether something was set here; a default does not count."""
        return self.value is not UNSET and (bool(self.inside) or self.name in self.owner)

    @property
    def container(self) -> Place:
        """The place of the container in which this one is."""
        return Place.read(self.owner, self.name, self.inside[:-1], self.path[:-1])

    def element(self, step: int | Key) -> Place:
        """The place of an element of the container here."""
        return Place.read(self.owner, self.name, (*self.inside, step), (*self.path, step))

    def argument(self, name: str | int) -> Place:
        """The place of an argument of the node here."""
        return Place.read(self.value, name, (), (*self.path, name))

    def annotation(self) -> Any:
        """The annotation of what may stand here; Any if nothing is known."""
        annotation = annotation_of(self.owner, self.name)
        for step in self.inside:
            annotation = element_annotation(annotation, step)
        return annotation

    def write(self, value: Any, origin: Origin) -> None:
        """Set what stands here. Raises ConfigError if it does not fit."""
        if self.inside:
            self.edit(lambda container, key: operator.setitem(container, key, value), origin)
        else:
            put(self.owner, self.name, value, origin)

    def edit(self, change: Callable[[Any, Any], None], origin: Origin) -> None:
        """Do `change` to a copy of the container here and the key in it, and set it with copies of those around it."""
        whole = Place.read(self.owner, self.name, (), ()).value
        put(self.owner, self.name, edited(whole, self.inside, self.path, change), origin)


def origin_of(source: Source) -> Origin:
    """Where the value of an override comes from."""
    return source.origin or Origin("cli", source.label, source.root + source.text)


def element_annotation(annotation: Any, step: object) -> Any:
    """The annotation of an element of what is annotated; `step` is its index, or the Key of a dictionary."""
    for member in members_of(annotation):
        kind, args = typing.get_origin(member), typing.get_args(member)
        if not args or not isinstance(kind, type) or issubclass(kind, collections.abc.Mapping) != isinstance(step, Key):
            continue
        if kind is tuple and args[-1] is not ...:
            return args[step] if isinstance(step, int) and step < len(args) else Any
        if issubclass(kind, collections.abc.Iterable):
            return args[-1] if isinstance(step, Key) else args[0]
    return Any


def key_annotation(annotation: Any) -> Any:
    """The annotation of the keys of a dictionary."""
    for member in members_of(annotation):
        kind, args = typing.get_origin(member), typing.get_args(member)
        if args and isinstance(kind, type) and issubclass(kind, collections.abc.Mapping):
            return args[0]
    return Any


def find_places(start: Place, path: tuple[Step, ...], spans: Spans, source: Source, context: Reading) -> list[Place]:
    """The places that `path`, written at `spans` of `source`, names from `start` on; a wildcard may name none.

    On the way of an exact path missing nodes and containers are made, where the annotation says which.
    Raises ConfigProblems for a step that leads nowhere.
    """
    place = start
    for position, (step, span) in enumerate(zip(path, spans, strict=True)):
        if step.kind == "choice" and isinstance(place.value, dict | list | tuple):
            told = f"has no choices, of which {step.value} could be one"
            hints = (f"quote a key, and the item for the shell: ['{step.value}']",)
            raise ConfigProblems([Problem(format_path(place.path), told, source.part(*span), hints)])
        if step.kind in _WIDE or type(place.value) is Sweep:
            raws = [source.text[start:end] for start, end in spans]
            return _find_wide(place, list(zip(path, raws, strict=True))[position:], context)
        place = ready(place, source, context)
        found = _enter(place, step, source.text[span[0] : span[1]], context)
        if found is None:
            raise ConfigProblems([_refusal(place, step, source.part(*span), context, start)])
        place = found
    return [place]


def _find_wide(start: Place, steps: list[tuple[Step, str]], context: Reading) -> list[Place]:
    """The places that steps, of which the first opens out, lead to; what does not exist is left out."""
    here, after_deep = [start], False
    for step, raw in steps:
        here = [point for place in here for point in _points(place)]  # below a sweep: the nodes that have it
        if step.kind in _WIDE:
            here = _widened(here, step, after_deep=after_deep)
        else:
            known = (place for place in here if _knows(place.value, step, after_deep=after_deep))
            entered = [_enter(place, step, raw, context) for place in known]
            here = [place for place in entered if place and (place.value is not UNSET or not place.inside)]
        after_deep = step.kind == "deep"
        if step.kind == "choice":
            continue  # these are several in one place
        first = {place.key: place for place in reversed(here)}
        here = [place for place in here if first[place.key] is place]
    return here


def ready(place: Place, source: Source, context: Reading) -> Place:
    """The place with something in it that can be entered and edited, made or copied if need be."""
    value = place.value
    if not place.path or is_special(value) or (type(value) in PLAIN and value is not None):
        return place
    if value is UNSET or value is None:
        value = _made(place, context)
        if value is not None:
            place.write(value, origin_of(source))
    elif is_data_class(type(value)):
        place.write(Config(type(value), **fields_of(value)), origin_of(source))
    elif place.is_set:
        return place
    else:
        place.owner[place.name]  # what can be edited is copied from the default by being read
    return Place.read(place.owner, place.name, place.inside, place.path)


def _made(place: Place, context: Reading) -> Any:
    """What the annotation says should be there, with nothing set in it; None if it does not say."""
    annotation = place.annotation()
    kinds = context.readers.reader(annotation).types
    for container in (list, dict):
        if container in kinds:
            return container()
    classes = [kind for kind in kinds if kind not in PLAIN and kind not in (tuple, set, frozenset)]
    if len(classes) == 1 and not inspect.isabstract(classes[0]):
        return Config(classes[0])
    names = _choices(place, context)
    return read_text(names[0], annotation, context) if len(names) == 1 else None


def _choices(place: Place, context: Reading) -> list[str]:
    """The factories that could make what is missing."""
    classes = context.readers.reader(place.annotation()).types
    fitting = context.factories.fitting(classes, place.owner.__nrun_target__, str(place.name))
    return sorted({factory.name for factory in fitting})


def _enter(place: Place, step: Step, raw: str, context: Reading) -> Place | None:
    """The place that an exact step, written as `raw`, leads to from this one; None if there is none."""
    value = place.value
    if isinstance(value, BaseNode):
        name = _argument_name(value, step)
        return None if name is None else place.argument(name)
    if isinstance(value, list | tuple) and step.kind not in ("name", "key"):
        index = len(value) if step.kind == "append" else int(step.value or 0)
        index += len(value) if index < 0 else 0
        return place.element(index) if 0 <= index < len(value) + (step.kind in ("append", "insert")) else None
    if isinstance(value, dict) and step.kind in ("name", "index", "key"):
        text = str(step.value) if step.kind == "key" else raw.strip("[]")
        expected = key_annotation(place.annotation())
        if expected is Any:  # then a number is a number, unless such a text is a key already
            return place.element(Key(step.value if step.kind == "index" and text not in value else text))
        return place.element(Key(read_text(text, expected, context)))
    return None


def _argument_name(node: Node, step: Step) -> str | int | None:
    signature, name = signature_of_node(node), step.value
    if step.kind in ("name", "key"):
        return name if name in signature.names or name in node or signature.takes_more_names else None
    if step.kind != "index" or not isinstance(name, int) or name < 0:
        return None
    if name < len(signature.positional):
        return signature.positional[name] or name
    return name if signature.takes_more_positional else None


# ---- wildcards


def _widened(here: list[Place], step: Step, *, after_deep: bool) -> list[Place]:
    if step.kind == "deep":
        return list(_below(here))
    if step.kind == "tag":
        nodes = [place for place in here if isinstance(place.value, BaseNode)]
        return [
            place.argument(name)
            for place in nodes
            for name in dict.fromkeys((*signature_of_node(place.value).names, *_tagged(place.value)))
            if step.value in tags_at(place.value, name)
        ]
    if step.kind == "choice":
        return [place for place in here if _is_a(place.value, step.value) or _made_by(place.value, step.value)]
    if step.kind == "type":
        found = here if after_deep else [child for place in here for child in _children(place)]
        return [place for place in found if _is_a(place.value, step.value)]
    return [
        child
        for place in here
        if step.kind == "any" or isinstance(place.value, list | tuple)
        for child in _children(place)
    ]


def _children(place: Place) -> list[Place]:
    if type(place.value) is Sweep:
        return _points(place)
    if isinstance(place.value, BaseNode):
        return [place.argument(name) for name in place.value]
    return [place.element(step) for step, _ in children(place.value) if not isinstance(step, str)]


def _points(place: Place) -> list[Place]:
    """The place itself; of a sweep, its points that are nodes, which stand at the same path."""
    if type(place.value) is not Sweep:
        return [place]
    return [attrs.evolve(place, value=point) for point in place.value.points if isinstance(point, BaseNode)]


def _below(here: list[Place]) -> Iterator[Place]:
    """These places and all below them; what is in a shared node is met once."""
    seen: set[int] = set()
    todo = here[::-1]
    while todo:
        place = todo.pop()
        yield place
        if not isinstance(place.value, BaseNode) or id(place.value) not in seen:
            seen.add(id(place.value))
            todo += reversed(_children(place))


def _knows(value: Any, step: Step, *, after_deep: bool) -> bool:
    """Whether a step after a wildcard may be made; at any depth only into arguments of nodes."""
    if isinstance(value, BaseNode):
        return step.value in value or step.value in signature_of_node(value).names
    return not after_deep


def _is_a(value: Any, name: object) -> bool:
    """Whether a node calls a class of this name, or a subclass of one, or a function of this name."""
    if not isinstance(value, BaseNode):
        return False
    target = target_of(value)
    return name in ([cls.__name__ for cls in target.__mro__] if isinstance(target, type) else [display_name(target)])


def _made_by(value: Any, name: object) -> bool:
    """Whether a factory of this name gave a node."""
    trail = value.__nrun_trail__ if isinstance(value, BaseNode) else None
    while isinstance(trail, tuple):  # the first that happened to it is the last
        trail = trail[-1]
    return isinstance(trail, Origin) and (trail.kind, trail.where) == ("factory", name)


def _tagged(node: Node) -> list[str | int]:
    """The arguments of a node that were tagged there, in order: some may have no parameter of that name."""
    return sorted({name for name, _ in node.__nrun_tags__ or ()}, key=str)


# ---- words


def _refusal(place: Place, step: Step, where: Source, context: Reading, start: Place) -> Problem:
    """Why a step leads nowhere, and what may have been meant."""
    value, shown = place.value, format_path(place.path) or "the root"
    message, hints = f"is {value!r:.60}, which has no parts", tuple[str, ...]()
    if isinstance(value, BaseNode):
        shown = format_path((*place.path, step.value)) if step.value is not None else shown
        message = f"no such argument of {display_name(value.__nrun_target__)}"
        hints = name_hints(str(step.value), map(str, signature_of_node(value).names), _arguments_below(start.value))
    elif isinstance(value, list | tuple):
        message, hints = f"has {len(value)} elements, so there is no such one", (f"{shown}[+]=... adds one",)
    elif value is UNSET or value is None:
        names = ", ".join(_choices(place, context)) or "NAME"
        message, hints = "is not set, and nothing says what to make", (f"set it first: {shown}={names}",)
    elif type(value) is Reference:
        message, hints = f"has the value of {value}", ("set it there",)
    return Problem(shown, message, where, hints)


def _arguments_below(root: Node) -> Iterator[str]:
    """The path of every argument in the tree, set or not."""
    for path, node in nodes_of(root):
        try:
            names = signature_of_node(node).names
        except ConfigError:  # not importable here
            continue
        yield from (format_path((*path, name)) for name in names)
