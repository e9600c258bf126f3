"""What is wrong with a configuration that was loaded as data: all of it, each with its place."""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs

from nrun.config.codec import Decoder
from nrun.config.node import Partial, admitted, new_node, set_arguments, signature_of_node
from nrun.config.order import children_first
from nrun.config.origin import Origin
from nrun.config.paths import format_path, nodes_of
from nrun.config.special import Unread
from nrun.config.target import signature_of
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nrun.config.node import Node

    Find = Callable[[str], Any]


@attrs.frozen
class Problem:
    """One thing that is wrong."""

    path: str
    message: str
    hint: str = ""
    where: str = ""
    """File, line and column, where they are known."""

    def __str__(self) -> str:
        at = f"  ({self.where})" if self.where else ""
        return f"{self.path or 'the root'}: {self.message}{at}" + (f"\n    hint: {self.hint}" if self.hint else "")


def problems_of(config: Any, find: Find) -> list[Problem]:
    """Everything that would keep `config` from being built; `find` imports what a symbol names, if it may.

    Raises ConfigError for a tree that contains itself.
    """
    checked = _Checked(find)
    for node in children_first(config):
        checked.check(node)
    return [
        Problem(
            format_path((*path, *steps)), error.message, error.hint or "", _where(node, steps[0] if steps else None)
        )
        for path, node in nodes_of(config)
        for steps, error in checked.errors.get(id(node), ())
    ]


class _Checked:
    """The nodes of a tree with what they name, as far as it can be found, and what is wrong with each."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._live: dict[int, Node] = {}
        self.errors: dict[int, list[tuple[tuple[str | int, ...], ConfigError]]] = {}

    def check(self, node: Node) -> None:
        """Find what a node calls, and check its arguments by that; those it holds have been checked before."""
        wrong = self.errors[id(node)] = []
        target = node.__nrun_target__
        live = self._live[id(node)] = new_node(type(node), target, {})
        try:
            if isinstance(target, str):
                target = self._find(target)
                signature_of(target)  # that it can be called
                live = self._live[id(node)] = new_node(type(node), target, {})
        except ConfigError as error:
            wrong.append(((), error))
        for name, value in set_arguments(node).items():
            try:
                set_arguments(live)[name] = admitted(live, name, self._value(value))
            except ConfigError as error:
                wrong.append(((name,), error))
        if not isinstance(live.__nrun_target__, str) and type(node) is not Partial:
            missing = (name for name in signature_of_node(live).required if name not in set_arguments(node))
            wrong += [((name,), ConfigError("is required and not set")) for name in missing]

    def _value(self, value: Any) -> Any:
        if id(value) in self._live:
            return self._live[id(value)]
        if type(value) is Unread:
            try:
                return Decoder(self._find).value(json.loads(value.form))
            except ConfigError:
                raise
            except Exception as error:  # whatever making the object makes its class raise
                msg = f"cannot be made: {type(error).__name__}: {error}"
                raise ConfigError(msg) from error
        if isinstance(value, list | tuple):
            return type(value)(map(self._value, value))
        if isinstance(value, dict):
            return {key: self._value(item) for key, item in value.items()}
        return value


def _where(node: Node, name: str | int | None) -> str:
    """Where an argument, or else the node, was written."""
    record: Any = node.__nrun_trail__
    while record[0] != name and len(record) > 2 and record[3] is not None:  # noqa: PLR2004 - two: made by code
        record = record[3]
    return record[1].where if isinstance(record[1], Origin) else ""
