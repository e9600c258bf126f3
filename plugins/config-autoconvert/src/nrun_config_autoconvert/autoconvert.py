"""`autoconvert`: a function that makes things becomes one that describes how to make them.

The function runs as ordinary Python, when it is called: loops, conditions, comprehensions, closures. Only its
calls have another meaning. A call of a class, or of a function outside the standard library, gives a Config of
that call; everything else just runs.
"""
# ruff: noqa: ANN401 - functions of all kinds, with arguments of any type

from __future__ import annotations

import functools
import sys
import types
from typing import TYPE_CHECKING, Any, overload

from nrun.config.node import NODES, Config, Partial, new_node, set_arguments, set_trail
from nrun.config.target import display_name
from nrun.config.values import Refused, admit
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, ParamSpec, Protocol, TypeVar

    P = ParamSpec("P")
    T = TypeVar("T")
    Described_co = TypeVar("Described_co", covariant=True)

    class Autoconverted(Protocol[P, T, Described_co]):
        """What `autoconvert` gives."""

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Described_co:
            """Describe what the function makes."""

        def as_config(self, *args: P.args, **kwargs: P.kwargs) -> Config[T]:
            """Describe it, not as a Partial."""

        def wrapped(self, *args: P.args, **kwargs: P.kwargs) -> T:
            """Make it."""


_LOOK_INSIDE = frozenset(
    {
        *(all, any, bool, dict, enumerate, filter, frozenset, iter, len, list, map, max, min),
        *(next, reversed, set, sorted, str, sum, tuple, zip),
    }
)
"""Builtins that would take a node for what it describes: a node has a length, items and a text too."""


@overload
def autoconvert(function: Callable[P, T], /, *, partial: Literal[False] = False) -> Autoconverted[P, T, Config[T]]: ...
@overload
def autoconvert(function: Callable[P, T], /, *, partial: Literal[True]) -> Autoconverted[P, T, Partial[T]]: ...
@overload
def autoconvert(*, partial: Literal[False] = False) -> Callable[[Callable[P, T]], Autoconverted[P, T, Config[T]]]: ...
@overload
def autoconvert(*, partial: Literal[True]) -> Callable[[Callable[P, T]], Autoconverted[P, T, Partial[T]]]: ...


def autoconvert(function: Callable[..., Any] | None = None, /, *, partial: bool = False) -> Any:
    """Decorate a function so that a call of it gives the Config of what the function makes.

    With `partial`, the outermost Config becomes a Partial; in a list, that of every item. The result also has

    - `wrapped(...)`: the function as it was written. It gives what `build` would make of the Config;
    - `as_config(...)`: the Config, whatever `partial` says.

    The function must be a `def` with its source at hand, and this decorator the one next to it. It is converted
    when it is first called. Raises ConfigError for anything but such a function; its calls raise ConfigError,
    with the line, where the value of something that is only described would be needed. `eager` calls now.
    """
    if function is None:
        return functools.partial(autoconvert, partial=partial)
    written = _as_written(function)

    @functools.cache
    def forms() -> tuple[Callable[..., Any], Callable[..., Any]]:
        from nrun_config_autoconvert.rewrite import rewritten

        bound = rewritten(written)
        return bound(_DESCRIBING), bound(_MAKING)

    @functools.wraps(written)
    def as_config(*args: Any, **kwargs: Any) -> Any:
        try:
            return admit(forms()[0](*args, **kwargs), NODES)
        except Refused as refused:
            raise ConfigError(f"{written.__qualname__}(): {refused.message}", hint=refused.hint) from None

    @functools.wraps(written)
    def as_partial(*args: Any, **kwargs: Any) -> Any:
        return _partial(as_config(*args, **kwargs))

    @functools.wraps(written)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return forms()[1](*args, **kwargs)

    described: Any = as_partial if partial else as_config
    described.as_config, described.wrapped = as_config, wrapped
    described.__auto_config__ = True
    described.__nrun_made__ = functools.partial(functools.partial, wrapped) if partial else wrapped
    return described


def eager(function: Callable[P, T]) -> Callable[P, T]:
    """`function` (or a class) for use inside an autoconverted function: its calls are made, not described."""

    @functools.wraps(function, updated=())
    def now(*args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    vars(now)["__nrun_eager__"] = True
    return now


def _as_written(function: object) -> types.FunctionType:
    decorated = hasattr(function, "__wrapped__")  # the mark that decorators leave
    if isinstance(function, types.FunctionType) and function.__name__ != "<lambda>" and not decorated:
        return function
    msg = f"autoconvert takes a function as its `def` made it, not {function!r}"
    raise ConfigError(msg, hint="write @autoconvert directly above the def, below all other decorators")


def _partial(described: Any) -> Any:
    if isinstance(described, list | tuple):
        return type(described)([_partial(item) for item in described])
    if not isinstance(described, Config):
        return described
    arguments, trail, tags = dict(set_arguments(described)), described.__nrun_trail__, described.__nrun_tags__
    return new_node(Partial, described.__nrun_target__, arguments, trail, tags)


# ---- what calls mean when things are described


def _described(callee: Any, where: str) -> Callable[..., Any]:
    """What is called in the place of `callee`."""
    _needed(callee, "it can be called only once it is built", where)
    if callee is isinstance:
        return _is_instance
    if isinstance(callee, type | types.BuiltinFunctionType) and callee in _LOOK_INSIDE:
        return functools.partial(_look_inside, callee, where)
    target = getattr(callee, "__origin__", callee)  # Box of Box[int]
    if _runs_now(target):
        return callee  # type: ignore[no-any-return] # whatever it is, it is the user's to call it

    def describe(*args: Any, **kwargs: Any) -> Config[Any]:
        try:
            node = Config(target, *args, **kwargs)
        except ConfigError as error:
            error.where = where
            raise
        line = sys._getframe(1)  # noqa: SLF001 - as the kernel looks for it, past this module
        set_trail(node, (line.f_code, line.f_lasti))
        return node

    return describe


def _runs_now(callee: Any) -> bool:
    """Whether a call of `callee` is made and not described."""
    if _marked(callee, "__auto_config__") or _marked(callee, "__nrun_eager__"):
        return True
    owner = getattr(callee, "__self__", None)
    if isinstance(owner, type):
        callee = owner  # a class method is its class's
    elif owner is not None and not isinstance(owner, types.ModuleType):
        return True  # a method of something that exists already
    if callee is functools.partial:
        return False
    if isinstance(callee, type):
        import enum

        if issubclass(callee, BaseException | enum.Enum):  # to be raised; to look up a member
            return True
    module = getattr(callee, "__module__", None) or "builtins"
    root = module.partition(".")[0]
    return (
        root == "nrun"
        or root.startswith("nrun_config_")
        or root in sys.stdlib_module_names
        or not hasattr(callee, "__qualname__")
    )


def _marked(callee: Any, mark: str) -> bool:
    return getattr(callee, mark, False) is True


def _needed(value: Any, why: str, where: str) -> Any:
    """`value`, if it exists. Raises ConfigError if it is only described."""
    if isinstance(value, Config | Partial):
        name = display_name(value.__nrun_target__)
        error = ConfigError(
            f"{name} is described here, not made: {why}",
            hint=f"decide on the arguments of the function instead, or call it now: eager({name})(...)",
        )
        error.where = where
        raise error
    return value


def _look_inside(builtin: Callable[..., Any], where: str, /, *args: Any, **kwargs: Any) -> Any:
    for value in args:
        _needed(value, "what it holds is known only once it is built", where)
    return builtin(*args, **kwargs)


def _is_instance(value: Any, kinds: Any) -> bool:
    """`isinstance`, for which a description of an object is one."""
    if isinstance(value, kinds):
        return True
    target = value.__nrun_target__ if isinstance(value, Config) else None
    return isinstance(target, type) and issubclass(target, kinds)


# ---- what calls mean when things are made


def _made(callee: Any, where: str) -> Callable[..., Any]:  # noqa: ARG001 - called as _described is
    """What is called in the place of `callee`: of an autoconverted function, that which makes."""
    if not _marked(callee, "__auto_config__"):
        return callee  # type: ignore[no-any-return] # as in _described
    made = callee.__nrun_made__
    return types.MethodType(made, callee.__self__) if isinstance(callee, types.MethodType) else made


def _same(value: Any, *_: str) -> Any:
    return value


_DESCRIBING = {"__nrun_callee__": _described, "__nrun_needed__": _needed, "__nrun_own__": eager}
_MAKING = {"__nrun_callee__": _made, "__nrun_needed__": _same, "__nrun_own__": _same}
