"""From the path of an override, wildcards included, to the places in a tree that it names."""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import collections.abc
import copy
import inspect
import types
import typing
from typing import TYPE_CHECKING, Any, cast

import attrs

from nrun.config.annotations import annotation_of
from nrun.config.node import DEFAULT, Config, _Node, put, set_arguments, signature_of_node, target_of
from nrun.config.paths import Key, _follow, _with, format_path, nodes_of
from nrun.config.problems import ConfigProblems, Problem, name_hints
from nrun.config.reader import Reading, read_text
from nrun.config.special import Reference, Sweep
from nrun.config.target import display_name
from nrun.config.values import PLAIN, fields_of, is_data_class, is_special
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nrun.config.items import Step
    from nrun.config.node import Node
    from nrun.config.origin import Origin
    from nrun.config.paths import Path
    from nrun.config.problems import Source

UNSET = inspect.Parameter.empty
_WIDE = frozenset({"any", "each", "deep", "type", "tag"})


def root_of(root: Node) -> Place:
    """Where every path begins."""
    return Place(root, "", (), (), root)


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

    @property
    def key(self) -> tuple[int, tuple[Any, ...]]:
        """What tells this place from all others, by whatever path it was reached."""
        return id(self.owner), (self.name, *self.inside)

    @property
    def is_set(self) -> bool:
        """Whether something was set here; a default does not count."""
        return self.value is not UNSET and (bool(self.inside) or self.name in self.owner)

    def annotation(self) -> Any:
        """The annotation of what may stand here; Any if nothing is known."""
        annotation = annotation_of(self.owner, self.name)
        for step in self.inside:
            annotation = element_annotation(annotation, step)
        return annotation

    def reading(self, context: Reading, source: Source, start: int) -> Reading:
        """What the reader should know about a text for this place, which begins at `start` of `source`."""
        return Reading(
            path=format_path(self.path),
            source=source.part(start, len(source.text)),
            factories=context.factories,
            readers=context.readers,
            allowed=context.allowed,
            parent=self.owner.__nrun_target__,
            argument=str(self.name),
        )

    def container(self) -> Place:
        """The place of the container in which this one is, as it is now."""
        value = _effective(self.owner, self.name)
        for depth, step in enumerate(self.inside[:-1], len(self.path) - len(self.inside)):
            value = _follow(value, step, self.path[: depth + 1])
        return Place(self.owner, self.name, self.inside[:-1], self.path[:-1], value)

    def element(self, step: Any, value: Any) -> Place:
        """The place in the container that stands here to which `step` leads, with what is there."""
        return Place(self.owner, self.name, (*self.inside, step), (*self.path, step), value)

    def write(self, value: Any, origin: Origin | None) -> None:
        """Set what stands here; containers on the way are replaced by edited copies. Raises ConfigError if unfit."""
        if self.inside:
            value = _with(_effective(self.owner, self.name), self.inside, self.path, value)
        put(self.owner, self.name, value, origin)


def element_annotation(annotation: Any, step: Any) -> Any:
    """The annotation of an element of what is annotated; `step` is its index, or the Key of a dictionary."""
    for member in _members(annotation):
        kind, args = typing.get_origin(member), typing.get_args(member)
        if not args or not isinstance(kind, type):
            continue
        if issubclass(kind, collections.abc.Mapping):
            if isinstance(step, Key):
                return args[1]
        elif kind is tuple and args[-1] is not ...:
            return args[step] if isinstance(step, int) and step < len(args) else Any
        elif issubclass(kind, collections.abc.Iterable) and not isinstance(step, Key):
            return args[0]
    return Any


def key_annotation(annotation: Any) -> Any:
    """The annotation of the keys of a dictionary."""
    for member in _members(annotation):
        kind, args = typing.get_origin(member), typing.get_args(member)
        if args and isinstance(kind, type) and issubclass(kind, collections.abc.Mapping):
            return args[0]
    return Any


def _members(annotation: Any) -> Iterator[Any]:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        yield from _members(typing.get_args(annotation)[0])
    elif origin in (typing.Union, types.UnionType):
        for member in typing.get_args(annotation):
            yield from _members(member)
    else:
        yield annotation


# ---- finding


def find_places(
    start: Place, path: tuple[Step, ...], spans: tuple[tuple[int, int], ...], source: Source, context: Reading
) -> list[Place]:
    """The places that `path`, written at `spans` of `source`, names from `start` on; a wildcard may name none.

    On the way of an exact path missing nodes and containers are made, where the annotation says which.
    Raises ConfigProblems for a step that leads nowhere.
    """
    here = [start]
    wide = False
    for position, (step, span) in enumerate(zip(path, spans, strict=True)):
        raw = source.text[span[0] : span[1]]
        if any(type(place.value) is Sweep for place in here):  # what follows applies to the nodes that have it
            here = [inner for place in here for inner in _alternatives(place)]
            wide = True
        after_deep = position > 0 and path[position - 1].kind == "deep"
        if step.kind in _WIDE:
            here = _widened(here, step, after_deep=after_deep)
            wide = True
        elif wide:
            here = [inner for place in here if (inner := _existing(place, step, raw, context, after_deep=after_deep))]
        else:
            here = [_entered(here[0], step, raw, source.part(*span), context, start)]
    return list({place.key: place for place in here}.values()) if wide else here


def _entered(place: Place, step: Step, raw: str, where: Source, context: Reading, start: Place) -> Place:
    """The place that one exact step leads to. Raises ConfigProblems if there is none."""
    place = ready(place, context)
    found = _enter(place, step, raw, context)
    if found is None:
        target = format_path((*place.path, cast("str | int", step.value))) if step.value is not None else ""
        message, hints = _refusal(place, step, context, start.value)
        raise ConfigProblems([Problem(target or format_path(place.path), message, where, hints)])
    return found


def ready(place: Place, context: Reading) -> Place:
    """The place with something in it that can be entered and edited."""
    value = place.value
    if type(value) in PLAIN and value is not None or is_special(value) or not place.path:
        return place
    if value is UNSET or value is None:
        made = _made(place, context)
        if made is None:
            return place
        place.write(made, None)
    elif is_data_class(type(value)):
        place.write(Config(type(value), **fields_of(value)), None)
    elif not place.is_set:  # edits must not reach the default itself
        put(place.owner, place.name, copy.deepcopy(value), DEFAULT)
    else:
        return place
    value = _effective(place.owner, place.name)
    for depth, step in enumerate(place.inside, len(place.path) - len(place.inside)):
        value = _follow(value, step, place.path[: depth + 1])
    return attrs.evolve(place, value=value)


def _made(place: Place, context: Reading) -> Any:
    """What the annotation says should be there, with nothing set in it; None if it does not say."""
    annotation = place.annotation()
    kinds = context.readers.reader(annotation).types
    for container in (list, dict):
        if container in kinds:
            return container()
    classes = tuple(kind for kind in kinds if kind not in PLAIN and kind not in (tuple, set, frozenset))
    if len(classes) == 1 and not inspect.isabstract(classes[0]):
        return Config(classes[0])
    names = _choices(place, context)
    return read_text(names[0], annotation, context) if len(names) == 1 else None


def _choices(place: Place, context: Reading) -> list[str]:
    """The factories that could make what is missing."""
    classes = context.readers.reader(place.annotation()).types
    fitting = context.factories.fitting(classes, place.owner.__nrun_target__, str(place.name))
    return sorted({factory.name for _, factory in fitting})


def _enter(place: Place, step: Step, raw: str, context: Reading) -> Place | None:
    """The place that an exact step leads to from this one; None if there is none."""
    value = place.value
    if isinstance(value, _Node):
        name = _argument_name(value, step)
        return None if name is None else _argument(value, name, place.path)
    if isinstance(value, list | tuple):
        index = _index(step, len(value))
        if index is None:
            return None
        adds = step.kind in ("append", "insert")
        return place.element(index, UNSET if adds else value[index])
    if isinstance(value, dict) and step.kind in ("name", "index", "key"):
        key = _dictionary_key(place, step, raw, context)
        return place.element(Key(key), value.get(key, UNSET))
    return None


def _existing(place: Place, step: Step, raw: str, context: Reading, *, after_deep: bool) -> Place | None:
    """The place that an exact step after a wildcard leads to, if it exists; at any depth only arguments of nodes."""
    value = place.value
    if isinstance(value, _Node):
        known = step.value in value or step.value in signature_of_node(value).names
    else:
        known = not after_deep
    found = _enter(place, step, raw, context) if known else None
    return None if found is None or (isinstance(value, dict) and found.value is UNSET) else found


def _argument_name(node: Node, step: Step) -> str | int | None:
    signature = signature_of_node(node)
    name = step.value
    if step.kind in ("name", "key"):
        return name if name in signature.names or name in node or signature.takes_more_names else None
    if step.kind != "index" or not isinstance(name, int) or name < 0:
        return None
    if name < len(signature.positional):
        named = signature.positional[name]
        return name if named is None else named
    return name if signature.takes_more_positional else None


def _index(step: Step, length: int) -> int | None:
    if step.kind == "append":
        return length
    if step.kind not in ("index", "insert") or not isinstance(step.value, int):
        return None
    index = step.value + length if step.value < 0 else step.value
    return index if 0 <= index < length or (step.kind == "insert" and index == length) else None


def _dictionary_key(place: Place, step: Step, raw: str, context: Reading) -> Any:
    """The key as the annotation has it; a number is only a text where keys are texts."""
    text = str(step.value) if step.kind == "key" else raw.strip("[]")
    expected = key_annotation(place.annotation())
    if expected is not Any:
        return read_text(text, expected, context)
    return step.value if step.kind == "index" and text not in place.value else text


def _argument(node: Node, name: str | int, path: Path) -> Place:
    return Place(node, name, (), (*path, name), _effective(node, name))


def _effective(node: Node, name: str | int) -> Any:
    """The value of an argument, or its default; reading it changes nothing."""
    value = set_arguments(node).get(name, UNSET)
    return signature_of_node(node).default(name) if value is UNSET else value


# ---- wildcards


def _widened(here: list[Place], step: Step, *, after_deep: bool) -> list[Place]:
    if step.kind == "deep":
        return list(_below(here))
    if step.kind == "tag":
        nodes = [place for place in here if isinstance(place.value, _Node)]
        return [
            _argument(place.value, name, place.path)
            for place in nodes
            for name in signature_of_node(place.value).names
            if _is_tagged(annotation_of(place.value, name), str(step.value))
        ]
    if step.kind == "each":
        here = [place for place in here if isinstance(place.value, list | tuple)]
    found = here if after_deep and step.kind == "type" else [child for place in here for child in _children(place)]
    return [place for place in found if step.kind != "type" or _is_a(place.value, str(step.value))]


def _children(place: Place) -> list[Place]:
    value = place.value
    if isinstance(value, _Node):
        return [_argument(value, name, place.path) for name in value]
    if isinstance(value, list | tuple):
        return [place.element(index, item) for index, item in enumerate(value)]
    if isinstance(value, dict):
        return [place.element(Key(key), item) for key, item in value.items()]
    return _alternatives(place) if type(value) is Sweep else []


def _alternatives(place: Place) -> list[Place]:
    """The place itself; of a sweep, its points that are nodes, which stand at the same path."""
    if type(place.value) is not Sweep:
        return [place]
    return [attrs.evolve(place, value=point) for point in place.value.points if isinstance(point, _Node)]


def _below(here: list[Place]) -> Iterator[Place]:
    """These places and all below them; what is in a shared node is met once."""
    seen: set[int] = set()
    todo = here[::-1]
    while todo:
        place = todo.pop()
        yield place
        if isinstance(place.value, _Node):
            if id(place.value) in seen:
                continue
            seen.add(id(place.value))
        todo += reversed(_children(place))


def _is_a(value: Any, name: str) -> bool:
    """Whether a node calls a class of this name, or a subclass of one, or a function of this name."""
    if not isinstance(value, _Node):
        return False
    target = target_of(value)
    return name in ([cls.__name__ for cls in target.__mro__] if isinstance(target, type) else [display_name(target)])


def _is_tagged(annotation: Any, tag: str) -> bool:
    """Whether `Annotated` names the tag: by a text, or by a class of that name."""
    return any(getattr(note, "__name__", note) == tag for note in getattr(annotation, "__metadata__", ()))


# ---- words


def _refusal(place: Place, step: Step, context: Reading, root: Node) -> tuple[str, tuple[str, ...]]:
    """Why a step leads nowhere, and what may have been meant."""
    value, shown = place.value, format_path(place.path) or "the root"
    if isinstance(value, _Node):
        if not isinstance(step.value, str):
            return f"{display_name(value.__nrun_target__)} has no such positional argument", ()
        siblings = [name for name in signature_of_node(value).names if isinstance(name, str)]
        message = f"no such argument of {display_name(value.__nrun_target__)}"
        return message, name_hints(step.value, siblings, _arguments_below(root))
    if isinstance(value, list | tuple):
        what = f"{shown} has {len(value)} elements" if value else f"{shown} is empty"
        return f"there is no such element: {what}", (f"{shown}[+]=... adds one",)
    if value is UNSET or value is None:
        names = _choices(place, context)
        one_of = f" ({', '.join(names)})" if names else ""
        return f"{shown} is not set, and nothing says what is to be made{one_of}", (f"set it first: {shown}=NAME",)
    if type(value) is Reference:
        return f"{shown} is the value of {value}", ("set it there",)
    return f"{shown} is {value!r:.60}, which has no parts", ()


def _arguments_below(root: Node) -> Iterator[str]:
    """The path of every argument in the tree, set or not."""
    for path, node in nodes_of(root):
        try:
            names = signature_of_node(node).names
        except ConfigError:  # not importable here
            continue
        for name in names:
            yield format_path((*path, name))
