"""What users write as data: executors, plugins of a run, packagers, scripts. Frozen, and what does not fit is told."""

from __future__ import annotations

import functools
from importlib import import_module
from types import MethodType
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

import attrs

from nrun.data import Data
from nrun.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Never, Self

T = TypeVar("T")


class UnknownArgument(ConfigError, TypeError, AttributeError):  # noqa: N818 - reads as what it says
    """An argument that the target does not take."""


class UnfitValue(ConfigError, TypeError, ValueError):  # noqa: N818 - reads as what it says
    """A value that the argument does not admit."""


def unknown_argument(target: str, name: str, known: Collection[str]) -> UnknownArgument:
    """The error for the argument `name` of `target`, which takes those in `known`."""
    takes = ", ".join(known) or "none"
    return UnknownArgument(f"{target} takes no argument {name!r}; it takes: {takes}.{did_you_mean(name, known)}")


def brought_by(symbol: str, doc: str) -> Callable[..., Any]:
    """A method that users of NeMo Run know. What does it is looked up at the call: a lower layer may not know it."""

    def method(owner: Any, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever that takes and gives
        module, _, name = symbol.partition(":")
        return getattr(import_module(module), name)(owner, *args, **kwargs)

    method.__doc__ = doc
    return method


class UserData(Data):
    """Base of the classes whose instances users write. They are frozen, take arguments by name, and explain misuse.

    A subclass may be `@attrs.frozen(kw_only=True)`. One that is not, whether plain or a dataclass, becomes the same
    when it is first used: what it annotates are its fields. An unknown argument raises UnknownArgument, a value that a
    validator of attrs refuses raises UnfitValue, an assignment ConfigError.
    """

    __slots__ = ()

    def __init_subclass__(cls, **options: Any) -> None:  # noqa: ANN401 - whatever other bases take
        """Whatever is subclassed is complete, decorators and all."""
        super().__init_subclass__(**options)
        for base in cls.__bases__:
            as_data(base)

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        """Called by attrs when it has made a class; one without an `__init__` of its own inherits what is needed."""
        if "__init__" in vars(cls):
            cls.__init__ = _explaining(cls.__init__)  # type: ignore[method-assign] # the class is complete but for this
        for name in {"__setattr__", "__delattr__"} & vars(cls).keys():
            delattr(cls, name)  # ours say more

    def __new__(cls, *_args: object, **_kwargs: object) -> Self:  # noqa: D102 - its __init__ says what it takes
        return object.__new__(as_data(cls))

    def __setattr__(self, name: str, value: object) -> None:
        unset = isinstance(getattr(self, name, self.clone), MethodType)  # a field may bear the name of a method
        if not unset or name not in attrs.fields_dict(type(self)):
            change = f"{name}={value!r:.60}"
            msg = f"{type(self).__name__} is frozen: {name} cannot be set"
            raise ConfigError(msg, hint=f"make another: x.clone({change}), which is attrs.evolve(x, {change})")
        object.__setattr__(self, name, value)  # its __init__, or what is called after that

    def __delattr__(self, name: str) -> Never:
        raise ConfigError(f"{type(self).__name__} is frozen: {name} cannot be deleted")

    def clone(self, **changes: Any) -> Self:  # noqa: ANN401 - values of its fields
        """A copy with other values for some fields."""
        return attrs.evolve(self, **changes)  # type: ignore[misc] # every instance is of an attrs class

    to_config = brought_by("nrun.provided:to_config", "The `Config` that builds to an equal one: see that.")
    diff = brought_by("nrun.provided:diff", "What has changed since another one, which is given; `print` shows it.")


def as_data(cls: T) -> T:
    """`cls`, which is made data if it is a subclass of UserData that is not."""
    if isinstance(cls, type) and UserData in cls.__mro__[1:] and "__attrs_attrs__" not in vars(cls):
        from nrun.plain import make_data

        make_data(cls)
    return cls


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(attrs.field,))
class Extensible(UserData):
    """Whatever subclasses annotate are their fields: type checkers are told, and `UserData` makes it so."""

    __slots__ = ()
    __attrs_attrs__ = ()  # nothing to make of it: it has no fields


def _explaining(init: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(init)
    def explained(self: object, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - whatever the class takes
        try:
            init(self, *args, **kwargs)
        except ConfigError:
            raise
        except ValueError as error:
            raise UnfitValue(f"{type(self).__name__}: {error}") from error
        except TypeError as error:
            if len(error.args) > 1 and isinstance(error.args[1], attrs.Attribute):  # instance_of tells all it knows
                raise UnfitValue(f"{type(self).__name__}: {error.args[0]}") from error
            import inspect  # only errors pay for it

            parameters = inspect.signature(init).parameters.values()
            known = [parameter.name for parameter in parameters][1:]
            unknown = [name for name in kwargs if name not in known]
            if unknown and not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
                raise unknown_argument(type(self).__name__, unknown[0], known) from None
            raise

    return explained
