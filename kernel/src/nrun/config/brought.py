"""Methods of trees that plugins bring. Plugins are loaded in a layer above, so they are asked of the facade."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from nrun.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from nrun.protocols import View


def view() -> View:
    """What shows and compares trees. Raises UnknownName naming the distribution to install."""
    found: View = import_module("nrun").config_view()
    return found


def brought_by(distribution: str, doc: str) -> Callable[..., NoReturn]:
    """A method that users of NeMo Run know, and that a plugin brings."""

    def missing(*_args: object, **_kwargs: object) -> NoReturn:
        raise UnknownName("nothing that is installed does this", hint=f"pip install {distribution}")

    missing.__doc__ = doc
    return missing
