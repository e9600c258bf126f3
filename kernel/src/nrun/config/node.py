"""`Config`, `Partial` and `Fresh`: editable trees that describe calls, to be made later and elsewhere."""
# ruff: noqa: ANN401 - arguments may be of any type

from __future__ import annotations

import contextvars
import copy
import inspect
import sys
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from nrun.arguments import UnfitValue, UnknownArgument, brought_by
from nrun.config.target import check_name, display_name, resolve, signature_of
from nrun.config.values import PLAIN, Refused, admit
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import CodeType
    from typing import Self, TypeAlias

    from nrun.config.migrations import Migration
    from nrun.config.origin import Origin
    from nrun.config.target import Signature, Target

    CodeOrigin = tuple[CodeType | None, int]
    ReaderOrigin = tuple[CodeType | None, int, int]
    Record = tuple[str | int, "Origin | CodeOrigin | ReaderOrigin | str", str | None, "Trail"]
    Trail: TypeAlias = Record | Origin | CodeType | None
    Tags = frozenset[tuple[str | int, str]]

T = TypeVar("T")
N = TypeVar("N", bound="BaseNode[Any]")
_ABSENT = object()
_NOTHING: frozenset[type] = frozenset()
_EDITABLE = frozenset({list, dict, set})
keeps_trail = contextvars.ContextVar("nrun_keeps_trail", default=True)
DEFAULT = "default"
"""The origin of an argument that was copied from the default, so that it can be edited."""
PINNED = "pinned"
"""The tag of arguments that were set to their defaults, so that they stay when these change."""


class BaseNode(Generic[T]):
    """A call to be made: a target and the arguments that were set.

    Arguments are attributes (`cfg.lr`) and items (`cfg["lr"]`); one that bears the name of a method is
    read as an item, and set either way. Positional-only arguments and `*args` are items by index. What is
    kept here has names between double underscores, so that no parameter can clash with it.

    The trail says where the arguments came from: linked records (argument, origin, the value it displaced,
    the record before), down to what made the node with all that was set then. If that is code, the instruction is
    kept beside it: most nodes have no other record, and every tuple costs.
    """

    __slots__ = ("__nrun_args__", "__nrun_at__", "__nrun_tags__", "__nrun_target__", "__nrun_trail__")
    __hash__ = None  # type: ignore[assignment] # mutable, compared by content
    __nrun_node__: ClassVar[bool] = True
    __nrun_holds__: ClassVar[frozenset[type]]

    __nrun_target__: Target
    __nrun_args__: dict[str | int, Any]
    __nrun_trail__: Trail
    __nrun_at__: int
    __nrun_tags__: Tags | None

    def __init__(self, target: Callable[..., T] | str, /, *args: Any, **kwargs: Any) -> None:
        arguments: dict[str | int, Any] = cast("dict[str | int, Any]", kwargs)
        set_target(self, target)
        _set_arguments(self, arguments)
        code, at = caller()
        set_trail(self, code)
        set_instruction(self, at)
        set_tags(self, None)
        if type(target) is str:
            for name, value in arguments.items():
                arguments[name] = value if type(value) in PLAIN else admitted(self, name, value)
        else:
            accepts = _wrapped(target).accepts
            for name, value in arguments.items():
                if type(value) not in accepts.get(name, _NOTHING):
                    arguments[name] = admitted(self, name, value)
        if args:
            _set_arguments(self, {**_positional(self, args, arguments), **arguments})

    # ---- items and attributes

    def __setitem__(self, name: str | int, value: Any) -> None:
        put(self, name, value, caller())

    def __getitem__(self, name: str | int) -> Any:
        value = self.__nrun_args__.get(name, _ABSENT)
        if value is not _ABSENT:
            if type(value) in _EDITABLE and keeps_trail.get():
                from nrun.config.origin import note_reader

                note_reader(self, name, value, caller())
            return value
        signature = signature_of_node(self)
        default = signature.default(name)
        if default is inspect.Parameter.empty:
            check_name(signature, display_name(self.__nrun_target__), name)
            raise UnknownArgument(f"{_path(self, name)} is not set and has no default")
        return default if type(default) in PLAIN else _own_default(self, name, default)

    def __delitem__(self, name: str | int) -> None:
        remove(self, name, caller())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("__") and name.endswith("__"):  # such as `__orig_class__`, which typing would set
            raise AttributeError(name)
        put(self, name, value, caller())

    def __delattr__(self, name: str) -> None:
        remove(self, name, caller())

    def __iter__(self) -> Iterator[str | int]:
        """The names of the arguments that are set, in the order they were set."""
        return iter(self.__nrun_args__)

    def __len__(self) -> int:
        return len(self.__nrun_args__)

    def __bool__(self) -> bool:
        return True

    def __contains__(self, name: object) -> bool:
        return name in self.__nrun_args__

    def __dir__(self) -> list[str]:
        own = (name for name in dir(type(self)) if not name.startswith("_"))
        return sorted({*own, *signature_of_node(self).names, *(n for n in self.__nrun_args__ if isinstance(n, str))})

    # ---- copying, comparing, showing

    def __copy__(self) -> Self:
        return new_like(self, type(self), dict(self.__nrun_args__))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        from nrun.config.order import deepcopied

        return deepcopied(self, memo)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_json, (self.to_json(),)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BaseNode):
            return NotImplemented
        from nrun.config.compare import same

        return same(self, other)

    def __repr__(self) -> str:
        from nrun.config.show import show

        return show(self)

    # ---- what users of NeMo Run know as methods

    def clone(self) -> Self:
        """A copy that shares nothing with this tree but what cannot change; sharing within it is kept."""
        return copy.deepcopy(self)

    def to_json(self) -> str:
        """This tree as JSON text, from which `from_json` makes an equal one."""
        from nrun.config.codec import dumps

        return dumps(self)

    @classmethod
    def from_json(cls, text: str, *, migrations: Sequence[Migration] = ()) -> Self:
        """The tree that `to_json` gave. Targets stay names; only enums, and classes of objects in it, are imported.

        Names from before become those of now: by `migrations`, and by steps of packages, when these are imported.
        Raises ConfigError for any other text.
        """
        from nrun.config.codec import loads

        value = loads(text, migrations)
        if not isinstance(value, cls):
            raise ConfigError(f"this JSON describes a {type(value).__name__}, not a {cls.__name__}")
        return value

    walk = brought_by("nrun.config.edit:walk", "Set arguments, wherever taken, to what functions make of the nodes.")
    broadcast = brought_by("nrun.config.edit:broadcast", "Set arguments of these names wherever a node takes them.")
    to_yaml = brought_by("nrun.files:to_yaml", "This tree as YAML: see `nrun.dumps`.")
    from_yaml = classmethod(brought_by("nrun.files:from_yaml", "The tree that `to_yaml` gave: see `nrun.loads`."))
    diff = brought_by("nrun.provided:diff", "What has changed since another tree, which is given; `print` shows it.")
    visualize = brought_by("nrun.provided:visualize", "A picture of this tree: notebooks show it, and `print` does.")
    save_config_img = brought_by("nrun.provided:save_config_img", "Write a picture of this tree to a file.")


class Config(BaseNode[T]):
    """Describes a call of `target`; building it makes the call. `Config("module:name")` imports nothing yet."""

    __slots__ = ()


class Partial(BaseNode[T]):
    """Describes a call of `target`; building it gives a callable with these arguments filled in."""

    __slots__ = ()


class Fresh(BaseNode[T]):
    """Describes a call of `target` that is made anew each time the `Partial` around it is called."""

    __slots__ = ()


Node = BaseNode[Any]
NODES: frozenset[type] = frozenset({Config, Partial, Fresh})
Config.__nrun_holds__ = frozenset({Config, Partial})
Partial.__nrun_holds__ = Fresh.__nrun_holds__ = NODES

set_target = vars(BaseNode)["__nrun_target__"].__set__
_set_arguments = vars(BaseNode)["__nrun_args__"].__set__
set_instruction = vars(BaseNode)["__nrun_at__"].__set__
set_trail = vars(BaseNode)["__nrun_trail__"].__set__
set_tags = vars(BaseNode)["__nrun_tags__"].__set__


def put(node: Node, name: str | int, value: Any, origin: Origin | CodeOrigin | str) -> None:
    """Set an argument and remember where its value came from. Raises ConfigError for an unfit name or value."""
    target, arguments = node.__nrun_target__, node.__nrun_args__
    known = _NOTHING if isinstance(target, str) else signature_of(target).accepts.get(name, _NOTHING)
    if type(value) not in known:
        value = admitted(node, name, value)
    set_trail(node, (name, origin, _displaced(arguments, name), node.__nrun_trail__))
    arguments[name] = value
    if node.__nrun_tags__:
        set_tags(node, node.__nrun_tags__ - {(name, PINNED)} or None)


def remove(node: Node, name: str | int, origin: Origin | CodeOrigin) -> None:
    """Unset an argument. Raises UnknownArgument if it is not set."""
    if name not in node.__nrun_args__:
        if not isinstance(node.__nrun_target__, str):
            check_name(signature_of(node.__nrun_target__), display_name(node.__nrun_target__), name)
        raise UnknownArgument(f"{_path(node, name)} is not set")
    set_trail(node, (name, origin, _displaced(node.__nrun_args__, name), node.__nrun_trail__))
    del node.__nrun_args__[name]


def target_of(node: Node) -> Callable[..., Any]:
    """What the node calls, imported if it was given by name."""
    target = node.__nrun_target__
    if isinstance(target, str):
        from nrun.config.migrations import migrated

        target = resolve(migrated(node, target))
        signature_of(target)  # that it can be called
        set_target(node, target)
    return target


def set_arguments(node: Node) -> dict[str | int, Any]:
    """The arguments that are set on the node, by name or index: the dictionary itself."""
    return node.__nrun_args__


def signature_of_node(node: Node) -> Signature:
    """The signature of what the node calls, imported if it was given by name."""
    return signature_of(target_of(node))


def new_node(cls: type[N], target: Target, arguments: dict[str | int, Any], trail: Trail = None) -> N:
    """A node whose arguments are known to be admissible, such as one read from a file."""
    node = object.__new__(cls)
    set_target(node, target)
    _set_arguments(node, arguments)
    set_trail(node, trail)
    set_instruction(node, 0)
    set_tags(node, None)
    return node


def new_like(node: Node, cls: type[N], arguments: dict[str | int, Any]) -> N:
    """As `new_node`, with the target, trail and tags of another node."""
    new = new_node(cls, node.__nrun_target__, arguments, node.__nrun_trail__)
    set_instruction(new, node.__nrun_at__)
    set_tags(new, node.__nrun_tags__)
    return new


def keepable(node: Node, name: str | int, value: Any) -> Any:
    """`value` as the node can keep it. Raises ConfigError, with the place, for an unknown name or what is no value."""
    target = node.__nrun_target__
    if not isinstance(target, str):
        check_name(signature_of(target), display_name(target), name)
    try:
        if value is node:
            raise Refused("a node cannot contain itself", "give it a copy: cfg.clone()")  # noqa: TRY301 - as admit does
        return admit(value, node.__nrun_holds__)
    except Refused as refused:
        raise _refusal(node, name, refused) from None


def admitted(node: Node, name: str | int, value: Any) -> Any:
    """`value` as the node keeps it, checked by the annotation. Raises ConfigError, with the place, for an unfit one."""
    value, target = keepable(node, name, value), node.__nrun_target__
    if isinstance(target, str):
        return value
    checks = signature_of(target).checks
    if name in checks:
        check = checks[name]
    else:
        from nrun.config.checks import learn_check

        check = learn_check(target, name)
    try:
        return value if check is None else check.fit(value)
    except Refused as refused:
        raise _refusal(node, name, refused) from None


def _wrapped(target: Any) -> Signature:
    if isinstance(target, BaseNode):
        msg = f"{display_name(target.__nrun_target__)} is wrapped already"
        raise ConfigError(msg, hint="wrap what it calls, or copy it with copy.deepcopy")
    return signature_of(target)


def _positional(node: Node, args: tuple[Any, ...], named: dict[str | int, Any]) -> dict[str | int, Any]:
    """Positional arguments by the names of their parameters, or by index where those have none."""
    signature = signature_of_node(node)
    names, target = signature.positional, display_name(node.__nrun_target__)
    if len(args) > len(names) and not signature.takes_more_positional:
        raise UnknownArgument(f"{target} takes {len(names)} positional arguments, not {len(args)}")
    keys = [(names[index] if index < len(names) else None) or index for index in range(len(args))]
    twice = [key for key in keys if key in named]
    if twice:
        raise UnknownArgument(f"{target} is given {twice[0]!r} both by position and by name")
    return {key: admitted(node, key, value) for key, value in zip(keys, args, strict=True)}


def caller() -> CodeOrigin:
    """Where the code stands that made or edited a node: told as a line only if somebody asks."""
    if not keeps_trail.get():
        return None, 0
    frame = sys._getframe(2)  # noqa: SLF001 - one look; inspect.stack reads files
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("nrun."):
        frame = frame.f_back
    return frame.f_code, frame.f_lasti


def _displaced(arguments: dict[str | int, Any], name: str | int) -> str | None:
    """The value of an argument as the trail keeps it when another takes its place."""
    if name not in arguments:
        return None
    from nrun.config.show import brief

    return brief(arguments[name])


def _own_default(node: Node, name: str | int, default: Any) -> Any:
    """A default that can be edited is copied into the node: edits must neither be lost nor reach the function's."""
    try:
        hash(default)
    except TypeError:
        default = copy.deepcopy(default)
        try:
            put(node, name, default, DEFAULT)
        except ConfigError:  # it could not be written down, so it cannot be kept
            return default
        return node.__nrun_args__[name]
    return default


def _refusal(node: Node, name: str | int, refused: Refused) -> ConfigError:
    from nrun.config.checks import Misfit
    from nrun.config.paths import Key, format_path

    steps = [Key(*step) if isinstance(step, tuple) else step for step in refused.steps]
    place = _path(node, name) + format_path((0, *steps)).removeprefix("[0]")
    if isinstance(refused, Misfit):
        return UnfitValue(f"{place} {refused.message}", hint=refused.hint)
    return ConfigError(f"{place}: {refused.message}", hint=refused.hint)


def _path(node: Node, name: str | int) -> str:
    base = display_name(node.__nrun_target__)
    return f"{base}[{name}]" if isinstance(name, int) else f"{base}.{name}"
