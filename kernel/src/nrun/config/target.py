"""What a node calls: a callable, or the name of one that is not imported yet.

A *symbol* is the text `module:qualified.name`. Signatures are read once per target and shared by
all its nodes.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from typing import TYPE_CHECKING, Any

import attrs

from nrun.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Target = Callable[..., Any] | str


@attrs.frozen
class Signature:
    """The parameters of a target. Positional-only ones and `*args` are known by index."""

    names: Mapping[str, object]
    """Parameters that can be given by name -> default, or `inspect.Parameter.empty`."""
    positional: tuple[str | None, ...]
    """Positional parameters in order: the name, or None for a positional-only one."""
    defaults: Mapping[int, object]
    """Defaults of positional-only parameters, by index."""
    takes_more_positional: bool
    takes_more_names: bool

    def missing(self, given: Mapping[str | int, object]) -> list[str]:
        """Required parameters that are not in `given`, as a user would write them."""
        by_name = [n for n, default in self.names.items() if default is inspect.Parameter.empty and n not in given]
        by_index = [
            f"[{i}]"
            for i, name in enumerate(self.positional)
            if name is None and i not in self.defaults and i not in given
        ]
        return by_index + by_name


_ANYTHING = Signature({}, (), {}, takes_more_positional=True, takes_more_names=True)


def signature_of(target: Callable[..., Any]) -> Signature:
    """The signature of `target`; one that cannot be read accepts everything."""
    try:
        return _read_signature(target)
    except TypeError:  # unhashable callable: read it again each time
        return _read_signature.__wrapped__(target)


@functools.cache
def _read_signature(target: Callable[..., Any]) -> Signature:
    try:
        parameters = inspect.signature(target).parameters.values()
    except (ValueError, TypeError):
        return _ANYTHING
    names: dict[str, object] = {}
    positional: list[str | None] = []
    defaults: dict[int, object] = {}
    kinds = set()
    for parameter in parameters:
        kinds.add(parameter.kind)
        if parameter.kind is parameter.POSITIONAL_ONLY:
            if parameter.default is not parameter.empty:
                defaults[len(positional)] = parameter.default
            positional.append(None)
        elif parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            positional.append(parameter.name)
            names[parameter.name] = parameter.default
        elif parameter.kind is parameter.KEYWORD_ONLY:
            names[parameter.name] = parameter.default
    return Signature(
        names,
        tuple(positional),
        defaults,
        takes_more_positional=inspect.Parameter.VAR_POSITIONAL in kinds,
        takes_more_names=inspect.Parameter.VAR_KEYWORD in kinds,
    )


def symbol_of(target: object) -> str:
    """The symbol of an importable function, class or constant holder. Raises ConfigError for others."""
    if isinstance(target, str):
        return target
    module = getattr(target, "__module__", None)
    name = getattr(target, "__qualname__", None)
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
    name = target.partition(":")[2] if isinstance(target, str) else getattr(target, "__qualname__", repr(target))
    return str(name)


def resolve(symbol: str) -> Any:  # noqa: ANN401 - a symbol may name anything
    """Import what a symbol names. Raises ConfigError naming the part that is missing."""
    module_name, _, qualified = symbol.partition(":")
    if not module_name or not qualified:
        msg = f"{symbol!r} is not a symbol; write module:name"
        raise ConfigError(msg)
    try:
        found: Any = importlib.import_module(module_name)
    except ImportError as error:
        msg = f"cannot import {module_name!r} to find {symbol!r}: {error}"
        raise ConfigError(msg, hint="is it installed here, and on the path?") from error
    except (Exception, SystemExit) as error:  # a module may do anything when it is imported
        msg = f"importing {module_name!r} to find {symbol!r} failed: {type(error).__name__}: {error}"
        raise ConfigError(msg) from error
    for part in qualified.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            msg = f"{symbol!r} does not exist: no {part!r} there.{did_you_mean(part, dir(found))}"
            raise ConfigError(msg) from None
    return found
