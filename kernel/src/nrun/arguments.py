"""Arguments that do not fit: one clear error, with what was probably meant."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import attrs

from nrun.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class UnknownArgument(ConfigError, TypeError, AttributeError):  # noqa: N818 - reads as what it says
    """An argument that the target does not take."""


class UnfitValue(ConfigError, TypeError, ValueError):  # noqa: N818 - reads as what it says
    """A value that the argument does not admit."""


def unknown_argument(target: str, name: str, known: Collection[str]) -> UnknownArgument:
    """The error for the argument `name` of `target`, which takes those in `known`."""
    takes = ", ".join(known) or "none"
    return UnknownArgument(f"{target} takes no argument {name!r}; it takes: {takes}.{did_you_mean(name, known)}")


class ArgumentsExplained:
    """Base of the attrs classes that users write, so that what they get wrong is told in words.

    In these classes and their subclasses an unknown keyword raises UnknownArgument, and a value that a
    validator of attrs refuses raises UnfitValue.
    """

    __slots__ = ()

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        """Called by attrs when it has made a class; one without an `__init__` of its own inherits what is needed."""
        if "__init__" in vars(cls):
            cls.__init__ = _explaining(cls.__init__)  # type: ignore[method-assign] # the class is complete but for this


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
