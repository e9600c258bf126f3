"""A function's source, rewritten so that its user decides what its calls mean.

Only what `nrun_config_autoconvert.autoconvert` has to see is rewritten; all else stays the user's Python:

- `f(x)` becomes `__nrun_callee__(f, where)(x)`: what is called is looked up first, then called from where it was.
- A value that must exist at that point (it is tested, iterated over, has a method called …) becomes
  `__nrun_needed__(value, why, where)`.
- A function defined inside, having been rewritten itself, becomes `__nrun_own__(function)`.

`where` is the line of the source, as text. Imported when the first function is converted, for it imports `ast`.
"""

from __future__ import annotations
import __future__

import ast
import inspect
import itertools
import linecache
import types
from typing import TYPE_CHECKING

from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CALLEE, NEEDED, OWN = HELPERS = ("__nrun_callee__", "__nrun_needed__", "__nrun_own__")

_VALUE = "its value is known only once it is built"
_ITEMS = "what it holds is known only once it is built"
_METHOD = "it has methods only once it is built"
_CONTEXT = "it can be entered only once it is built"
_UNUSED = "nothing uses it, so the call would never be made"

_NEEDED_FIELDS: Mapping[type[ast.AST], tuple[str, str]] = {
    **dict.fromkeys((ast.If, ast.While, ast.IfExp, ast.Assert), ("test", _VALUE)),
    ast.match_case: ("guard", _VALUE),
    ast.UnaryOp: ("operand", _VALUE),
    **dict.fromkeys((ast.AugAssign, ast.FormattedValue), ("value", _VALUE)),
    ast.Subscript: ("value", _ITEMS),
    **dict.fromkeys((ast.For, ast.AsyncFor, ast.comprehension), ("iter", _ITEMS)),
    ast.withitem: ("context_expr", _CONTEXT),
}
"""Where Python needs a value at once: kind of node -> its field, and why."""


def rewritten(function: types.FunctionType) -> Callable[[Mapping[str, object]], types.FunctionType]:
    """`function` as it runs with given helpers, one for each name in HELPERS.

    It keeps the globals, closure, defaults and line numbers of `function`. Raises ConfigError if `function` is a
    generator or coroutine, if there is no source, and if the source is no longer that of `function`.
    """
    code = _compiled(function)
    outer = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))

    def bound(helpers: Mapping[str, object]) -> types.FunctionType:
        cells = outer | {name: types.CellType(helper) for name, helper in helpers.items()}
        closure = tuple(cells.get(name) or types.CellType() for name in code.co_freevars)
        new = types.FunctionType(code, function.__globals__, function.__name__, function.__defaults__, closure)
        new.__kwdefaults__ = function.__kwdefaults__
        return new

    return bound


def _compiled(function: types.FunctionType) -> types.CodeType:
    """The rewritten code of `function`.

    It is compiled inside what it was inside of (the variables it closes over, the class whose private names it
    knows), for that is what decides which variable a name means. None of that is run.
    """
    definition = _definition(function)
    old = function.__code__
    names = (*old.co_freevars, *HELPERS)
    parts = itertools.pairwise(function.__qualname__.split("."))
    owner = next((part for part, inner in reversed([*parts]) if "<locals>" not in (part, inner)), None)
    defined = owner or old.co_name
    scope = ast.parse(
        f"def scope({', '.join(names)}):\n"
        + (f" global {defined}\n" if defined not in names else "")
        + (f" class {owner}:\n  pass" if owner else " pass")
    )
    innermost = [node for node in ast.walk(scope) if isinstance(node, ast.FunctionDef | ast.ClassDef)][-1]
    innermost.body[-1] = definition
    flags = old.co_flags & __future__.annotations.compiler_flag
    whole = compile(ast.fix_missing_locations(scope), old.co_filename, "exec", flags, dont_inherit=True)
    for code in _codes_inside(whole):
        if _head(code) == _head(old):
            return code.replace(co_qualname=old.co_qualname)
    raise _no_source(function, "its file has changed since it was imported")


def _head(code: types.CodeType) -> tuple[object, ...]:
    """What must be the same in code that was compiled again: the name, the line and the parameters."""
    counts = code.co_argcount, code.co_kwonlyargcount
    return code.co_name, code.co_firstlineno, counts, code.co_varnames[: sum(counts)]


def _codes_inside(code: types.CodeType) -> Iterator[types.CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from _codes_inside(constant)


def _definition(function: types.FunctionType) -> ast.FunctionDef:
    """The definition of `function`, its body rewritten, its lines numbered as in its file."""
    code = function.__code__
    if code.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        msg = f"autoconvert cannot describe what {function.__qualname__} makes: it is a generator or a coroutine"
        raise ConfigError(msg, hint="let it return what it makes, in a list if it is several things")
    try:
        lines, first = inspect.getsourcelines(function)
        # Indented lines stay so, in an `if`: to take the indentation away would change texts of several lines.
        tree = ast.parse(("if True:\n" if lines[0][:1].isspace() else "\n") + "".join(lines))
    except (OSError, SyntaxError) as error:
        raise _no_source(function, str(error)) from None
    ast.increment_lineno(tree, first - 2)
    found = next((node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)), None)
    if found is None or found.name != code.co_name:
        raise _no_source(function, "its file has changed since it was imported")
    rewriter = _Rewriter(code.co_filename)
    found.body = [rewriter.visit(statement) for statement in found.body]
    return found


def _no_source(function: types.FunctionType, why: str) -> ConfigError:
    return ConfigError(
        f"autoconvert needs the source of {function.__qualname__}, and cannot have it: {why}",
        hint="leave the decorator away and return Config(...) or Partial(...)",
    )


class _Rewriter(ast.NodeTransformer):
    """Puts the helpers in."""

    def __init__(self, file: str) -> None:
        self._file = file

    def _line(self, node: ast.expr) -> str:
        return f"{self._file}:{node.lineno}: {linecache.getline(self._file, node.lineno).strip()}"

    def _helped(self, helper: str, value: ast.expr, *why: str) -> ast.expr:
        texts = map(ast.Constant, (*why, self._line(value)))
        return ast.copy_location(ast.Call(ast.Name(helper, ast.Load()), [value, *texts], []), value)

    def _needed(self, value: ast.expr, why: str) -> ast.expr:
        if isinstance(value, ast.Constant):  # `while True` stays known to the compiler, `case -1` a pattern
            return value
        return self._helped(NEEDED, value, why)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if type(node) in _NEEDED_FIELDS:
            field, why = _NEEDED_FIELDS[type(node)]
            value = getattr(node, field)
            if value is not None:  # a case without a guard
                setattr(node, field, self._needed(value, why))
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self.generic_visit(node)
        node.ifs = [self._needed(test, _VALUE) for test in node.ifs]
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        node.values[:-1] = [self._needed(value, _VALUE) for value in node.values[:-1]]
        return node

    def visit_Starred(self, node: ast.Starred) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load):
            node.value = self._needed(node.value, _ITEMS)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        if any(isinstance(target, ast.Tuple | ast.List) for target in node.targets):
            node.value = self._needed(node.value, _ITEMS)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.value, ast.Call):
            node.value = self._needed(node.value, _UNUSED)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "locals":
            msg = f"autoconvert cannot call locals(), which would show the helpers too: {self._line(node)}"
            raise ConfigError(msg, hint="name what is meant")
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute):
            node.func.value = self._needed(node.func.value, _METHOD)
        node.func = self._helped(CALLEE, node.func)
        return node

    # ---- what is defined inside

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        decorators: list[ast.expr] = node.decorator_list
        node.decorator_list = []  # decorators are no part of what is described: they just run
        self.generic_visit(node)
        node.decorator_list = [*decorators, ast.Name(OWN, ast.Load())]
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self.generic_visit(node)
        return ast.copy_location(ast.Call(ast.Name(OWN, ast.Load()), [node], []), node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node  # its methods run when it has been built
