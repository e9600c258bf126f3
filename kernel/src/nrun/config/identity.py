"""The content id of a tree: the same for the same meaning, on every machine and Python version.

It is a digest of the nodes in an order that depends on nothing but the tree, each with its effective
arguments and the numbers of the nodes it holds, so that sharing counts and no tree is too deep.
"""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import base64
import functools
import hashlib
import inspect
import json
import math
import sys
from typing import TYPE_CHECKING, Any, Literal

from nrun.config.annotations import resolve_annotation
from nrun.config.checks import effective_default
from nrun.config.codec import encode
from nrun.config.node import NODES, set_arguments, target_of
from nrun.config.target import signature_of, symbol_of
from nrun.config.values import fields_of, is_data_class, is_path, name_of_type
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nrun.config.node import Node


class NoHash:
    """Marks arguments that do not change what is computed: `workers: Annotated[int, NoHash] = 4`."""


def content_id(root: Node, *, defaults: Literal["effective", "explicit-only"] = "effective") -> str:
    """26 letters and digits that stand for what `root` describes: what was set, what defaults, what is shared.

    What came from where, the order of arguments and keys, and arguments marked `NoHash` do not count. With
    `explicit-only` neither do defaults, so that the id survives a change of one, and no target is imported.
    Raises ConfigError for a target that cannot be found, or that no other process could find.
    """
    numbers = {id(root): 0}
    nodes = [root]

    def number(node: Node) -> int:
        if id(node) not in numbers:
            numbers[id(node)] = len(nodes)
            nodes.append(node)
        return numbers[id(node)]

    digest = hashlib.sha256()
    for node in nodes:  # grows while the nodes that this one holds are met
        arguments = set_arguments(node)
        forms = {} if defaults == "explicit-only" else dict(_default_forms(target_of(node)))
        left_out = forms.pop(_LEFT_OUT, ())
        for name in sorted(arguments, key=lambda name: (isinstance(name, str), name)):
            if name not in left_out:
                forms[str(name)] = _form(arguments[name], number)
        digest.update(_dumps([type(node).__name__, symbol_of(node.__nrun_target__), forms]).encode())
    return base64.b32encode(digest.digest()[:16]).decode().rstrip("=").lower()


_dumps = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_LEFT_OUT = "$left out"


def _default_forms(target: Callable[..., Any]) -> dict[str, Any]:
    """The forms of a target's defaults by name, and the names of what is left out."""
    try:
        return _read_default_forms(target)
    except TypeError:  # unhashable callable
        return _read_default_forms.__wrapped__(target)


@functools.cache
def _read_default_forms(target: Callable[..., Any]) -> dict[str, Any]:
    signature = signature_of(target)
    names = (*signature.names, *range(len(signature.positional)))
    left_out = {
        name
        for name in names
        if NoHash in getattr(resolve_annotation(target, name, sys.modules.__getitem__), "__metadata__", ())
    }
    forms: dict[str, Any] = {_LEFT_OUT: left_out}
    for name in names:
        default = effective_default(target, name)
        if name not in left_out and default is not inspect.Parameter.empty:
            forms[str(name)] = _default_form(default)
    return forms


def _default_form(default: Any) -> Any:
    try:
        return _form(default, encode)
    except ConfigError:  # a function may have any object at all as its default
        return {"$default": name_of_type(type(default))}


def _form(value: Any, number: Callable[[Node], Any]) -> Any:
    """`value` as JSON that is the same for the same meaning."""
    kind = type(value)
    if value is None or kind in (bool, int):
        return value
    if kind is str:
        return value if value.isascii() else _normal(value)
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind in NODES:
        return {"$node": number(value)}
    if kind is list:
        return [_form(item, number) for item in value]
    if kind is tuple:
        return {"$tuple": [_form(item, number) for item in value]}
    if kind is dict:
        pairs = sorted(((_form(key, number), item) for key, item in value.items()), key=lambda pair: _dumps(pair[0]))
        return {"$dict": [[key, _form(item, number)] for key, item in pairs]}
    if kind in (set, frozenset):
        return {f"${kind.__name__}": sorted((_form(item, number) for item in value), key=_dumps)}
    if is_path(value):
        return {"$path": _normal(value.as_posix())}
    if is_data_class(kind):
        return {"$object": symbol_of(kind), "fields": _form(fields_of(value), number)}
    return encode(value)


def _normal(text: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFC", text)
