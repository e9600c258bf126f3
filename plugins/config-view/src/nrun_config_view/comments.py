"""What is said of arguments, beside them in a document."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from nrun.config.annotations import doc_of
from nrun.config.checks import effective_default
from nrun.config.document_writer import escaped
from nrun.config.node import target_of
from nrun.config.paths import Key, nodes_of
from nrun.config.show import brief
from nrun.config.target import signature_of

if TYPE_CHECKING:
    from nrun.config.document_writer import Steps


def comments_on(value: object) -> dict[Steps, str]:
    """What the targets in a tree say of their arguments, by the place in the document; unset ones at their node."""
    comments: dict[Steps, str] = {}
    for path, node in nodes_of(value):
        place: list[Any] = []
        for step in path:
            place += [escaped(str(step.key))] if isinstance(step, Key) else [step]
        target, unset = target_of(node), []
        for name in signature_of(target).names:
            doc = doc_of(target, name)
            default = effective_default(target, name)
            if name in node and doc:
                comments[*place, escaped(name)] = doc
            elif name not in node and default is not inspect.Parameter.empty:
                unset.append(f"{name}: {brief(default)}" + (f"  ({doc})" if doc else ""))
        if unset:
            comments[*place, "$target"] = "\n".join(["not set:", *unset])
    return comments
