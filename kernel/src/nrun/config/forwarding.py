"""Where a target passes its `**kwargs` on, read from its source. Imported only for targets that have `**kwargs`."""
# ruff: noqa: ANN401 - targets of all kinds

from __future__ import annotations

import ast
import inspect
import types
from typing import Any


def forwarded(target: Any) -> tuple[Any, set[str | None], int] | None:
    """To whom a target passes its `**kwargs`, names given there anyway, how many by position. None if nothing tells."""
    first = last = _forwarded(target)
    seen = [target]
    while last and last[0] not in seen:
        seen.append(last[0])
        last = _forwarded(last[0])
    return None if last else first  # else they go round in circles


def _forwarded(target: Any) -> tuple[Any, set[str | None], int] | None:
    cls: Any = target if isinstance(target, type) else getattr(target, "__self__", None)
    function = inspect.unwrap(cls.__init__ if cls is target else getattr(target, "__func__", target))
    if not isinstance(function, types.FunctionType) or (call := _only_call(function)) is None:
        return None
    receiver, args = _callee(call.func, function, cls), call.args
    if getattr(receiver, "__nrun_node__", False) and args:  # Config(f, **kwargs)
        receiver, args = _callee(args[0], function, cls), args[1:]
    return (receiver, {word.arg for word in call.keywords}, len(args)) if callable(receiver) else None


def _only_call(function: types.FunctionType) -> ast.Call | None:
    """The call that is all a function does with its `**kwargs`."""
    try:
        source = inspect.getsource(function)
        tree = ast.parse("if True:\n" + source if source[:1].isspace() else source)
    except (OSError, TypeError, SyntaxError):
        return None
    whole = next((node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)), None)
    if whole is None or whole.name != function.__code__.co_name or whole.args.kwarg is None:
        return None
    uses = [node for node in ast.walk(whole) if isinstance(node, ast.Name) and node.id == whole.args.kwarg.arg]
    calls = [node for node in ast.walk(whole) if isinstance(node, ast.Call)]
    given = {word.value: call for call in calls for word in call.keywords if word.arg is None}
    return given.get(uses[0]) if len(uses) == 1 else None


def _callee(node: ast.expr, function: types.FunctionType, cls: Any) -> Any:
    """What a name stands for, plain or dotted, or what `super()` finds; None if only a call would tell."""
    if isinstance(node, ast.Attribute):
        if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "super" and isinstance(cls, type):
            return _next_method(cls, node.attr, function)
        return getattr(_callee(node.value, function, cls), node.attr, None)
    if not isinstance(node, ast.Name) or node.id in (*function.__code__.co_varnames, *function.__code__.co_cellvars):
        return None
    scope = inspect.getclosurevars(function)
    return {**scope.builtins, **scope.globals, **scope.nonlocals}.get(node.id)


def _next_method(cls: type, name: str, function: types.FunctionType) -> Any:
    """The method after this one, bound to the class, for `super()` in it; or a class whose `__init__` tells all."""
    own = [inspect.unwrap(vars(base).get(function.__name__, base)) is function for base in cls.__mro__]
    after = cls.__mro__[own.index(True) + 1 :] if True in own else ()
    base = next((base for base in after if name in vars(base)), object)
    method = inspect.unwrap(vars(base).get(name, base))
    if isinstance(method, types.FunctionType) and method.__code__.co_flags & inspect.CO_VARKEYWORDS:
        return types.MethodType(method, cls)
    return base if name == "__init__" else None
