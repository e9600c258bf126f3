"""What has changed since a tree was written down: steps that packages bring for names from before."""

from __future__ import annotations

import contextlib
import importlib
import sys
import warnings
from typing import TYPE_CHECKING

from nrun.config.imports import package_of
from nrun.config.node import set_arguments, set_tags, set_target, set_trail
from nrun.config.order import held_by, nodes_held
from nrun.config.origin import Origin
from nrun.config.show import brief

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nrun.config.node import Node

    Migration = Callable[[str, dict[str, str]], tuple[str, dict[str, str]]]
    """From a target, and its arguments with the keys they are written under, to what these are called now."""


def renamed(old: str, new: str) -> Migration:
    """The target `old`, a symbol, is now called `new`."""
    return lambda target, keys: (new if target == old else target, keys)


def argument_renamed(target: str, old: str, new: str) -> Migration:
    """The argument `old` of a target is now called `new`."""
    return lambda name, keys: (name, {new if (name, one) == (target, old) else one: key for one, key in keys.items()})


def argument_removed(target: str, argument: str) -> Migration:
    """The target takes an argument no more, and does without it."""
    return lambda name, keys: (name, {one: key for one, key in keys.items() if (name, one) != (target, argument)})


def known_steps(symbol: str) -> tuple[Migration, ...]:
    """The steps that the package of a symbol brings, if it is imported."""
    return tuple(getattr(sys.modules.get(package_of(symbol)), "__dict__", {}).get("nrun_migrations", tuple)())


def migrate(node: Node, symbol: str, steps: Sequence[Migration]) -> str:
    """Let a node whose target is a symbol call what that is called now, which is returned; likewise its arguments."""
    arguments, before = set_arguments(node), symbol
    named = keys = {name: name for name in arguments if isinstance(name, str)}
    for step in steps:
        symbol, keys = step(symbol, keys)
    if (symbol, keys) != (before, named):
        warnings.warn(f"{before} has changed since; write it down again to have what it is now", stacklevel=2)
        now = {old: new for new, old in keys.items()}
        values = {now.get(str(name), name): arguments[name] for name in arguments if name in now or name not in named}
        arguments.clear()
        arguments.update(values)
        for old, new in now.items():
            if (symbol, new) != (before, old):
                set_trail(node, (new, Origin("migrated", f"{before}.{old}"), brief(values[new]), node.__nrun_trail__))
        set_tags(node, frozenset((now.get(str(name), name), tag) for name, tag in node.__nrun_tags__ or ()) or None)
        set_target(node, symbol)
    return symbol


def migrate_all(value: object, steps: Sequence[Migration]) -> object:
    """As `migrate`, for every node in a value: by the steps given, then by those of packages that are imported."""
    nodes: list[Node] = []
    nodes_held((value,), nodes)
    seen: set[int] = set()
    for node in nodes:  # grows while what these hold is met
        if id(node) not in seen:
            seen.add(id(node))
            nodes += held_by(node)
            symbol = str(node.__nrun_target__)
            migrate(node, symbol, (*steps, *known_steps(symbol)))
    return value


def migrated(node: Node, symbol: str) -> str:
    """As `migrate`, with the steps of its package, which is imported if it can be."""
    with contextlib.suppress(Exception, SystemExit):  # whoever imports the symbol tells what is wrong
        importlib.import_module(package_of(symbol))
    return migrate(node, symbol, known_steps(symbol))
