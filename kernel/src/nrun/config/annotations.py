"""What a target says of its arguments: their annotations, resolved one by one when asked for, and their docs.

Annotations may be texts, hold texts, and name what is only imported `if TYPE_CHECKING`. One that cannot
be resolved is `Any`: configuring must never fail because an annotation does.
"""
# ruff: noqa: ANN401 - an annotation may be any object

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import itertools
import sys
import types
import typing
from typing import TYPE_CHECKING, Any

from nrun.config.node import BaseNode, target_of
from nrun.config.target import signature_of
from nrun.docstrings import told_of_arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from nrun.config.node import Node


def annotation_of(target: Node | Callable[..., Any], name: str | int) -> Any:
    """The resolved annotation of an argument, with what `Annotated` adds; `Any` if it has none or none that resolves.

    Imports a target that is given by name, and what the annotation needs and is imported `if TYPE_CHECKING`.
    """
    import importlib

    called = target_of(target) if isinstance(target, BaseNode) else target
    signature = signature_of(called)
    if name not in signature.hints:
        signature.hints[name] = resolve_annotation(called, name, importlib.import_module)
    return signature.hints[name]


def resolve_annotation(
    target: Callable[..., Any], name: str | int, find_module: Callable[[str], types.ModuleType]
) -> Any:
    """The annotation of an argument with every text in it looked up; `find_module` gives modules by name."""
    target = signature_of(target).forwards.get(name, target)
    annotations = signature_of(target).annotations
    raw = annotations.get(name, annotations.get("**" if isinstance(name, str) else "*", inspect.Parameter.empty))
    if raw is inspect.Parameter.empty:
        return Any
    if isinstance(raw, type) and not typing.get_args(raw):
        return raw
    owner = _owner(target, name)
    module = sys.modules.get(getattr(owner, "__module__", None) or "")
    known: dict[str, Any] = getattr(owner, "__globals__", None) or (vars(module) if module else {})
    local = dict(vars(owner)) if isinstance(owner, type) else {}
    local.update({parameter.__name__: parameter for parameter in getattr(owner, "__type_params__", ())})
    holder = type("Holder", (), {"__annotations__": {"it": raw}})
    while True:
        try:
            return typing.get_type_hints(holder, known, local, include_extras=True)["it"]
        except NameError as error:
            if error.name is None or error.name in local:
                return Any
            try:
                local[error.name] = _imported_for_types(module, error.name, find_module)
            except Exception:  # noqa: BLE001 - neither known nor importable, for whatever reason
                return Any
        except Exception:  # noqa: BLE001 - looking up an annotation runs whatever it says
            return Any


def _owner(target: Any, name: str | int) -> Any:
    """The class or function in whose words the annotation is written."""
    if isinstance(target, types.MethodType):
        target = target.__func__
    if not isinstance(target, type):
        while hasattr(target, "__wrapped__"):
            target = target.__wrapped__
        return getattr(target, "__origin__", target)
    fields = hasattr(target, "__dataclass_fields__") or hasattr(target, "__attrs_attrs__")
    for cls in target.__mro__:
        written = vars(cls).get("__annotations__", {})
        if fields and (name in written or f"_{name}" in written):
            return cls
        init = vars(cls).get("__init__") or vars(cls).get("__new__")
        if isinstance(init, types.FunctionType) and not fields:
            return init
    return target


def _imported_for_types(module: types.ModuleType | None, name: str, find_module: Callable[[str], Any]) -> Any:
    """What `module` calls `name` after its imports `if TYPE_CHECKING`. Raises LookupError if that is nothing."""
    from importlib.util import resolve_name

    for statement in _imports_for_types(module):
        for alias in statement.names:
            bound = alias.asname or alias.name.partition(".")[0]
            if bound == name and isinstance(statement, ast.ImportFrom):
                written, package = "." * statement.level + (statement.module or ""), getattr(module, "__package__", "")
                return getattr(find_module(resolve_name(written, package)), alias.name)
            if bound == name:
                found = find_module(alias.name)
                return found if alias.asname else find_module(bound)
    raise LookupError(name)


def _imports_for_types(module: types.ModuleType | None) -> list[ast.Import | ast.ImportFrom]:
    """The imports of a module `if TYPE_CHECKING`."""
    return [
        statement
        for block in _statements(module)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for statement in block.body
        if isinstance(statement, ast.Import | ast.ImportFrom)
    ]


@functools.cache
def _statements(module: types.ModuleType | None) -> list[ast.stmt]:
    return ast.parse(inspect.getsource(module)).body if module else []


def doc_of(target: Callable[..., Any], name: str | int) -> str:
    """What the documentation of `target` says of an argument, in one line; empty if it says nothing.

    Read from `Annotated[..., Doc(...)]`, from docstrings in the styles of Google, NumPy and Sphinx, and from the
    texts under the attributes of a class.
    """
    for extra in getattr(annotation_of(target, name), "__metadata__", ()):
        if isinstance(documentation := getattr(extra, "documentation", None), str):
            return documentation
    if isinstance(name, int):
        return ""
    owner = signature_of(target).forwards.get(name)
    for documented in (target, getattr(target, "__init__", None), owner, getattr(owner, "__init__", None)):
        told = told_of_arguments(inspect.getdoc(documented) or "")
        if name in told:
            return told[name]
    for cls in (*getattr(target, "__mro__", ()), *getattr(owner, "__mro__", ())):
        told = _told_in_class(cls)
        if name in told or f"_{name}" in told:
            return told.get(name) or told[f"_{name}"]
    return ""


@functools.cache
def _told_in_class(cls: type) -> dict[str, str]:
    """The first paragraphs of the texts under the attributes of a class, each in one line; none without source."""
    told: dict[str, str] = {}
    with contextlib.suppress(OSError, TypeError, SyntaxError, StopIteration):
        body = _statements(sys.modules.get(cls.__module__))
        for part in cls.__qualname__.replace("<locals>.", "").split("."):
            body = next(
                each.body for each in body if isinstance(each, ast.ClassDef | ast.FunctionDef) and each.name == part
            )
        for pair in itertools.pairwise(body):
            match pair:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    told[name] = " ".join(text.strip().partition("\n\n")[0].split())
    return told
