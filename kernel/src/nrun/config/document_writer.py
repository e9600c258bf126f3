"""Trees as the plain data of documents that people read and write.

A node is a mapping, `{$target: module:name, lr: 0.1}`; `docs/reference/config-files.md` has all that begins with `$`.
What the annotation of an argument tells anyway, such as that a list is a tuple, is not written. The forms of other
values are those of `codec.py`.
"""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import json
import operator
from typing import TYPE_CHECKING, Any, cast

from nrun.config.codec import Encoder, survey, written
from nrun.config.imports import importable_symbol
from nrun.config.node import BaseNode, Fresh, Node, Partial, set_arguments
from nrun.config.special import Reference, Sweep, Unread
from nrun.config.tags import tags_form
from nrun.config.target import signature_of
from nrun.config.values import PLAIN, Refused, is_path
from nrun.errors import ConfigError
from nrun.secret import escape

if TYPE_CHECKING:
    from nrun.model import Json

    Steps = tuple[str | int, ...]

VERSION = 1
VERSION_KEY = "$nrun"
"""The key of the version in the outermost mapping of a document. One without it is as good as of version 1."""
CREATED_BY = "$created_by"
"""What wrote a document, beside its version; it means nothing to whoever reads it."""
KINDS: dict[str, type[Node]] = {"$partial": Partial, "$fresh": Fresh}
_DEEPEST = 20
"""How many nodes may stand in one another before some are written apart: formats have their limits."""


def to_data(value: object, *, share: bool) -> Json:
    """A value as plain data. Raises ConfigError, with the place, for what cannot be written down.

    With `share` a shared node is the same mapping wherever it stands, for formats that keep that; otherwise it is
    referred to by a number.
    """
    return written(_Writer(*survey(value, _DEEPEST), share=share), value)


class _Writer(Encoder):
    def __init__(self, shared: set[int], apart: list[Node], *, share: bool) -> None:
        numbered = set(map(id, apart))
        super().__init__(numbered if share else shared | numbered, apart)
        self._forms: dict[int, Json] | None = {} if share else None

    def value(self, value: object) -> Json:
        if type(value) is float:
            return value
        if type(value) is str:
            return escape(value.replace("${", "\\${"))
        if type(value) is Reference and _reads_back(value):
            return str(value)
        if type(value) is Sweep:
            return {"$sweep": [self.value(point) for point in value.points]}
        if type(value) is Unread:
            return cast("Json", json.loads(value.form))
        return super().value(value)

    def symbol(self, value: object) -> str:
        return importable_symbol(super().symbol(value))

    def _dict(self, value: dict[object, object]) -> Json:
        if all(type(key) is str for key in value):
            return {escaped(cast("str", key)): self.value(item) for key, item in value.items()}
        return super()._dict(value)

    def _node(self, node: Node) -> Json:
        if id(node) in self._ids:
            return {"$ref": self._ids[id(node)]}
        if self._forms is not None and id(node) in self._forms:
            return self._forms[id(node)]
        form: dict[str, Json] = {"$target": self.symbol(node.__nrun_target__)}
        form.update((key, True) for key, kind in KINDS.items() if kind is type(node))
        if id(node) in self._shared:
            form["$id"] = self._ids[id(node)] = len(self._ids) + 1
        elif self._forms is not None:
            self._forms[id(node)] = form
        if node.__nrun_tags__:
            form["$tags"] = tags_form(node.__nrun_tags__)
        if self._apart:
            apart, self._apart = self._apart, []
            form["$with"] = [self._node(other) for other in apart]
        arguments = set_arguments(node)
        indexed = {name: self._argument(node, name) for name in sorted(n for n in arguments if isinstance(n, int))}
        if indexed:
            listed = list(indexed) == list(range(len(indexed)))
            form["$args"] = list(indexed.values()) if listed else {str(name): item for name, item in indexed.items()}
        form.update((escaped(name), self._argument(node, name)) for name in arguments if isinstance(name, str))
        return form

    def _argument(self, node: Node, name: str | int) -> Json:
        value, target = set_arguments(node)[name], node.__nrun_target__
        if type(value) not in PLAIN and not isinstance(value, BaseNode | str) and not isinstance(target, str):
            plain = self._untold(value)
            if plain is not value and _is_told(target, name, plain, value):
                return self.value(plain)
        return self.value(value)

    def _untold(self, value: Any) -> Any:
        """The value without what an annotation may tell; itself if there is nothing of that."""
        if is_path(value):
            return str(value) if value.is_absolute() else value  # as text it is relative to the file
        if type(value) in (set, frozenset):
            return [self._untold(item) for item in sorted(value, key=lambda item: json.dumps(self.value(item)))]
        if type(value) in (list, tuple):
            items = [self._untold(item) for item in value]
            return value if type(value) is list and all(map(operator.is_, items, value)) else items
        if type(value) is dict:
            values = [self._untold(item) for item in value.values()]
            return value if all(map(operator.is_, values, value.values())) else dict(zip(value, values, strict=True))
        return value


def _reads_back(reference: Reference) -> bool:
    try:
        return Reference.parse(str(reference)) == reference
    except ConfigError:
        return False


def _is_told(target: Any, name: str | int, plain: Any, value: Any) -> bool:
    """Whether an argument that is set to `plain` becomes `value`."""
    from nrun.config.checks import learn_check

    checks = signature_of(target).checks
    check = checks[name] if name in checks else learn_check(target, name)
    try:
        return check is not None and _alike(check.fit(plain), value)
    except Refused:
        return False


def _alike(left: Any, right: Any) -> bool:
    if left is right or type(left) is not type(right):
        return left is right
    if type(left) in (list, tuple):
        return len(left) == len(right) and all(map(_alike, left, right))
    if type(left) is dict:
        return list(left) == list(right) and all(map(_alike, left.values(), right.values()))
    return bool(left == right)


def escaped(key: str) -> str:
    """A key that may begin with `$`, told apart from those that mean something."""
    return f"${key}" if key.startswith("$") else key
