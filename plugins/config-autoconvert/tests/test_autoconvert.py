"""What an autoconverted function describes, built, is what the function makes."""

from __future__ import annotations

import copy
import enum
import functools
import importlib
import itertools
import linecache
import math
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import attrs
import pytest

from nrun import Config, ConfigError, Partial, autoconvert, build, eager

T = TypeVar("T")


class Thing:
    """Equal when it is of the same class and was made from equal parts. Not data, so it cannot be in a config."""

    def __init__(self, *parts, **named):
        self.parts, self.named = parts, named

    def __eq__(self, other):
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self):
        return 0

    def __repr__(self):
        return f"{type(self).__name__}{self.parts}{self.named or ''}"

    @classmethod
    def of(cls, *parts):
        return cls(*parts, how="of")

    @staticmethod
    def pair(a, b):
        return Thing(a, b)

    def method(self):
        return self


class Layer(Thing):
    pass


class Box(Generic[T]):
    def __init__(self, content: T):
        self.content = content

    def __eq__(self, other):
        return self.content == other.content

    __hash__ = None


class Point(NamedTuple):
    x: int
    y: int


@attrs.frozen
class Size:
    width: int
    height: int = 1


class Kind(enum.Enum):
    SMALL = "small"
    LARGE = "large"


class NotAllowedError(Exception):
    pass


WIDTH = 8


def double(n):
    return n * 2


def stack(layers, scale=1):
    return Thing(tuple(layers), scale=scale)


def split(thing):
    return thing, thing


@eager
def widths(n):
    return [double(i) for i in range(n)]


def logged(function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        return function(*args, **kwargs)

    return call


# ---- functions whose description, built, must equal what they make


@autoconvert
def nested(n=3):
    return Thing(Layer(n), Thing(Layer(n + 1)))


@autoconvert
def loop(n=3):
    layers = []
    for i in range(n):
        layers.append(Layer(i))
    return stack(layers)


@autoconvert
def while_loop(n=3):
    layers = [Layer(n)]
    while n > 0:
        n -= 1
        layers += [Layer(n)]
    return stack(layers)


@autoconvert
def condition(kind="a", n=0):
    if kind == "a" and n:
        made = Layer("a")
    elif not n:
        made = Thing("zero")
    else:
        made = Thing("other")
    return stack([made], scale=1 if n else 2)


@autoconvert
def early_return(n=0):
    if n == 0:
        return Layer("none")
    for i in range(n):
        if i == 2:
            return Layer("two")
    return Thing(n)


@autoconvert
def comprehensions(n=4):
    listed = [Layer(i) for i in range(n) if i % 2]
    keyed = {f"layer-{i}": Layer(i) for i in range(n)}
    generated = tuple(Layer(j) for i in range(n) for j in range(i) if i != j if j)
    return Thing(listed, keyed, generated, {i for i in range(n)})  # noqa: C416 - comprehensions are what is tested


@autoconvert
def texts(name="x", n=3):
    return Thing(f"{name}-{n:03d}", f"{name!r}{len(name)}", name.upper(), "-".join([name, *name]))


@autoconvert
def several_lines():
    text = """first
second
    third"""
    return Thing(text, text.splitlines())


def closing_over(base):
    factor = 3

    @autoconvert
    def inner(n=1):
        return Thing(Layer(base * factor), n)

    return inner


def closing_over_itself():
    @autoconvert
    def tree(depth=2):
        return Thing(depth, tree(depth - 1), tree(depth - 1)) if depth else Layer("leaf")

    return tree


@autoconvert
def recursive(depth=3):
    return Thing(recursive(depth - 1)) if depth else Layer(0)


@autoconvert
def sharing(n=2):
    shared = Layer(n)
    alias = shared
    return Thing(shared, [alias, shared], {"again": alias}, Thing(shared), Layer(n))


@autoconvert
def repeated():
    return Thing([Layer(1)] * 3)


@autoconvert
def local_functions(n=2):
    def block(i, *, kind=Layer):
        if i > 100:
            raise NotAllowedError(i)
        return kind(i, stack([Layer(i)]))

    @functools.cache
    def remembered(i):
        return Layer(i)

    make = lambda i: Layer(i, "lambda")  # noqa: E731 - a lambda is what is tested
    return Thing(block(n), block(1, kind=Thing), make(n), remembered(1), remembered(1), [*map(make, [1, 2])])


@autoconvert
def sorting(names=("b", "a")):
    return Thing([Layer(name) for name in sorted(names, key=lambda name: name)], max(names), sum([1, 2]))


@autoconvert
def defaults(n, factor=2, *rest, named=5, **more):
    return Thing(n, factor, rest, named, sorted(more), Layer(**more))


@autoconvert
def stars(items=(1, 2)):
    named = {"a": 1, "b": Layer(2)}
    first, *others = items
    return Thing(*items, *[Layer(3)], first, others, **named, c=3)


@autoconvert
def positional_only(a, b=2, /, *, c=3):
    return Thing(a, b, c, Point(a, b), Size(a, height=b))


@autoconvert
def standard_library(path="/tmp"):
    where = Path(path) / "x"
    steps = list(itertools.accumulate([1, 2, 3]))
    return Thing(str(where), where.name, math.sqrt(16), steps, copy.copy(steps), round(2.6), Kind("small"))


@autoconvert
def partials(n=2):
    return Thing(functools.partial(stack, scale=n).keywords if n == 0 else n)


@autoconvert
def class_methods(n=2):
    return Thing.of(Layer.of(n), Thing.pair(n, Layer(1)))


@autoconvert
def generic_aliases(n=2):
    return Box[int](n) if n else Box[list[int]](list[int]([n]))


@autoconvert
def other_functions(n=3):
    return Thing(double(n), stack([double(1)], scale=double(2)))


@autoconvert
def expanded(n=2):
    return Thing(nested(n), [loop(i) for i in range(n)], condition("b", n))


@autoconvert
def eagerly(n=3):
    if eager(double)(n) > 4:
        return Thing([Layer(width) for width in widths(n)])
    return Layer(eager(Size)(n).width)


@autoconvert
def matching(command=("add", 2)):
    match command:
        case ("add", n) if n > 1:
            return Layer("add", n)
        case -1 | ("negative", -2) as number:
            return Thing(number)
        case (name, *_) if name:
            return Thing(name)
        case _:
            return Thing()


@autoconvert
def managing(n=2):
    with memoryview(b"abc") as view:
        first = view[0]
    try:
        value = int("x")
    except ValueError:
        value = n
    return Thing(first, value, (total := value + 1), total)


@autoconvert
def optional(inner=None, size=None):
    layer = Layer(1) if inner is None else inner
    return Thing(layer, size or Size(3), size is None, isinstance(layer, Thing), isinstance(layer, str))


@autoconvert
def refusing(kind="good"):
    assert kind, "a kind"
    if kind == "bad":
        raise NotAllowedError(kind)
    return Layer(kind)


@autoconvert
def chosen_class(cls=Layer, n=1):
    table = {"layer": Layer, "thing": Thing}
    return Thing(cls(n), table["thing"](n), [make(n) for make in (Layer, Size)])


@autoconvert
def later_changes(n=2):
    layer = Layer(named=1)
    items = {}
    items["x"] = layer
    items.update(y=[layer])
    items.setdefault("z", []).append(Layer(n))
    return Thing(items)


@autoconvert
def mutual_a(n=3):
    return Thing(mutual_b(n - 1)) if n else Layer("a")


@autoconvert
def mutual_b(n=3):
    return Layer(mutual_a(n - 1)) if n else Layer("b")


@logged
@autoconvert
def decorated_outside(n=1):
    return Layer(n)


@autoconvert
def uses_decorated(n=1):
    return Thing(decorated_outside(n))


class Family:
    __private = 7
    size = 3

    @autoconvert
    def method(self, n=1):
        return Thing(self.size, self.__private, n, self.other(n))

    @autoconvert
    def other(self, n):
        return Layer(n)

    @classmethod
    @autoconvert
    def built(cls, n=1):
        return Thing(cls.size, Layer(n))

    @staticmethod
    @autoconvert
    def static(n=1):
        return Thing(Family.size, Layer(n))


class Relative(Family):
    @autoconvert
    def other(self, n):
        text = """text
at the margin"""
        return Thing(super().other(n), text, __class__.__name__)


@autoconvert
def uses_methods(n=2):
    family = eager(Relative)()
    return Thing(family.method(n), Family.built(n), Family.static(n))


CASES = [
    (nested, (), {}),
    (nested, (5,), {}),
    (loop, (0,), {}),
    (loop, (3,), {}),
    (while_loop, (), {}),
    (condition, (), {}),
    (condition, ("a", 1), {}),
    (condition, ("b", 1), {}),
    (early_return, (), {}),
    (early_return, (2,), {}),
    (early_return, (9,), {}),
    (comprehensions, (), {}),
    (texts, ("it's",), {"n": 12}),
    (several_lines, (), {}),
    (closing_over(2), (4,), {}),
    (closing_over_itself(), (), {}),
    (recursive, (), {}),
    (sharing, (), {}),
    (repeated, (), {}),
    (local_functions, (), {}),
    (sorting, (), {}),
    (defaults, (1,), {}),
    (defaults, (1, 2, 3, 4), {"named": 6, "z": 1, "y": 2}),
    (stars, (), {}),
    (positional_only, (1,), {}),
    (positional_only, (1, 5), {"c": 6}),
    (standard_library, (), {}),
    (partials, (), {}),
    (class_methods, (), {}),
    (generic_aliases, (), {}),
    (other_functions, (), {}),
    (expanded, (), {}),
    (eagerly, (), {}),
    (eagerly, (1,), {}),
    (matching, (), {}),
    (matching, (("drop", 1),), {}),
    (matching, ((),), {}),
    (matching, (-1,), {}),
    (managing, (), {}),
    (optional, (), {}),
    (optional, (), {"size": Size(9)}),
    (refusing, (), {}),
    (chosen_class, (), {}),
    (chosen_class, (Thing, 3), {}),
    (later_changes, (), {}),
    (mutual_a, (), {}),
    (decorated_outside, (), {}),
    (uses_decorated, (), {}),
    (Family.static, (2,), {}),
    (uses_methods, (), {}),
]


@pytest.mark.parametrize(("function", "args", "kwargs"), CASES, ids=lambda value: getattr(value, "__name__", None))
def test_what_is_described_builds_to_what_is_made(function, args, kwargs):
    described = function(*args, **kwargs)
    assert isinstance(described, Config)
    assert build(described) == function.wrapped(*args, **kwargs)


@pytest.mark.parametrize(("function", "args", "kwargs"), CASES, ids=lambda value: getattr(value, "__name__", None))
def test_nothing_is_made_when_it_is_described(function, args, kwargs, monkeypatch):
    def make(self, *args, **kwargs):
        raise AssertionError

    monkeypatch.setattr(Thing, "__init__", make)
    function(*args, **kwargs)


def test_objects_that_are_shared_when_made_are_shared_when_built():
    for made in (build(sharing()), sharing.wrapped()):
        shared, (first, second), again, outer, other = made.parts
        assert shared is first is second is again["again"] is outer.parts[0]
        assert shared == other
        assert shared is not other


def test_methods_describe_for_the_object_they_are_of():
    assert build(Relative().method(2)) == Family.method.wrapped(Relative(), 2)
    assert build(Family().method(2)) == Family.method.wrapped(Family(), 2)
    assert Family.built(4) == Config(Thing, 3, Config(Layer, 4))


def test_what_is_described_can_be_edited_and_written_down():
    described = expanded()
    described[1] = []
    assert Config.from_json(described.to_json()) == described
    assert build(Config.from_json(described.to_json())) == build(described)


# ---- Config and Partial, as in NeMo Run


def test_a_call_gives_a_config_and_wrapped_gives_the_object():
    @autoconvert
    def made(size: int = 3) -> Size:
        return Size(size)

    assert made() == Config(Size, 3)
    assert made.wrapped() == Size(3)
    assert made.__auto_config__ is True
    assert made.__name__ == "made"


def test_a_partial_is_made_of_the_outermost_call_only():
    @autoconvert(partial=True)
    def task(n=1):
        return stack([Layer(n)], scale=2)

    assert task(4) == Partial(stack, [Config(Layer, 4)], scale=2)
    assert task.as_config(4) == Config(stack, [Config(Layer, 4)], scale=2)
    assert build(task(4))() == build(task.as_config(4)) == task.wrapped(4)


def test_a_partial_keeps_positional_arguments():
    @autoconvert(partial=True)
    def task():
        return Thing(1, Layer(2), name=3)

    assert task() == Partial(Thing, 1, Config(Layer, 2), name=3)


def test_a_partial_inside_is_a_callable_whether_it_is_built_or_made():
    @autoconvert(partial=True)
    def factory(n):
        return Layer(n)

    @autoconvert
    def outer():
        return Thing(factory(2))

    assert outer() == Config(Thing, Partial(Layer, 2))
    assert build(outer()).parts[0]() == outer.wrapped().parts[0]() == Layer(2)


def test_nodes_that_a_function_returns_itself_are_kept():
    @autoconvert
    def described():
        return Config(Thing, Partial(stack, scale=2), Config(Size, width=1))

    @autoconvert
    def of_a_task():
        return Partial(stack, [Layer(1)])

    @autoconvert(partial=True)
    def turned():
        return Config(Thing, a=1)

    assert described() == Config(Thing, Partial(stack, scale=2), Config(Size, width=1))
    assert of_a_task() == Partial(stack, [Config(Layer, 1)])
    assert turned() == Partial(Thing, a=1)


def test_lists_are_of_what_their_items_would_be():
    def both(n):
        return [Layer(n), Thing(n)]

    assert autoconvert(both)(1) == [Config(Layer, 1), Config(Thing, 1)]
    assert autoconvert(both, partial=True)(1) == [Partial(Layer, 1), Partial(Thing, 1)]


def test_a_function_can_stay_as_it_is_beside_its_description():
    def made(n):
        return Layer(n)

    assert made(1) == build(autoconvert(made)(1))


def test_values_stay_values():
    @autoconvert
    def perhaps(n):
        return Layer(n) if n else None

    @autoconvert
    def outer():
        return Thing(perhaps(0), perhaps(1))

    assert perhaps(0) is None
    assert build(outer()) == outer.wrapped()


def test_functools_partial_is_described():
    @autoconvert
    def made():
        return Thing(functools.partial(double, 4))

    assert build(made()).parts[0]() == made.wrapped().parts[0]() == 8


# ---- what is refused, with its line


def line_of(function, text):
    code = getattr(function, "__wrapped__", function).__code__
    lines = linecache.getlines(code.co_filename)
    return next(n for n, line in enumerate(lines[code.co_firstlineno :], code.co_firstlineno + 1) if text in line)


@autoconvert
def truth_in_if():
    layer = Layer(1)
    if layer:  # here
        return layer
    return Thing()


@autoconvert
def truth_in_while():
    while Layer(1):  # here
        pass


@autoconvert
def truth_in_or(given=None):
    return Thing(
        given,
        Layer(1) or Layer(2),  # here
    )


@autoconvert
def truth_in_not():
    return Thing(not double(1))  # here


@autoconvert
def truth_in_expression():
    return Thing(1 if double(1) else 2)  # here


@autoconvert
def truth_in_assertion():
    assert double(1)  # here


@autoconvert
def truth_in_comprehension():
    return Thing([n for n in range(3) if double(n)])  # here


@autoconvert
def truth_in_guard():
    match 1:
        case 1 if double(0):  # here
            return Thing()


@autoconvert
def truth_in_bool():
    return Thing(bool(Layer(1)))  # here


@autoconvert
def calls_a_method():
    layer = Layer(1)
    return Thing(
        layer.method(),  # here
    )


@autoconvert
def calls_a_node():
    return Thing(Layer(1)(2))  # here


@autoconvert
def iterates():
    return Thing([part for part in split(1)])  # noqa: C416 # here


@autoconvert
def loops():
    layers = []
    for part in split(1):  # here
        layers.append(part)
    return stack(layers)


@autoconvert
def adds():
    layers = []
    layers += split(1)  # here
    return stack(layers)


@autoconvert
def unpacks():
    a, b = split(Layer(1))  # here
    return Thing(a, b)


@autoconvert
def spreads():
    return Thing(*split(1))  # here


@autoconvert
def measures():
    return Thing(len(split(1)))  # here


@autoconvert
def takes_an_item():
    return Thing(split(1)[0])  # here


@autoconvert
def writes():
    return Thing(f"{split(1)}")  # here


@autoconvert
def enters():
    with stack([]):  # here
        return Thing()


@autoconvert
def drops():
    stack([1])  # here
    return Thing()


@autoconvert
def in_a_lambda():
    choose = lambda n: 1 if double(n) else 2  # noqa: E731 # here
    return Thing(choose(1))


@autoconvert
def mistakes_an_argument():
    return Thing(
        Size(1, heigth=2),  # here
    )


@autoconvert
def passes_an_object():
    return Thing(eager(Layer)(1))  # here


REFUSED = [
    *(truth_in_if, truth_in_while, truth_in_or, truth_in_not, truth_in_expression, truth_in_assertion),
    *(truth_in_comprehension, truth_in_guard, truth_in_bool, calls_a_method, calls_a_node, iterates),
    *(loops, unpacks, spreads, measures, adds, takes_an_item),
    *(writes, enters, drops, in_a_lambda, mistakes_an_argument, passes_an_object),
]


@pytest.mark.parametrize("function", REFUSED)
def test_what_cannot_be_described_is_refused_with_its_line(function):
    with pytest.raises(ConfigError) as caught:
        function()
    line = line_of(function, "# here")
    assert f"at: {__file__}:{line}: " in str(caught.value)
    assert caught.value.hint or function is mistakes_an_argument
    frames = [frame for frame in traceback.extract_tb(caught.value.__traceback__) if frame.filename == __file__]
    assert frames[-1].lineno == line


def test_an_error_says_what_is_described_and_how_to_call_it_now():
    with pytest.raises(
        ConfigError, match=r"Layer is described here, not made: its value is known(.|\n)*eager\(Layer\)"
    ):
        truth_in_if()


def test_functions_that_only_run_are_not_refused():
    assert truth_in_if.wrapped() == Layer(1)
    assert drops.wrapped() == Thing()
    assert measures.wrapped() == Thing(2)


def test_an_exception_of_the_function_comes_from_its_own_line():
    with pytest.raises(NotAllowedError) as caught:
        refusing("bad")
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert frames[-1].lineno == line_of(refusing, "raise NotAllowedError")
    assert frames[-1].filename == __file__
    assert frames[-1].name == "refusing"


def test_wrong_arguments_are_told_as_for_any_function():
    with pytest.raises(TypeError, match=r"defaults\(\) missing 1 required positional argument: 'n'"):
        defaults()


def test_a_live_object_cannot_be_returned():
    @autoconvert
    def made():
        return eager(Layer)(1)

    with pytest.raises(ConfigError, match="cannot be part of a configuration"):
        made()


# ---- what cannot be converted


def test_generators_and_coroutines_are_refused():
    @autoconvert
    def generator():
        yield Layer(1)

    @autoconvert
    async def coroutine():
        return Layer(1)

    for function in (generator, coroutine):
        with pytest.raises(ConfigError, match="is a generator or a coroutine"):
            function()


@pytest.mark.parametrize("what", [Layer, lambda n: Layer(n, 1), logged(double), classmethod(double), nested, 3, len])
def test_only_a_function_as_its_def_made_it_can_be_decorated(what):
    with pytest.raises(ConfigError, match="directly above the def"):
        autoconvert(what)


def test_locals_are_refused():
    @autoconvert
    def made(n):
        return Thing(**locals())  # here

    with pytest.raises(ConfigError, match=rf"locals\(\).*{__file__}:{line_of(made, '# here')}"):
        made(1)


def test_a_function_without_source_says_to_return_a_config():
    names = {"autoconvert": autoconvert, "Thing": Thing, "__name__": "nowhere"}
    exec("@autoconvert\ndef made():\n    return Thing()", names)
    with pytest.raises(ConfigError, match=r"source of made(.|\n)*return Config\(\.\.\.\)"):
        names["made"]()


def test_a_file_that_changed_after_its_import_is_noticed(tmp_path, monkeypatch):
    module = module_of(tmp_path, monkeypatch, "@autoconvert\ndef made(a, b):\n    return Thing(a)\n")
    lines = (tmp_path / "recipes.py").read_text()
    for changed in (lines.replace("a, b", "a, c"), lines.replace("def made", "def other"), "\n\n" + lines, ""):
        (tmp_path / "recipes.py").write_text(changed)
        linecache.checkcache()
        with pytest.raises(ConfigError, match="source of made"):
            module.made(1, 2)


# ---- how it runs


def module_of(tmp_path, monkeypatch, text):
    here = f"sys.modules[{__name__!r}]"  # which has no name that could be written after `from`
    head = f"import sys; from nrun import autoconvert\nLayer, Thing = {here}.Layer, {here}.Thing\n"
    (tmp_path / "recipes.py").write_text(head + text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "recipes", raising=False)
    importlib.invalidate_caches()
    return importlib.import_module("recipes")


def test_globals_are_the_live_ones(monkeypatch):
    assert uses_width() == Config(Thing, 8, Config(Layer, 8))
    monkeypatch.setitem(globals(), "WIDTH", 9)
    monkeypatch.setitem(globals(), "Layer", Size)
    assert uses_width() == Config(Thing, 9, Config(Size, 9))


@autoconvert
def uses_width():
    return Thing(WIDTH, Layer(WIDTH))


def test_closures_are_the_live_ones():
    n = 1

    @autoconvert
    def made():
        nonlocal n
        n += 1
        return Layer(n)

    assert made() == Config(Layer, 2)
    n = 10
    assert made() == Config(Layer, 11)
    assert n == 11


def test_a_method_may_refer_to_its_class_wherever_that_is_defined():
    class Local:
        __hidden = 1

        @autoconvert
        def made(self):
            return Thing(Local.__hidden, self.__hidden)

        def maker(self):
            @autoconvert
            def made(n):
                return Thing(self.__hidden, n)

            return made

    assert build(Local().made()) == Local.made.wrapped(Local()) == Thing(1, 1)
    assert build(Local().maker()(2)) == Local().maker().wrapped(2) == Thing(1, 2)


def test_local_classes_keep_their_methods():
    @autoconvert
    def made(n):
        class Local(Thing):
            def layer(self):
                return Layer(n) if double(n) else None

        return Local(n)

    assert build(made(2)).layer() == made.wrapped(2).layer() == Layer(2)


def test_annotations_are_left_alone_in_a_module_without_deferred_ones(tmp_path, monkeypatch):
    module = module_of(
        tmp_path,
        monkeypatch,
        "from typing import Annotated\n"
        "@autoconvert\n"
        "def made(n: Annotated[int, Layer(1)] = 2) -> Thing:\n"
        "    size: Annotated[int, undefined] = n\n"
        "    def inner(x: int = 3) -> Layer:\n"
        "        return Layer(x, inner.__annotations__['x'] is int)\n"
        "    return Thing(size, inner())\n",
    )
    assert build(module.made()) == module.made.wrapped() == Thing(2, Layer(3, True))


def test_decorating_reads_no_source():
    lines = "import sys\nfrom nrun import autoconvert\n@autoconvert\ndef f(): return dict()\n"
    subprocess.run(
        [sys.executable, "-c", f"{lines}assert 'nrun_config_autoconvert.rewrite' not in sys.modules"], check=True
    )


def test_eager_leaves_what_it_is_given_alone():
    @autoconvert
    def made():
        return Thing(eager(double)(2), double(2))

    assert made() == Config(Thing, 4, Config(double, 2))
    assert eager(double)(2) == 4
