"""Which names that come from elsewhere may be imported, and what the running script is called.

One function has many names, so a name is checked as it is written, before anything is imported, and again as
the object itself knows it.
"""
# ruff: noqa: ANN401 - a symbol may name anything

from __future__ import annotations

import functools
import os
import re
import sys
import types
from typing import TYPE_CHECKING, Any

from nrun.config.target import resolve, symbol_of
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    Allowed = Callable[[str], bool]

_NEVER = re.compile(
    r"(os|posix|nt|sys|_?subprocess|_posixsubprocess|_?pickle|_?ctypes|importlib|_frozen_\w+|runpy)(\W|$)"
)
"""Packages of which nothing is imported by name, even if a policy allows it by mistake; nor functions of `builtins`."""
_MAIN = ("__nrun_main__", "__main__")


def from_packages(packages: Collection[str]) -> Allowed:
    """Allows the symbols of these top-level packages."""
    return lambda symbol: package_of(symbol) in packages


def package_of(symbol: str) -> str:
    """The top-level package of a module, or of what a symbol names."""
    return re.split("[.:]", symbol, maxsplit=1)[0]


def find_allowed(symbol: str, allowed: Allowed) -> Any:
    """The class or function that a symbol names. Raises ConfigError if it may not be imported, or is neither."""
    _check(symbol, allowed)
    module, _, qualified = symbol.partition(":")
    parts = qualified.split(".")
    for end in range(1, len(parts) + 1):
        found = resolve(f"{module}:{'.'.join(parts[:end])}")
        if isinstance(found, types.ModuleType):
            raise ConfigError(f"{symbol} leads through a module; name what is meant where it is defined")
    if not callable(found):
        raise ConfigError(f"{symbol} is neither a class nor a function")
    own = symbol_of(found)
    if found is functools.partial or (own.startswith("builtins:") and not isinstance(found, type)):
        raise ConfigError(f"{own} may never be named")
    _check(own, allowed)
    return found


def _check(symbol: str, allowed: Allowed) -> None:
    if _NEVER.match(symbol):
        raise ConfigError(f"{symbol} may never be named")
    if not allowed(symbol):
        hint = f"allow its package, as with NRUN_ALLOW={package_of(symbol)}"
        raise ConfigError(f"{symbol} may not be imported", hint=hint)


def importable_symbol(symbol: str) -> str:
    """The symbol with the name under which the running script could be imported, if it is in that script."""
    module, _, name = symbol.partition(":")
    if module not in _MAIN:
        return symbol
    script = _name_of_script(module)
    if script is None:
        msg = f"{symbol} is in a script that cannot be imported, so no file can name it"
        raise ConfigError(msg, hint="move it to a module, and import it from there")
    return f"{script}:{name}"


def own_packages() -> set[str]:
    """The top-level packages of the running script: its own, and what it has imported from beside it."""
    main = next(sys.modules[name] for name in _MAIN if name in sys.modules)
    own = {main.__name__, package_of(_name_of_script(main.__name__) or "")}
    if getattr(main, "__spec__", None) is None:  # else it is of a package, beside which others may be installed
        here = os.path.abspath(os.path.dirname(getattr(main, "__file__", None) or ""))  # noqa: PTH100, PTH120 - text
        for name, module in list(sys.modules.items()):
            places = getattr(module, "__path__", None) or [getattr(module, "__file__", None) or ""]
            own.update(name for place in places if os.path.dirname(place) == here)  # noqa: PTH120 - text
    return own


def local_symbol(symbol: str) -> str:
    """The symbol with the running script in the place of the name under which that could be imported."""
    module, _, name = symbol.partition(":")
    running = next((main for main in _MAIN if _name_of_script(main) == module), module)
    return f"{running}:{name}"


def _name_of_script(main: str) -> str | None:
    module = sys.modules.get(main)
    spec = getattr(module, "__spec__", None)
    if spec is not None and spec.name not in _MAIN:  # run with -m
        return str(spec.name)
    name, suffix = os.path.splitext(os.path.basename(getattr(module, "__file__", None) or ""))  # noqa: PTH119, PTH122 - text
    return name if suffix == ".py" and name.isidentifier() else None
