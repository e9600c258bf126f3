"""The content id of a tree: the same for the same meaning, on every machine and Python version.

It is a digest of the nodes in an order that depends on nothing but the tree, each with its effective
arguments and the numbers of the nodes it holds, so that sharing counts and no tree is too deep.
"""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
import sys
from typing import TYPE_CHECKING, Any, Literal

from nrun.config.annotations import resolve_annotation
from nrun.config.checks import effective_default
from nrun.config.codec import Encoder, encode
from nrun.config.node import set_arguments, target_of
from nrun.config.order import completed, lacking
from nrun.config.target import kept_by_target, signature_of
from nrun.config.values import PLAIN, is_path, name_of_type
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nrun.config.node import Node
    from nrun.model import Json


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

    canonical = _Canonical(lambda node: {"$node": number(node)})
    digest = hashlib.sha256()
    for node in nodes:  # grows while the nodes that this one holds are met
        arguments = set_arguments(node)
        forms = {} if defaults == "explicit-only" else dict(_default_forms(target_of(node)))
        if forms and lacking(node):
            return content_id(completed(root))
        left_out = forms.pop(_LEFT_OUT, ())
        for name in sorted(arguments, key=str):
            if name not in left_out:
                value = arguments[name]
                forms[str(name)] = value if type(value) in _AS_IT_IS else canonical.value(value)
        digest.update(_dumps([type(node).__name__, canonical.symbol_of_target(node), forms]).encode())
    return base64.b32encode(digest.digest()[:16]).decode().rstrip("=").lower()


_AS_IT_IS = frozenset({type(None), bool, int})
_dumps = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_LEFT_OUT = "$left out"


@kept_by_target
def _default_forms(target: Callable[..., Any]) -> dict[str, Any]:
    """The forms of a target's defaults by name, and the names of what is left out."""
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
        if name not in left_out and name not in signature.forwards and default is not inspect.Parameter.empty:
            try:
                forms[str(name)] = _Canonical(encode).value(default)
            except ConfigError:  # a function may have any object at all as its default
                forms[str(name)] = {"$default": name_of_type(type(default))}
    return forms


class _Canonical(Encoder):
    """Forms that are the same for the same meaning; `number` gives the form of a node."""

    def __init__(self, number: Callable[[Node], Json]) -> None:
        super().__init__(set(), [])
        self._number = number

    def value(self, value: object) -> Json:
        """As it is written, but for spellings and separators that mean the same."""
        if type(value) is str and not value.isascii():
            import unicodedata

            return unicodedata.normalize("NFC", value)
        if type(value) not in PLAIN and is_path(value):
            return {"$path": self.value(value.as_posix())}
        return super().value(value)

    # Which secret it is does not change what is computed.
    _WRITERS = {**Encoder._WRITERS, "nrun.secret.Secret": lambda _self, _value: {"$secret": None}}  # noqa: RUF012, SLF001

    def _node(self, node: Node) -> Json:
        return self._number(node)

    def _dict(self, value: dict[object, object]) -> Json:
        pairs = sorted(((self.value(key), item) for key, item in value.items()), key=lambda pair: _dumps(pair[0]))
        return {"$dict": [[key, self.value(item)] for key, item in pairs]}
