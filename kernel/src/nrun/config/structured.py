"""Values that are described by a call or a name: nodes for classes and factories, and symbols.

A name that was registered, or that is the name of a known class, needs no import. Any other is imported only if the
policy allows both the name as it is written and the name under which the object knows itself; and it is never called.
"""
# ruff: noqa: ANN401 - an annotation may stand for any value

from __future__ import annotations

import functools
import inspect
import types
import typing
from typing import TYPE_CHECKING, Any

import attrs

from nrun.config import reader as rank
from nrun.config.annotations import pairs_of
from nrun.config.factories import is_kind, provided_by
from nrun.config.literal import Literal, SyntaxProblem, parse
from nrun.config.node import Config
from nrun.config.problems import Problem, name_hints
from nrun.config.reader import Faults, Reader, Reading, Unfit, read_source, show
from nrun.config.target import Signature, display_name, resolve, signature_of, symbol_of
from nrun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nrun.config.factories import Factory

_NEVER = frozenset(
    "os posix nt subprocess _posixsubprocess importlib _frozen_importlib pickle _pickle ctypes _ctypes sys runpy".split()
)
"""Packages of which nothing is imported by name, even if a policy allows it by mistake; and functions of `builtins`."""


def class_reader(annotations: tuple[Any, ...]) -> Reader:
    """Reads what describes an object of one of these classes, as a node."""
    classes = tuple(typing.get_origin(annotation) or annotation for annotation in annotations)
    generic = dict(zip(classes, annotations, strict=True))
    expected = " or ".join(sorted(cls.__name__ for cls in classes))

    def read(source: Any, context: Reading) -> Any:
        if type(source) is str:
            try:
                return read_source(found, parse(source), context)
            except SyntaxProblem as problem:
                raise Unfit(problem.message) from None
        pairs = pairs_of(source)
        if pairs is not None and classes != (object,):
            given = {key.value if type(key) is Literal else key: value for key, value in pairs}
            cls = _fitting_class(classes, given, expected)
            return _node(generic[cls], pairs, source, context)
        if type(source) is Literal and source.kind in ("word", "call"):
            return _named(str(source.value), source, classes, generic, context)
        if type(source) is not Literal and is_kind(type(source), classes):
            return source
        raise Unfit

    found = Reader(expected, rank.STRUCTURED, read, types=classes)
    return found


def _named(
    name: str, source: Literal, classes: tuple[type, ...], generic: dict[type, Any], context: Reading
) -> Any:
    """What a name, or the call of one, stands for: a factory, a known class, an importable one."""
    pairs = list(zip(source.keys, source.items, strict=True))
    factory = _lookup(context, name, classes)
    if factory is not None:
        return _made_by(factory, pairs, source, classes, context)
    known = {cls for cls in _known_classes(classes, context) if cls.__name__ == name}
    if len(known) > 1:
        raise Unfit(f"{name} is ambiguous: {' or '.join(sorted(map(symbol_of, known)))}")
    if known:
        cls = known.pop()
        return _node(generic.get(cls, cls), pairs, source, context)
    if classes == (object,) or not ("." in name or ":" in name):
        names = {one.name for _, one in context.factories.fitting(classes, context.parent, context.argument)}
        names |= {cls.__name__ for cls in _known_classes(classes, context)}
        raise Unfit(hints=name_hints(name, (), (), sorted(names)))
    target = import_symbol(name, context)
    given = provided_by(target) if callable(target) else None
    if given is None or not is_kind(given, classes):
        raise Unfit(f"{name} does not give what is expected: {' or '.join(cls.__name__ for cls in classes)}")
    return _node(target, pairs, source, context)


def _lookup(context: Reading, name: str, classes: tuple[type, ...]) -> Factory | None:
    try:
        return context.factories.find(name, classes, context.parent, context.argument)
    except ConfigError as error:
        raise Unfit(error.message, [error.hint or ""]) from None


def _known_classes(classes: Iterable[type], context: Reading) -> set[type]:
    """The classes themselves, their subclasses as far as they are imported, and what factories provide."""
    known = {one.provides for _, one in context.factories.fitting(tuple(classes)) if one.provides is not None}
    todo = [cls for cls in classes if cls is not object]
    while todo:
        cls = todo.pop()
        if cls not in known:
            known.add(cls)
            todo += type.__subclasses__(cls)
    return known


def _fitting_class(classes: tuple[type, ...], given: dict[Any, Any], expected: str) -> type:
    """The one class whose tag, or else whose arguments, fit what is given."""
    fitting = [cls for cls in classes if _tag_fits(cls, given) is True]
    if not fitting:
        open_ = [cls for cls in classes if _tag_fits(cls, given) is not False]
        fitting = [cls for cls in open_ if _takes(cls, given)] if len(classes) > 1 else list(classes)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise Unfit(f"this may be {' or '.join(sorted(cls.__name__ for cls in fitting))}", ["write Name(…)"])
    raise Unfit(f"expected {expected}; none takes the arguments {', '.join(map(str, given))}")


def _tag_fits(cls: type, given: dict[Any, Any]) -> bool | None:
    """Whether a field that admits only certain words names this class; None if there is no such field."""
    for name, annotation in parameters_of(cls)[1].items():
        if typing.get_origin(annotation) is typing.Literal and name in given:
            value = given[name].value if type(given[name]) is Literal else given[name]
            return value in typing.get_args(annotation)
    return None


def _takes(cls: type, given: dict[Any, Any]) -> bool:
    signature = parameters_of(cls)[0]
    return (signature.takes_more_names or given.keys() <= signature.names.keys()) and not signature.missing(given)


# ---- arguments


@functools.cache
def parameters_of(target: Callable[..., Any]) -> tuple[Signature, dict[str | int, Any]]:
    """The signature of `target`, and the annotation of each parameter as far as it can be resolved."""
    if typing.is_typeddict(target):
        hints: dict[Any, Any] = typing.get_type_hints(target, include_extras=True)
        empty, required = inspect.Parameter.empty, target.__required_keys__
        names = {name: empty if name in required else None for name in hints}
        return Signature(names, (), {}, takes_more_positional=False, takes_more_names=False), hints
    try:
        parameters = inspect.signature(target).parameters.values()
    except (ValueError, TypeError):
        return signature_of(target), {}
    holder = target.__init__ if isinstance(target, type) and "__init__" in vars(target) else target
    try:
        hints = typing.get_type_hints(holder, include_extras=True)
    except (NameError, TypeError, AttributeError, SyntaxError):
        hints = {}
    annotations: dict[str | int, Any] = {}
    for index, parameter in enumerate(parameters):
        annotation = hints.get(parameter.name, parameter.annotation)
        annotation = Any if annotation is parameter.empty or isinstance(annotation, str) else annotation
        annotations[parameter.name] = annotations[index] = annotation
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            annotations["*" if parameter.kind is parameter.VAR_POSITIONAL else "**"] = annotation
    return signature_of(target), annotations


def _arguments(annotation: Any, pairs: list[tuple[Any, Any]], source: Any, context: Reading) -> dict[str | int, Any]:
    """The arguments that are written for a target, by name or index. Raises Faults with all that is wrong."""
    target = typing.get_origin(annotation) or annotation
    bound = dict(zip(getattr(target, "__parameters__", ()), typing.get_args(annotation), strict=False))
    signature, annotations = parameters_of(target)
    arguments: dict[str | int, Any] = {}
    problems: list[Problem] = []

    def fault(step: str, message: str, at: Any, hints: Iterable[str] = ()) -> None:
        problems.append(Problem(step, message, context.where(at), tuple(hints)))

    for index, (written, value) in enumerate(pairs):
        key: Any = written.value if type(written) is Literal else written
        if written is None:
            positional = index < len(signature.positional)
            if not positional and not signature.takes_more_positional:
                fault("", f"{display_name(target)} takes {len(signature.positional)} positional arguments", value)
                continue
            key = (signature.positional[index] if positional else None) or index
        elif key not in signature.names and not signature.takes_more_names:
            fault(f".{key}", f"no such argument of {display_name(target)}", written, name_hints(str(key), signature.names))
            continue
        if key in arguments:
            fault(f".{key}", "is given twice", written or value)
            continue
        expected = annotations.get(key, annotations.get("*" if isinstance(key, int) else "**", Any))
        inner = attrs.evolve(context, parent=target, argument=str(key))
        try:
            arguments[key] = read_source(context.readers.reader(_substitute(expected, bound)), value, inner)
        except Faults as faults:
            step = f"[{key}]" if isinstance(key, int) else f".{key}"
            problems += [problem.under(step) for problem in faults.problems]
            arguments[key] = None
    if type(source) is not Literal or source.kind != "word":
        for name in signature.missing(arguments):
            fault(name if name.startswith("[") else f".{name}", f"is missing; {display_name(target)} requires it", source)
    if problems:
        raise Faults(problems)
    return arguments


def _substitute(annotation: Any, bound: dict[Any, Any]) -> Any:
    """An annotation with the type variables of a generic class replaced by what it was given."""
    if not bound:
        return annotation
    if isinstance(annotation, typing.TypeVar):
        return bound.get(annotation, annotation)
    free = getattr(annotation, "__parameters__", ())
    return annotation[tuple(bound.get(one, one) for one in free)] if free and typing.get_args(annotation) else annotation


def _node(annotation: Any, pairs: list[tuple[Any, Any]], source: Any, context: Reading) -> Config[Any]:
    target = typing.get_origin(annotation) or annotation
    if inspect.isabstract(target):
        raise Unfit(f"{display_name(target)} is abstract; name one of its subclasses")
    arguments = _arguments(annotation, pairs, source, context)
    try:
        node = Config(target)
        for name, value in arguments.items():
            node[name] = value
    except ConfigError as error:
        raise Unfit(error.message, [error.hint] if error.hint else []) from None
    return node


def _made_by(
    factory: Factory, pairs: list[tuple[Any, Any]], source: Literal, classes: tuple[type, ...], context: Reading
) -> Any:
    """What the factory gives. What it raises is passed on, with a note that says where."""
    called = source if source.kind == "call" else attrs.evolve(source, kind="call")
    arguments = _arguments(factory.function, pairs, called, context)
    args = [arguments.pop(index) for index in sorted(key for key in arguments if isinstance(key, int))]
    try:
        result = factory.function(*args, **arguments)
    except Exception as error:
        error.add_note(f"in the factory {factory.name}, for {context.path or 'a value'}")
        raise
    try:
        factory.check(result, classes)
    except ConfigError as error:
        raise Unfit(error.message, [error.hint or ""]) from None
    return result


# ---- symbols


def type_reader(args: tuple[Any, ...]) -> Reader:
    """Reads the name of a class, which must be a subclass of what the annotation says."""
    bounds = tuple(arg for arg in args if isinstance(arg, type)) or (object,)
    expected = f"a class{'' if bounds == (object,) else f' of {bounds[0].__name__}'}"

    def find(name: str, context: Reading) -> Any:
        known = [cls for cls in _known_classes(bounds, context) if cls.__name__ == name]
        return known[0] if len(known) == 1 else import_symbol(name, context)

    return _symbol_reader(expected, find, lambda found: isinstance(found, type) and is_kind(found, bounds))


def callable_reader(expected: str, args: tuple[Any, ...]) -> Reader:
    """Reads the name of a callable, which must accept as many arguments as the annotation says."""
    count = len(args[0]) if args and isinstance(args[0], list) else None

    def find(name: str, context: Reading) -> Any:
        named = [entry.function for entry in context.factories.entries if entry.name == name]
        return named[0] if len(named) == 1 else import_symbol(name, context)

    def fits(found: Any) -> bool:
        if not callable(found):
            return False
        try:
            inspect.signature(found).bind(*range(count or 0)) if count is not None else None
        except TypeError:
            return False
        except ValueError:  # no signature to be read
            return True
        return True

    return _symbol_reader(expected, find, fits)


def _symbol_reader(expected: str, find: Callable[[str, Reading], Any], fits: Callable[[Any], bool]) -> Reader:
    def read(source: Any, context: Reading) -> Any:
        if type(source) is Literal and source.kind in ("word", "string"):
            source = str(source.value)
        found = find(source, context) if isinstance(source, str) else source
        if type(found) is Literal or not fits(found):
            shown = show(found) if type(found) is Literal or found is source else f"{source!r}, which is not that"
            raise Unfit(f"expected {expected}; got {shown}")
        return found

    return Reader(expected, rank.CALLABLE, read)


def import_symbol(name: str, context: Reading) -> Any:
    """What `module:name` or `module.name` stands for, if the policy allows it. Raises Unfit if not."""
    module, colon, qualified = name.partition(":")
    if not colon:
        module, _, qualified = name.rpartition(".")
    if not all(part.isidentifier() for part in (*module.split("."), *qualified.split("."))):
        raise Unfit(hints=["write the name of something registered, or module:name"])
    symbol = f"{module}:{qualified}"
    _check_allowed(symbol, context)
    try:
        parts = qualified.split(".")
        for end in range(1, len(parts) + 1):
            found = resolve(f"{module}:{'.'.join(parts[:end])}")
            if isinstance(found, types.ModuleType):
                raise Unfit(f"{symbol} goes through a module; write {found.__name__}:{'.'.join(parts[end:])}")
        own = symbol_of(found)
    except ConfigError as error:
        raise Unfit(error.message, [error.hint] if error.hint else []) from None
    if found is functools.partial or (own.startswith("builtins:") and not isinstance(found, type)):
        raise Unfit(f"{own} may never be named")
    _check_allowed(own, context)
    return found


def _check_allowed(symbol: str, context: Reading) -> None:
    if symbol.partition(":")[0].partition(".")[0] in _NEVER:
        raise Unfit(f"{symbol} may never be named")
    if not context.allowed(symbol):
        raise Unfit(f"{symbol} may not be imported", ["allow its package, or register the name"])
