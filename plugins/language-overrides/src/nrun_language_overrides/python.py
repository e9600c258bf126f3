"""What Python programs ask of the language: items taken into a task, and the factories that are known."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any

from nrun import Config, Entrypoint, Partial, UsageError, to_config
from nrun.cli.entrypoint import MARK
from nrun.config.target import display_name
from nrun.errors import did_you_mean
from nrun.plugins import installed
from nrun_language_overrides.factories import dotted_name
from nrun_language_overrides.invocation import known_factories, typed
from nrun_language_overrides.members import members_of
from nrun_language_overrides.options import END_OF_RUN
from nrun_language_overrides.resolve import resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nrun_language_overrides.factories import Factory


def parse_partial(function: Callable[..., Any], *items: str, factory: str = "", load: str = "") -> Partial[Any]:
    """The task of a function with `items` taken into it, as they are typed after it.

    It starts from its default factory, or from the one that is named, and from the file `load`. Raises ConfigProblems
    with all that is wrong with the items.
    """
    named = display_name(function)
    entry = getattr(function, MARK, None) or Entrypoint(function=function, name=named, namespace="", help="")
    read = typed(entry, [END_OF_RUN, *items], installed(), factory=factory, load=load)
    return resolved(read.task, read.reading, entry.links)


def parse_config(function: Callable[..., Any], *items: str) -> Config[Any]:
    """As `parse_partial`, for what is to be built."""
    return to_config(parse_partial(function, *items))


def parse_cli_args(
    function: Callable[..., Any], items: Sequence[str], output_type: type[Partial[Any] | Config[Any]] = Partial
) -> Partial[Any] | Config[Any]:
    """As `parse_partial` or `parse_config`, by `output_type`."""
    return parse_config(function, *items) if output_type is Config else parse_partial(function, *items)


def resolve_factory(target: Any, name: str) -> Callable[..., Any]:  # noqa: ANN401 - a type, or a union of some, or a target
    """The factory `name` for arguments of a type, or for a target, which may be text: `module.Name`.

    Raises UsageError with those that there are.
    """
    known = {one.name: one.function for one in reversed(_fitting(target))}
    if name not in known:
        msg = f"there is no factory {name!r} for {display_name(target)}.{did_you_mean(name, known)}"
        raise UsageError(msg, hint=f"registered: {', '.join(sorted(known)) or 'none'}")
    return known[name]


def list_factories(target: Any) -> list[Callable[..., Any]]:  # noqa: ANN401 - as above
    """The factories for arguments of a type, or for a target, in the order in which they were registered."""
    return list(dict.fromkeys(one.function for one in _fitting(target)))


def _fitting(target: Any) -> list[Factory]:  # noqa: ANN401 - as above
    factories = known_factories(installed())
    if isinstance(target, str):
        return [
            one for one in factories.entries if target == (one.namespace or dotted_name(one.parent or one.provides))
        ]
    members = [part for member in members_of(target) for part in typing.get_args(member) or (member,)]
    classes = tuple(member for member in members if isinstance(member, type))
    own = [one for one in factories.entries if one.parent is target]
    return own + [one for one in factories.fitting(classes, None, None) if one.provides and one not in own]
