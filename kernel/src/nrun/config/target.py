"""What a node calls: a callable, or the name of one that is not imported yet.

A *symbol* is the text `module:qualified.name`. Signatures are read once per target and shared by
all its nodes.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import types
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from nrun.arguments import UnknownArgument, as_data, unknown_argument
from nrun.data import Data
from nrun.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nrun.config.checks import Check

    Target = Callable[..., Any] | str

T = TypeVar("T")


class DefaultFactory:
    """The default of a field that a dataclass or attrs class makes anew each time."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], object] | None) -> None:
        self.make = make  # None: it is worked out from the other fields


@attrs.frozen(eq=False, repr=False)
class Signature(Data):
    """What is known of a target, read once. Positional-only parameters and `*args` are known by index."""

    names: Mapping[str, object]
    """Parameters that can be given by name -> default, `inspect.Parameter.empty`, or a `DefaultFactory`."""
    positional: tuple[str | None, ...]
    """Positional parameters in order: the name, or None for a positional-only one."""
    defaults: Mapping[int, object]
    """Defaults of positional-only parameters, by index."""
    takes_more_positional: bool
    takes_more_names: bool
    by_index: bool
    """Whether any argument is known by index."""
    annotations: Mapping[str | int, object]
    """As they are written; those of `*args` and `**kwargs` are under `*` and `**`, and `return`."""
    required: tuple[str | int, ...]
    described: tuple[str | int, ...]
    """Parameters whose defaults describe something: building makes it anew each time."""
    accepts: dict[str | int, frozenset[type]]
    """Argument -> types whose values need no further look. Grows as checks are made: see `checks.py`."""
    checks: dict[str | int, Check | None]
    """Argument -> what its values are checked by, for those that were looked at."""
    forwards: Mapping[str | int, Callable[..., Any]]
    """Parameters that `**kwargs` pass on -> whose. Known only where there is source, so no meaning hangs on them."""
    hints: dict[str | int, Any]
    """Argument -> its resolved annotation, for those that were asked for: see `annotations.py`."""

    def default(self, name: str | int) -> object:
        """The default of a parameter, `inspect.Parameter.empty` if it has none or none that is known before."""
        default = self.names.get(name, _EMPTY) if isinstance(name, str) else self.defaults.get(name, _EMPTY)
        if isinstance(default, DefaultFactory):
            return default.make() if default.make else _EMPTY
        return default

    def missing(self, given: Mapping[str | int, object]) -> list[str]:
        """Required parameters that are not in `given`, as a user would write them."""
        return [name if isinstance(name, str) else f"[{name}]" for name in self.required if name not in given]


_EMPTY = inspect.Parameter.empty
_ACCEPTED: dict[object, frozenset[type]] = {
    **{kind: frozenset({kind}) for kind in (bool, int, float, complex, str, bytes)},
    **{kind.__name__: frozenset({kind}) for kind in (bool, int, float, complex, str, bytes)},
}
"""Annotations, and texts of annotations, that are understood without looking anything up."""


def kept_by_target(read: Callable[[Any], T]) -> Callable[[Any], T]:
    """What `read` tells of a target is kept; of a callable that cannot be hashed it is read again each time."""
    kept = functools.cache(read)

    def of(target: Any) -> T:  # noqa: ANN401 - any target
        try:
            return kept(target)
        except TypeError:
            return read(target)

    return functools.wraps(read)(of)


@kept_by_target
def signature_of(target: Any) -> Signature:  # noqa: ANN401 - to be found out
    """The signature of `target`; one that cannot be read accepts everything. Raises ConfigError if it is no target."""
    if not callable(target):
        raise ConfigError(f"{target!r} cannot be called, so it cannot be configured")
    try:
        signature = inspect.signature(as_data(target))
    except (ValueError, TypeError, NameError):
        signature = inspect.signature(lambda *_args, **_kwargs: None)  # it tells nothing about itself
    made = _made_defaults(target)
    names: dict[str, object] = {}
    positional: list[str | None] = []
    defaults: dict[int, object] = {}
    annotations: dict[str | int, object] = {"return": signature.return_annotation}
    for parameter in signature.parameters.values():
        name, default = parameter.name, made.get(parameter.name, parameter.default)
        for note in getattr(parameter.annotation, "__metadata__", ()):
            default = getattr(note, "__nrun_default__", lambda _annotation, given: given)(parameter.annotation, default)
        if parameter.kind is parameter.VAR_POSITIONAL:
            annotations["*"] = parameter.annotation
        elif parameter.kind is parameter.VAR_KEYWORD:
            annotations["**"] = parameter.annotation
        elif parameter.kind is parameter.POSITIONAL_ONLY:
            annotations[len(positional)] = parameter.annotation
            defaults[len(positional)] = default
            positional.append(None)
        else:
            annotations[name] = parameter.annotation
            names[name] = default
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
                positional.append(name)
    known = [(name, default) for table in (defaults, names) for name, default in table.items()]
    required = tuple(name for name, default in known if default is _EMPTY)
    described = tuple(name for name, default in known if _describes(default))
    takes_more_names, forwards = "**" in annotations, dict[str | int, Any]()
    if takes_more_names:
        from nrun.config.forwarding import forwarded

        if found := forwarded(target):
            receiver, given, by_position = found
            theirs = signature_of(receiver)
            given |= {*names, *theirs.positional[:by_position]}
            forwards = {name: theirs.forwards.get(name, receiver) for name in theirs.names if name not in given}
            names |= {name: default for name, default in theirs.names.items() if name in forwards}
            takes_more_names = theirs.takes_more_names
    return Signature(
        names,
        tuple(positional),
        defaults,
        takes_more_positional="*" in annotations,
        takes_more_names=takes_more_names,
        by_index="*" in annotations or None in positional,
        annotations=annotations,
        required=required,
        described=described,
        accepts={
            name: _ACCEPTED[annotation]
            for name, annotation in annotations.items()
            if isinstance(annotation, str | type) and annotation in _ACCEPTED
        },
        forwards=forwards,
        checks={},
        hints={},
    )


def _describes(default: Any) -> bool:  # noqa: ANN401 - any default
    """Whether a default is a node, or holds one."""
    inside = default.values() if isinstance(default, dict) else default if isinstance(default, list | tuple) else ()
    return hasattr(type(default), "__nrun_node__") or any(map(_describes, inside))


def _made_defaults(cls: Any) -> dict[str, DefaultFactory]:  # noqa: ANN401 - any target
    """Parameters of a dataclass or attrs class whose defaults are made when an instance is."""
    made: dict[str, DefaultFactory] = {}
    for name, field in getattr(cls, "__dataclass_fields__", {}).items():
        if callable(field.default_factory):
            made[name] = DefaultFactory(field.default_factory)
    for field in getattr(cls, "__attrs_attrs__", ()):
        if isinstance(field.default, attrs.Factory):  # type: ignore[arg-type] # a class, whatever its stub says
            made[field.alias or field.name] = DefaultFactory(
                None if field.default.takes_self else field.default.factory
            )
    return made


def check_name(signature: Signature, target: str, name: str | int) -> None:
    """Raise UnknownArgument for an argument that the target does not take."""
    if isinstance(name, int):
        count = len(signature.positional)
        if name < 0 or (name >= count and not signature.takes_more_positional):
            raise UnknownArgument(f"{target} has no positional argument {name}")
        if name < count and signature.positional[name] is not None:
            raise UnknownArgument(f"{target}: argument {name} is called {signature.positional[name]!r}; use the name")
    elif name not in signature.names and not signature.takes_more_names:
        raise unknown_argument(target, name, signature.names)


def symbol_of(target: object) -> str:
    """The symbol of an importable function, class or constant holder. Raises ConfigError for others."""
    if isinstance(target, str):
        return target
    target = getattr(target, "__origin__", target)  # Box[int] is found as Box
    owner, module = getattr(target, "__self__", None), getattr(target, "__module__", None)
    if isinstance(owner, type):  # a class method, which is another one for each class
        return f"{symbol_of(owner)}.{getattr(target, '__name__', '')}"
    name = None if isinstance(target, types.MethodType) else getattr(target, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        msg = f"{target!r} cannot be found again by another process"
        raise ConfigError(msg, hint="use a function or class defined at the top of a module, wrapped in Config")
    if "<" in name:  # <lambda>, <locals>
        what = "a lambda" if name.endswith("<lambda>") else "defined inside a function"
        msg = f"{module}.{name} is {what}, so another process cannot find it"
        raise ConfigError(msg, hint="move it to the top level of its file")
    return f"{module}:{name}"


def display_name(target: Target) -> str:
    """The short name of a target, for people."""
    name = target.partition(":")[2] if isinstance(target, str) else getattr(target, "__qualname__", None)
    return str(name or target)


def resolve(symbol: str) -> Any:  # noqa: ANN401 - a symbol may name anything
    """Import what a symbol names. Raises ConfigError naming the part that is missing."""
    module_name, _, qualified = symbol.partition(":")
    if not module_name or not qualified:
        raise ConfigError(f"{symbol!r} is not a symbol; write module:name")
    try:
        found: Any = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # a module may do anything when it is imported
        msg = f"cannot import {module_name!r} to find {symbol!r}: {type(error).__name__}: {error}"
        hint = "is it installed here, and on the path?" if isinstance(error, ImportError) else None
        raise ConfigError(msg, hint=hint) from error
    for part in qualified.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            msg = f"{symbol!r} does not exist: no {part!r} there.{did_you_mean(part, dir(found))}"
            raise ConfigError(msg) from None
    return found
