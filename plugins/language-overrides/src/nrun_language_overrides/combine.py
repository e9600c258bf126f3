"""What `+=` and its like make of the value that counts and the text that follows."""
# ruff: noqa: ANN401 - values of a tree may be of any type

from __future__ import annotations

import contextlib
import operator
from typing import TYPE_CHECKING, Any, NoReturn

from nrun.config.special import Sweep
from nrun.config.values import is_path, is_special
from nrun.errors import ConfigError
from nrun_language_overrides.literal import SyntaxProblem, parse
from nrun_language_overrides.places import element_annotation, key_annotation
from nrun_language_overrides.problems import ConfigProblems

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[str, object], Any]
    """From a text and an annotation to a value."""

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+=": operator.add,
    "-=": operator.sub,
    "*=": operator.mul,
    "/=": operator.truediv,
    "//=": operator.floordiv,
    "**=": operator.pow,
}
_ON_SETS: dict[str, Callable[[Any, Any], Any]] = {
    "+=": operator.or_,
    "|=": operator.or_,
    "-=": operator.sub,
    "&=": operator.and_,
}
_SERIES = frozenset({"list", "tuple", "braces", "commas"})
_MOST_BITS = 16_384


def combined(op: str, current: Any, text: str, annotation: Any, read: Read) -> Any:
    """`current` changed by `op` and the operand that `text` is. Raises ConfigError if that cannot be done."""
    if isinstance(current, list | tuple):
        return _on_sequence(op, current, text, annotation, read)
    if isinstance(current, set | frozenset):
        return _on_set(op, current, text, annotation, read)
    if isinstance(current, dict):
        return _on_dictionary(op, current, text, annotation, read)
    kind = _operand_type(op, current)
    if op not in _ARITHMETIC or kind is None:
        _refuse(f"there is no {op} for {current!r:.60}", "set it with =")
    operand = read(text, kind)
    if is_special(operand):
        _refuse(f"{op} takes one value, not {operand}", "to try several write =, with all values")
    return _calculated(op, current, operand)


def _operand_type(op: str, current: Any) -> object:
    """What may be combined with a value by an operator of arithmetic; None if nothing may."""
    kind = type(current)
    if kind in (int, float):
        return int | float
    if kind is complex or (kind in (str, bytes) and op == "+=") or kind.__module__ in ("decimal", "fractions"):
        return kind
    if is_path(current) and op == "/=":
        return str
    if kind.__module__ == "datetime":
        import datetime

        return datetime.timedelta if op in ("+=", "-=") else float
    return None


def _calculated(op: str, current: Any, operand: Any) -> Any:
    """The result of arithmetic; of whole numbers it is whole if that is exact."""
    if op == "**=" and type(current) is type(operand) is int and current.bit_length() * operand > _MOST_BITS:
        _refuse(f"{current} ** {operand} is too large", "set it with =")
    try:
        if op == "/=" and type(current) is type(operand) is int and current % operand == 0:
            return current // operand
        result = _ARITHMETIC[op](current, operand)
        return int(result) if type(current) is int and type(result) is float and result.is_integer() else result
    except (ArithmeticError, TypeError, ValueError) as error:
        return _refuse(f"{current!r:.60} {op[:-1]} {operand!r:.60} cannot be worked out: {error}", "set it with =")


def _on_sequence(op: str, current: Any, text: str, annotation: Any, read: Read) -> Any:
    """Brackets decide: `[a,b]` stands for its elements, anything else for one, unless a factory makes several."""
    if op not in ("+=", "-="):
        _refuse(f"there is no {op} for a list", "use += to append, -= to remove, xs[+0]= to insert")
    kind = _kind_of(text)
    if kind == "list":
        given = read(text, annotation)
        values = list(given) if isinstance(given, list | tuple) else [given]
    else:
        values = _one_or_made(text, annotation, read)
        if kind == "commas" and type(values[0]) is Sweep:
            _refuse("commas without brackets make a sweep", f"did you mean [{text}]?")
    if op == "+=":
        return type(current)([*current, *values])
    left = list(current)
    for value in values:
        same = (index for index, element in enumerate(left) if type(element) is type(value) and element == value)
        index = next(same, None)
        if index is None:
            _refuse(f"{value!r:.60} is not in it", f"it holds {left!r:.80}")
        del left[index]
    return type(current)(left)


def _one_or_made(text: str, annotation: Any, read: Read) -> list[Any]:
    """The one element that is written, or else what a factory of several makes."""
    try:
        return [read(text, element_annotation(annotation, 0))]
    except ConfigProblems:
        with contextlib.suppress(ConfigProblems):
            if isinstance(made := read(text, annotation), list | tuple):
                return list(made)
        raise


def _on_set(op: str, current: Any, text: str, annotation: Any, read: Read) -> Any:
    if op not in _ON_SETS:
        _refuse(f"there is no {op} for a set", "use += -= |= or &=")
    values = set(_several(text, annotation, element_annotation(annotation, 0), read))
    if op == "-=" and not values <= current:
        _refuse(f"{(values - current)!r:.60} is not in it", f"it holds {current!r:.80}")
    return type(current)(_ON_SETS[op](current, values))


def _on_dictionary(op: str, current: dict[Any, Any], text: str, annotation: Any, read: Read) -> dict[Any, Any]:
    if op in ("+=", "|="):
        given = read(text, annotation)
        if not isinstance(given, dict):
            _refuse("a dictionary is merged with a dictionary", "write {key: value}")
        return {**current, **given}
    if op != "-=":
        _refuse(f"there is no {op} for a dictionary", "use += to merge, -= to remove keys")
    kinds = key_annotation(annotation)
    keys = _several(text, list[kinds], kinds, read)  # type: ignore[valid-type] # made at run time
    if absent := [key for key in keys if key not in current]:
        _refuse(f"{absent[0]!r:.60} is not a key of it", f"its keys are {list(current)!r:.80}")
    return {key: value for key, value in current.items() if key not in keys}


def _several(text: str, annotation: Any, element: Any, read: Read) -> list[Any]:
    """The elements that are written, with or without brackets around several."""
    if _kind_of(text) not in _SERIES:
        return [read(text, element)]
    given = read(text, annotation)
    return list(given) if isinstance(given, list | tuple | set | frozenset) else [given]


def _kind_of(text: str) -> str:
    try:
        return parse(text).kind
    except SyntaxProblem:
        return "word"  # for the reader, which says what is wrong with it


def _refuse(message: str, hint: str) -> NoReturn:
    raise ConfigError(message, hint=hint)
