"""Arguments that a target does not take: one error for all of them, with what was probably meant."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from nrun.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class UnknownArgument(ConfigError, TypeError, AttributeError):  # noqa: N818 - reads as what it says
    """An argument that the target does not take."""


def unknown_argument(target: str, name: str, known: Collection[str]) -> UnknownArgument:
    """The error for the argument `name` of `target`, which takes those in `known`."""
    takes = ", ".join(known) or "none"
    return UnknownArgument(f"{target} takes no argument {name!r}; it takes: {takes}.{did_you_mean(name, known)}")


class NamesItsArguments:
    """Base of the attrs classes that users write: an unknown keyword raises UnknownArgument, in subclasses too."""

    __slots__ = ()

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        """Called by attrs when it has made a class; one without an `__init__` of its own inherits what is needed."""
        if "__init__" in vars(cls):
            cls.__init__ = _naming_arguments(cls.__init__)  # type: ignore[method-assign] # the class is complete but for this


def _naming_arguments(init: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(init)
    def checked(self: object, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - whatever the class takes
        try:
            init(self, *args, **kwargs)
        except TypeError:
            import inspect  # only errors pay for it

            parameters = inspect.signature(init).parameters.values()
            known = [parameter.name for parameter in parameters][1:]
            unknown = [name for name in kwargs if name not in known]
            if unknown and not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
                raise unknown_argument(type(self).__name__, unknown[0], known) from None
            raise

    return checked
