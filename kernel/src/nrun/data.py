"""`Data`: equality, hash and text form of the kernel's frozen classes, written once.

attrs writes and compiles them for every class anew. That is more than half of what it takes to define one, and
a launch defines about fifty, before anything is run. Classes that serve as keys by the thousand keep their own.
"""

from __future__ import annotations

from typing import Any, ClassVar


class Data:
    """Base of attrs classes made with `eq=False, repr=False`: compares, hashes and shows by their fields."""

    __slots__ = ()
    __attrs_attrs__: ClassVar[tuple[Any, ...]]  # attrs.Attribute, which cannot be subscripted when this is resolved

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return _compared(self) == _compared(other)

    def __hash__(self) -> int:
        return hash(_compared(self))

    def __repr__(self) -> str:
        shown = [f"{field.name}={getattr(self, field.name)!r}" for field in self.__attrs_attrs__ if field.repr]
        return f"{type(self).__qualname__}({', '.join(shown)})"


def _compared(one: Data) -> tuple[object, ...]:
    values = ((field.eq_key, getattr(one, field.name)) for field in one.__attrs_attrs__ if field.eq)
    return tuple(key(value) if key else value for key, value in values)
