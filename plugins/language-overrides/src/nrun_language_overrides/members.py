"""What an annotation is made of."""
# ruff: noqa: ANN401 - an annotation may stand for any value

from __future__ import annotations

import types
import typing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WRAPPERS = (typing.Required, typing.NotRequired, typing.Final, typing.ClassVar)


def members_of(annotation: Any, whole: Callable[[Any], object] = lambda _annotated: False) -> Iterator[Any]:
    """The members of a union, or the annotation alone, without what says nothing about values.

    `whole` tells for an `Annotated` whether what is added to the type does say something.
    """
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        inner = args
    elif origin in _WRAPPERS or (origin is typing.Annotated and not whole(annotation)):
        inner = args[:1]
    elif isinstance(annotation, typing.NewType):
        inner = (annotation.__supertype__,)
    elif isinstance(annotation, typing.TypeVar):
        inner = annotation.__constraints__ or (annotation.__bound__ or Any,)
    elif hasattr(annotation, "__value__") and not isinstance(annotation, type):  # type X = ..., from Python 3.12
        inner = (annotation.__value__,)
    else:
        yield type(None) if annotation is None else annotation
        return
    for member in inner:
        yield from members_of(member, whole)
