"""Files of Hydra and NeMo Run: what they call `_target_` and the like, under the names it has here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nrun.model import Json

_NAMES = {"_target_": "$target", "_partial_": "$partial", "_args_": "$args", "_factory_": "$factory"}
_SYMBOL = re.compile(r"((?:[^.:]+\.)*?[^.:]+)\.((?:[A-Z]\w*\.)?\w+)")
"""A module and what is in it: a function, a class, or a method of a class, which begins with a capital."""


def named_as_here(data: Json) -> Json:
    """A copy of `data` with the names of here in every node; what stood in several places still does."""
    copies: dict[int, Any] = {}

    def copied(form: Any) -> Any:  # noqa: ANN401 - part of Json
        if not isinstance(form, dict | list):
            return form
        if id(form) in copies:
            return copies[id(form)]
        if isinstance(form, list):
            items = copies[id(form)] = list[Any]()  # known before what it holds is copied, which may be itself
            items.extend(map(copied, form))
            return items
        given: dict[str, Any] = form
        mapping = copies[id(form)] = dict[str, Any]()
        target, factory = given.get("_target_"), given.get("_factory_")
        names: dict[str, str] = _NAMES if isinstance(target, str) or isinstance(factory, str) else {}
        for key, item in given.items():
            mapping[names.get(key, key)] = copied(item)
        if isinstance(target, str):
            mapping["$target"] = _symbol(target)
        return mapping

    return copied(data)  # type: ignore[no-any-return] # as above


def _symbol(name: str) -> str:
    found = _SYMBOL.fullmatch(name)
    return f"{found[1]}:{found[2]}" if found else name
