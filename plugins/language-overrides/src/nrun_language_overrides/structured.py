"""Values that are described by a call or a name: nodes for classes and factories, and symbols.

A name that was registered, or that is the name of a known class, needs no import. Any other is imported only if the
policy allows both the name as it is written and the name under which the object knows itself; and it is never called.
"""
# ruff: noqa: ANN401 - an annotation may stand for any value

from __future__ import annotations

import functools
import inspect
import re
import sys
import typing
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import attrs

from nrun.config.annotations import annotation_of
from nrun.config.build import positional
from nrun.config.imports import find_allowed, local_symbol
from nrun.config.node import BaseNode, Config, set_arguments
from nrun.config.origin import Origin, came_from
from nrun.config.target import Signature, display_name, signature_of, symbol_of
from nrun.errors import ConfigError
from nrun_language_overrides.factories import classes_in, is_kind, provided_by
from nrun_language_overrides.forms import pairs_of
from nrun_language_overrides.literal import Literal, SyntaxProblem, parse
from nrun_language_overrides.members import members_of
from nrun_language_overrides.problems import Problem, name_hints
from nrun_language_overrides.reader import Faults, Rank, Reader, Reading, Unfit, fault, read_source, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nrun_language_overrides.factories import Factory


def class_reader(annotations: tuple[Any, ...]) -> Reader:
    """Reads what describes an object of one of these classes, as a node."""
    generic = {typing.get_origin(annotation) or annotation: annotation for annotation in annotations}
    classes = tuple(generic)

    def read(source: Any, context: Reading) -> Any:
        if type(source) is str:
            try:
                return read(parse(source), context)
            except SyntaxProblem as problem:
                raise Unfit(problem.message) from None
        pairs = pairs_of(source)
        if pairs is not None and classes != (object,):
            return _node(generic[_fitting_class(classes, pairs, source, context)], pairs, source, context)
        if type(source) is Literal and source.kind in ("word", "call"):
            return _named(generic, source, context)
        if type(source) is not Literal and is_kind(type(source), classes):
            return source
        raise Unfit

    return Reader(_or(classes), Rank.CLASS, read, types=classes)


def _named(generic: dict[type, Any], source: Literal, context: Reading) -> Any:
    """What a name, or the call of one, stands for: a factory, a known class, an importable one."""
    name, classes, pairs = source.value, tuple(generic), list(zip(source.keys, source.items, strict=True))
    fitting = context.factories.fitting(classes, context.parent, context.argument)
    try:
        factory = context.factories.find(name, classes, context.parent, context.argument)
    except ConfigError as error:
        raise fault(error.message, source, context, error.hint or "") from None
    if factory is not None:
        return _made_by(factory, pairs, source, classes, context)
    known = _subclasses(classes) | {entry.provides for entry in fitting if entry.provides}
    bearing = {cls for cls in known if cls.__name__ == name}
    if len(bearing) > 1:
        raise fault(f"{name} is ambiguous: {_or(bearing)}", source, context, "write module:name")
    if bearing:
        cls = bearing.pop()
        return _node(generic.get(cls, cls), pairs, source, context)
    if classes == (object,) or not re.search("[.:]", name):
        names = {entry.name for entry in fitting} | {cls.__name__ for cls in known}
        raise Unfit("", *name_hints(name, (), (), sorted(names)))
    target = import_symbol(name, context)
    given = provided_by(target)
    if given is None or not is_kind(given, classes):
        raise Unfit(f"{name} does not give {_or(classes)}")
    return _node(target, pairs, source, context)


def _or(classes: Iterable[type]) -> str:
    names = sorted(cls.__name__ for cls in classes)
    return " or ".join(names if len(set(names)) == len(names) else sorted(map(symbol_of, classes)))


def _subclasses(classes: tuple[type, ...]) -> set[type]:
    """The classes and their subclasses, as far as they are imported; of `object` none.

    What attrs has replaced by a class with slots is a subclass until it is collected; it is nobody's.
    """
    found: set[type] = set()
    todo = [cls for cls in classes if cls is not object]
    while todo:
        found.add(todo[-1])
        todo += type.__subclasses__(todo.pop())
    return {cls for cls in found if getattr(sys.modules.get(cls.__module__), cls.__qualname__, cls) is cls}


def _fitting_class(classes: tuple[type, ...], pairs: list[tuple[Any, Any]], source: Any, context: Reading) -> type:
    """The one class whose tag, or else whose arguments, fit what is given."""
    if len(classes) == 1:
        return classes[0]
    given = {_content(key): _content(value) for key, value in pairs}
    tagged = {cls: _tag_fits(cls, given) for cls in classes}
    fitting = [cls for cls, fits in tagged.items() if fits]
    if len(fitting) != 1:
        undecided = fitting or [cls for cls, fits in tagged.items() if fits is None]
        fitting = [cls for cls in undecided if _takes(cls, given)]
    if len(fitting) == 1:
        return fitting[0]
    what = f"this may be {_or(fitting)}" if fitting else f"expected {_or(classes)}; none takes these arguments"
    raise fault(what, source, context, "write the name of the class before them: Name(…)")


def _content(source: Any) -> Any:
    return source.value if type(source) is Literal else source if isinstance(source, Hashable) else None


def _tag_fits(cls: type, given: dict[Any, Any]) -> bool | None:
    """Whether a field that admits only certain words names this class; None if there is no such field."""
    for name, value in given.items():
        annotation = _annotation(cls, name) if name in _signature(cls).names else None
        if typing.get_origin(annotation) is typing.Literal:
            return value in typing.get_args(annotation)
    return None


def _takes(cls: type, given: dict[Any, Any]) -> bool:
    signature = _signature(cls)
    return (signature.takes_more_names or given.keys() <= signature.names.keys()) and not signature.missing(given)


# ---- arguments


@functools.cache
def _signature(target: Callable[..., Any]) -> Signature:
    """The signature of `target`; of a TypedDict, what its keys amount to."""
    signature = signature_of(target)
    if not typing.is_typeddict(target):
        return signature
    hints: dict[Any, Any] = typing.get_type_hints(target, include_extras=True)
    wrapped = {name: typing.get_origin(hint) for name, hint in hints.items()}  # in a text, the class overlooks it
    required = tuple(
        name
        for name, wrapper in wrapped.items()
        if wrapper is typing.Required
        or (wrapper is not typing.NotRequired and name in vars(target)["__required_keys__"])
    )
    return attrs.evolve(
        signature, names=hints, hints=hints, required=required, takes_more_positional=False, takes_more_names=False
    )


def _annotation(target: Callable[..., Any], name: str | int) -> Any:
    hints = _signature(target).hints
    return hints[name] if name in hints else annotation_of(target, name)


def _arguments(annotation: Any, pairs: list[tuple[Any, Any]], source: Any, context: Reading) -> dict[str | int, Any]:
    """The arguments that are written for a target, by name or index. Raises Faults with all that is wrong."""
    target = typing.get_origin(annotation) or annotation
    bound = dict(zip(getattr(target, "__parameters__", ()), typing.get_args(annotation), strict=False))
    signature = _signature(target)
    arguments: dict[str | int, Any] = {}
    problems: list[Problem] = []
    for index, (written, value) in enumerate(pairs):
        key = _content(written) if written is not None else _at_position(signature, index)
        inner = attrs.evolve(context, parent=target, argument=str(key))
        try:
            if not _admits(signature, key):
                hints = name_hints(str(key), signature.names)
                raise fault(f"no such argument of {display_name(target)}", written or value, context, *hints)
            if key in arguments:
                raise fault("is given twice", written or value, context)
            arguments[key] = None
            expected = _substitute(_annotation(target, key), bound)
            arguments[key] = read_source(context.readers.reader(expected), value, inner)
        except Faults as faults:
            problems += [problem.under(_step(key)) for problem in faults.problems]
    if type(source) is not Literal or source.kind != "word":  # a bare name may get its arguments later
        for name in signature.missing(arguments):
            where = context.where(source)
            problems.append(Problem(f".{name}", f"is not given, but {display_name(target)} requires it", where))
    if problems:
        raise Faults(problems)
    return arguments


def _at_position(signature: Signature, index: int) -> str | int:
    return (signature.positional[index] if index < len(signature.positional) else None) or index


def _admits(signature: Signature, key: str | int) -> bool:
    if isinstance(key, str):
        return key in signature.names or signature.takes_more_names
    known = len(signature.positional)
    return signature.positional[key] is None if key < known else signature.takes_more_positional


def _step(key: str | int) -> str:
    return f"[{key}]" if isinstance(key, int) else f".{key}"


def _substitute(annotation: Any, bound: dict[Any, Any]) -> Any:
    """An annotation with the type variables of a generic class replaced by what it was given."""
    if not bound:
        return annotation
    if isinstance(annotation, typing.TypeVar):
        return bound.get(annotation, annotation)
    free = getattr(annotation, "__parameters__", ()) if typing.get_args(annotation) else ()
    return annotation[tuple(bound.get(one, one) for one in free)] if free else annotation


def _node(annotation: Any, pairs: list[tuple[Any, Any]], source: Any, context: Reading) -> Config[Any]:
    target = typing.get_origin(annotation) or annotation
    made = context.made if type(source) is dict else None
    if made and (id(source), annotation) in made:
        return made[id(source), annotation]
    if inspect.isabstract(target):
        raise fault(f"{display_name(target)} is abstract", source, context, "name one of its subclasses")
    arguments = _arguments(annotation, pairs, source, context)
    try:
        node = Config(target)
        for name, value in arguments.items():
            node[name] = value
    except ConfigError as error:
        raise fault(error.message, source, context, error.hint or "") from None
    if made is not None:
        made[id(source), annotation] = node
    return node


def several(annotation: Any, source: Literal, context: Reading) -> list[Any] | None:
    """What a factory gives that makes a whole list of what the annotation says; None if there is none of that name."""
    classes = classes_in(annotation)
    for factory in context.factories.of_several(classes, context.parent):
        if factory.name == source.value:
            made = _called(factory, list(zip(source.keys, source.items, strict=True)), source, context)
            return [_checked(factory, one, source, classes, context) for one in made]
    return None


def _made_by(
    factory: Factory, pairs: list[tuple[Any, Any]], source: Literal, classes: tuple[type, ...], context: Reading
) -> Any:
    """What the factory gives; a class is described, not made."""
    if isinstance(factory.function, type):
        return _node(factory.function, pairs, source, context)
    return _checked(factory, _called(factory, pairs, source, context), source, classes, context)


def _called(factory: Factory, pairs: list[tuple[Any, Any]], source: Literal, context: Reading) -> Any:
    """What calling the factory gives. What it raises is passed on, with a note of where."""
    call = _node(factory.function, pairs, attrs.evolve(source, kind="call"), context)
    arguments = dict(set_arguments(call))
    args = positional(call, arguments)
    try:
        return factory.function(*args, **{name: value for name, value in arguments.items() if isinstance(name, str)})
    except Exception as error:
        error.add_note(f"in the factory {factory.name}, for {context.path or 'a value'}")
        raise


def _checked(factory: Factory, result: Any, source: Literal, classes: tuple[type, ...], context: Reading) -> Any:
    """What a factory gave, with that as its origin. Raises Faults if it is not what is asked for."""
    try:
        factory.check(result, classes)
    except ConfigError as error:
        raise fault(error.message, source, context, error.hint or "") from None
    if isinstance(result, BaseNode):
        origin = Origin("factory", factory.name)
        came_from(result, lambda _name: origin)
    return result


# ---- symbols


def type_reader(args: tuple[Any, ...]) -> Reader:
    """Reads the name of a class, which must be a subclass of what the annotation says."""
    members = [typing.get_origin(member) or member for arg in args for member in members_of(arg)]
    bounds = tuple(object if member is Any else member for member in members) or (object,)

    def named(name: str, context: Reading) -> set[Any]:
        provided = {entry.provides for entry in context.factories.fitting(bounds, None, None) if entry.provides}
        return {cls for cls in _subclasses(bounds) | provided if cls.__name__ == name}

    expected = "a class" if bounds == (object,) else f"a class of {_or(bounds)}"
    return _symbol_reader(expected, named, lambda found: isinstance(found, type) and is_kind(found, bounds))


def callable_reader(expected: str, args: tuple[Any, ...]) -> Reader:
    """Reads the name of a callable, which must take as many arguments as the annotation says."""

    def named(name: str, context: Reading) -> set[Any]:
        return {entry.function for entry in context.factories.entries if entry.name == name}

    def fits(found: Any) -> bool:
        try:
            signature = inspect.signature(found)
            if args and isinstance(args[0], list):
                signature.bind(*args[0])
        except TypeError:  # not callable, or not with these arguments
            return False
        except ValueError:  # a built-in, of which this cannot be told
            return True
        return True

    return _symbol_reader(expected, named, fits)


def _symbol_reader(expected: str, named: Callable[[str, Reading], set[Any]], fits: Callable[[Any], bool]) -> Reader:
    def read(source: Any, context: Reading) -> Any:
        found = source.value if type(source) is Literal and source.kind in ("word", "string") else source
        if isinstance(found, str):
            known = named(found, context)
            found = known.pop() if len(known) == 1 else import_symbol(found, context)
        if type(found) is Literal or not fits(found):
            raise Unfit(f"expected {expected}; {show(source)} is not one")
        return found

    return Reader(expected, Rank.CALLABLE, read)


def import_symbol(name: str, context: Reading) -> Any:
    """What `module:name` or `module.name` stands for. Raises Unfit if the policy does not allow it."""
    module, _, qualified = name.partition(":") if ":" in name else name.rpartition(".")
    if not all(part.isidentifier() for part in (*module.split("."), *qualified.split("."))):
        raise Unfit("", "write the name of something registered, or module:name")
    try:
        return find_allowed(local_symbol(f"{module}:{qualified}"), context.allowed)
    except ConfigError as error:
        raise Unfit(error.message, error.hint or "") from None
