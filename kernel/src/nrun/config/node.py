"""`Config` and `Partial`: editable trees that describe calls, to be made later and elsewhere."""
# ruff: noqa: ANN401 - arguments may be of any type

from __future__ import annotations

import copy
import inspect
import reprlib
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from nrun.arguments import UnknownArgument, unknown_argument
from nrun.config.target import Signature, display_name, resolve, signature_of
from nrun.config.values import admit
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from nrun.config.target import Target

T = TypeVar("T")
_ABSENT = object()


class _Node(Generic[T]):
    """A call to be made: a target and the arguments that were set.

    Arguments are attributes (`cfg.lr`) and items (`cfg["lr"]`); an argument that bears the name of a
    method is reached as an item. Positional-only arguments and `*args` are items by index. What is
    kept here has names between double underscores, so that no parameter can clash with it.
    """

    __slots__ = ("__nrun_args__", "__nrun_target__")
    __nrun_node__: ClassVar[bool] = True
    __hash__ = None  # type: ignore[assignment] # mutable, compared by content

    __nrun_target__: Target
    __nrun_args__: dict[str | int, Any]

    def __init__(self, target: Callable[..., T] | str, /, *args: Any, **kwargs: Any) -> None:
        _check_target(target)
        _set(self, "__nrun_target__", target)
        _set(self, "__nrun_args__", {})
        if args:
            self._positional(args)
        for name, value in kwargs.items():
            self[name] = value

    def _positional(self, args: tuple[Any, ...]) -> None:
        signature = self._signature()
        names = signature.positional
        if len(args) > len(names) and not signature.takes_more_positional:
            msg = f"{display_name(self.__nrun_target__)} takes {len(names)} positional arguments, not {len(args)}"
            raise UnknownArgument(msg)
        for index, value in enumerate(args):
            name = names[index] if index < len(names) else None
            self[index if name is None else name] = value

    def _signature(self) -> Signature:
        """The signature of the target, importing it if it was given by name."""
        target = self.__nrun_target__
        if isinstance(target, str):
            target = resolve(target)
            _set(self, "__nrun_target__", target)
        return signature_of(cast("Callable[..., Any]", target))

    # ---- items and attributes

    def __setitem__(self, name: str | int, value: Any) -> None:
        target = self.__nrun_target__
        if not isinstance(target, str):
            _check_name(signature_of(target), display_name(target), name)
        self.__nrun_args__[name] = admit(value, _path(self, name))

    def __getitem__(self, name: str | int) -> Any:
        value = self.__nrun_args__.get(name, _ABSENT)
        if value is not _ABSENT:
            return value
        signature = self._signature()
        default = signature.names.get(name, _ABSENT) if isinstance(name, str) else signature.defaults.get(name, _ABSENT)
        if default is inspect.Parameter.empty:
            msg = f"{_path(self, name)} is not set and has no default"
            raise UnknownArgument(msg)
        if default is _ABSENT:
            _check_name(signature, display_name(self.__nrun_target__), name)
            msg = f"{_path(self, name)} is not set"
            raise UnknownArgument(msg)
        if type(default) in (list, dict, set):  # edits must neither be lost nor reach the function's own default
            self.__nrun_args__[name] = default = copy.deepcopy(default)
        return default

    def __delitem__(self, name: str | int) -> None:
        if name not in self.__nrun_args__:
            msg = f"{_path(self, name)} is not set"
            raise UnknownArgument(msg)
        del self.__nrun_args__[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        del self[name]

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
        return sorted({*self._signature().names, *(n for n in self.__nrun_args__ if isinstance(n, str))})

    # ---- copying, comparing, showing

    def __copy__(self) -> Self:
        new = object.__new__(type(self))
        _set(new, "__nrun_target__", self.__nrun_target__)
        _set(new, "__nrun_args__", dict(self.__nrun_args__))
        return new

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        new = object.__new__(type(self))
        memo[id(self)] = new
        _set(new, "__nrun_target__", self.__nrun_target__)
        _set(new, "__nrun_args__", {})
        for name, value in self.__nrun_args__.items():
            new.__nrun_args__[name] = copy.deepcopy(value, memo)
        return new

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Node):
            return NotImplemented
        from nrun.config.compare import same

        return same(self, other)

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        args = [
            repr(value) if isinstance(name, int) else f"{name}={value!r}" for name, value in self.__nrun_args__.items()
        ]
        return f"{type(self).__name__}({', '.join([display_name(self.__nrun_target__), *args])})"

    # ---- JSON

    def to_json(self) -> str:
        """This tree as JSON text, from which `from_json` makes an equal one."""
        from nrun.config.codec import dumps

        return dumps(self)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The tree that `to_json` gave. Imports nothing: targets are looked up when they are needed.

        Raises ConfigError for any other text.
        """
        from nrun.config.codec import loads

        value = loads(text)
        if not isinstance(value, cls):
            msg = f"this JSON describes a {type(value).__name__}, not a {cls.__name__}"
            raise ConfigError(msg)
        return value


class Config(_Node[T]):
    """Describes a call of `target`; building it makes the call. `Config("module:name")` imports nothing yet."""

    __slots__ = ()


class Partial(_Node[T]):
    """Describes a call of `target`; building it gives a callable with these arguments filled in."""

    __slots__ = ()


Node = _Node[Any]
_set = object.__setattr__


def target_of(node: Node) -> Callable[..., Any]:
    """What the node calls, imported if it was given by name."""
    node._signature()  # noqa: SLF001 - the same module
    return cast("Callable[..., Any]", node.__nrun_target__)


def set_arguments(node: Node) -> dict[str | int, Any]:
    """The arguments that are set on the node, by name or index: the dictionary itself."""
    return node.__nrun_args__


def signature_of_node(node: Node) -> Signature:
    """The signature of what the node calls."""
    return node._signature()  # noqa: SLF001 - the same module


def new_node(cls: type[Node], target: str, arguments: dict[str | int, Any]) -> Node:
    """A node whose arguments are known to be admissible, such as one read from a file."""
    node = object.__new__(cls)
    _set(node, "__nrun_target__", target)
    _set(node, "__nrun_args__", arguments)
    return node


def _check_target(target: object) -> None:
    if isinstance(target, _Node):
        msg = f"{display_name(target.__nrun_target__)} is wrapped already"
        raise ConfigError(msg, hint="wrap what it calls, or copy it with copy.deepcopy")
    if not isinstance(target, str) and not callable(target):
        msg = f"{target!r} cannot be called, so it cannot be configured"
        raise ConfigError(msg)


def _path(node: Node, name: str | int) -> str:
    base = display_name(node.__nrun_target__)
    return f"{base}[{name}]" if isinstance(name, int) else f"{base}.{name}"


def _check_name(signature: Signature, target: str, name: str | int) -> None:
    if isinstance(name, int):
        count = len(signature.positional)
        if name < 0 or (name >= count and not signature.takes_more_positional):
            msg = f"{target} has no positional argument {name}"
            raise UnknownArgument(msg)
        if name < count and signature.positional[name] is not None:
            msg = f"{target}: argument {name} is called {signature.positional[name]!r}; use the name"
            raise UnknownArgument(msg)
    elif name not in signature.names and not signature.takes_more_names:
        raise unknown_argument(target, name, signature.names)
