"""Files of Hydra and NeMo Run: what they call `_target_` and the like, under the names it has here."""
# ruff: noqa: ANN401 - plain data of any kind

from __future__ import annotations

import re
from typing import Any

_NAMES = {"_target_": "$target", "_partial_": "$partial", "_args_": "$args", "_factory_": "$factory"}
_SYMBOL = re.compile(r"((?:[^.:]+\.)*?[^.:]+)\.((?:[A-Z]\w*\.)?\w+)")
"""A module and what is in it: a function, a class, or a method of a class, which begins with a capital."""


def name_as_here(form: Any, seen: set[int]) -> None:
    """Give the keys of all nodes in `form`, which is nobody else's yet, the names of here; `seen` was done already."""
    if not isinstance(form, dict | list) or id(form) in seen:
        return
    seen.add(id(form))
    if isinstance(form, dict) and any(isinstance(form.get(key), str) for key in ("_target_", "_factory_")):
        named = {_NAMES.get(key, key): item for key, item in form.items()}
        if isinstance(form.get("_target_"), str):
            named["$target"] = _symbol(form["_target_"])
        form.clear()
        form.update(named)
    for item in form.values() if isinstance(form, dict) else form:
        name_as_here(item, seen)


def _symbol(name: str) -> str:
    found = _SYMBOL.fullmatch(name)
    return f"{found[1]}:{found[2]}" if found else name
