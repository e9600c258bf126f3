"""What a `Partial` with `Fresh` arguments builds to: a callable that makes them anew each time it is called."""
# ruff: noqa: ANN401 - arguments may be of any type

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Maker:
    """What a `Fresh` builds to: its call, made once for each call of the callable that holds it."""

    def __init__(self, target: Callable[..., Any], args: Sequence[Any], keywords: Mapping[str, Any]) -> None:
        self.target, self.args, self.keywords = target, args, keywords


class FreshPartial(functools.partial[Any]):
    """A `functools.partial` whose `Maker` arguments, in containers too, are replaced by what they make."""

    def __call__(self, /, *args: Any, **keywords: Any) -> Any:
        """Call the function with what the Makers make now; a keyword given here is not made."""
        made: dict[int, Any] = {}
        first = [_anew(value, made) for value in self.args]
        kept = {name: _anew(value, made) for name, value in self.keywords.items() if name not in keywords}
        return self.func(*first, *args, **kept, **keywords)


def makes_anew(value: Any) -> bool:
    """Whether `value` is a Maker or a container of one."""
    if isinstance(value, list | tuple):
        return any(map(makes_anew, value))
    if isinstance(value, dict):
        return any(map(makes_anew, value.values()))
    return isinstance(value, Maker)


def _anew(value: Any, made: dict[int, Any]) -> Any:
    """`value` with every Maker in it replaced; one that occurs twice makes one thing."""
    if isinstance(value, Maker):
        if id(value) not in made:
            args = [_anew(item, made) for item in value.args]
            made[id(value)] = value.target(*args, **{name: _anew(item, made) for name, item in value.keywords.items()})
        return made[id(value)]
    if not makes_anew(value):
        return value
    if isinstance(value, dict):
        return {key: _anew(item, made) for key, item in value.items()}
    return type(value)(_anew(item, made) for item in value)
