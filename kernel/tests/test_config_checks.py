"""Values are checked by the annotation when they are set, and nothing is changed that could lose anything."""
# ruff: noqa: UP006, UP007, UP045 - annotations in every spelling

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import sys
import textwrap
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, NewType, Optional, Protocol, TypeVar, Union

import attrs
import pytest

import nrun
from nrun import Config, ConfigError, Partial, build
from nrun.config.annotations import annotation_of, doc_of
from nrun.config.checks import compile_check
from nrun.config.node import Fresh

if TYPE_CHECKING:
    from fractions import Fraction

    import no_such_module_at_all


class Act(enum.Enum):
    RELU = "relu"


@dataclasses.dataclass
class Opt:
    lr: float = 0.1


class Adam(Opt):
    pass


class Other:
    pass


class Calls(Protocol):
    def __call__(self, x: int) -> int: ...


class Shape(typing.TypedDict):
    width: int


T = TypeVar("T")
Bounded = TypeVar("Bounded", bound=Opt)
Either = TypeVar("Either", int, str)
Steps = NewType("Steps", int)


@dataclasses.dataclass
class Box(Generic[T]):
    item: T
    more: list[T] = dataclasses.field(default_factory=list)


def makes_opt() -> Opt:
    return Adam()


def makes_other() -> Other:
    return Other()


def makes_something():
    return Opt()


def takes_any(x):
    return x


FITS = [
    (int, 1, 1),
    (int, True, True),
    (float, 1, 1.0),
    (float, 1.5, 1.5),
    (complex, 2, 2 + 0j),
    (str, "1", "1"),
    (bool, False, False),
    (bytes, b"x", b"x"),
    (None, None, None),
    (Path, "a/b", Path("a/b")),
    (Path, Path("a"), Path("a")),
    (Optional[int], None, None),
    (int | None, 3, 3),
    (float | None, 3, 3.0),
    (Union[float, int], 3, 3),
    (Union[float, str], 3, 3.0),
    (str | Path, "a", "a"),
    (list[float], [1, 2.5], [1.0, 2.5]),
    (tuple[int, str], [1, "a"], (1, "a")),
    (tuple[float, ...], [1, 2], (1.0, 2.0)),
    (tuple, [1], (1,)),
    (set[int], [1, 2], {1, 2}),
    (frozenset[int], {1}, frozenset({1})),
    (collections.abc.Sequence[int], (1, 2), (1, 2)),
    (collections.abc.Iterable[str], ["a"], ["a"]),
    (typing.List[int], [1], [1]),
    (dict[str, float], {"a": 1}, {"a": 1.0}),
    (collections.abc.Mapping[str, list[Path]], {"a": ["x"]}, {"a": [Path("x")]}),
    (Shape, {"width": 1}, {"width": 1}),
    (Literal["a", 1], "a", "a"),
    (Act, Act.RELU, Act.RELU),
    (Annotated[float, "unit"], 1, 1.0),
    (Steps, 3, 3),
    (Either, "a", "a"),
    (T, 3, 3),
    (Any, [1], [1]),
    (object, "x", "x"),
    (collections.abc.Callable[[int], int], len, len),
    (Calls, len, len),
    (type[Opt], Adam, Adam),
    (type, Opt, Opt),
]

MISFITS = [
    (int, "1", "must be int, not str '1'"),
    (int, 1.0, "must be int, not float 1.0"),
    (int, None, "must be int, not NoneType None"),
    (float, True, "must be float, not bool True"),
    (float, 2**60 + 1, "must be float, which cannot hold this number exactly"),
    (float, 10**400, "must be float, which cannot hold this number exactly"),
    (bool, 1, "must be bool, not int 1"),
    (str, Path("a"), "must be str, not PosixPath"),
    (int | None, "x", r"must be int \| None, not str 'x'"),
    (list[int], (1,), r"must be list\[int\], not tuple \(1,\)"),
    (list[int], "abc", r"must be list\[int\], not str 'abc'"),
    (list[int], [1, "x"], r"\[1\] must be int, not str 'x'"),
    (Optional[list[int]], [1, "x"], r"\[1\] must be int, not str 'x'"),
    (dict[str, dict[str, int]], {"a": {"b": None}}, r"\['a'\]\['b'\] must be int"),
    (dict[str, int], {1: 2}, r"\[1\] must be str, not int 1"),
    (tuple[int, int], [1], r"must be tuple\[int, int\], which has 2 elements, not list \[1\]"),
    (Literal["relu", "gelu"], "glu", "must be 'relu' or 'gelu', not str 'glu'"),
    (Literal[1], True, "must be 1, not bool True"),
    (Act, "RELU", "must be Act, not str 'RELU'"),
    (Opt, 3, "must be Opt, not int 3"),
    (Bounded, 3, "must be Opt, not int 3"),
    (type[Opt], 3, "must be a class, not int 3"),
    (collections.abc.Callable, 3, "must be something to call, not int 3"),
    (Shape, 3, "must be Shape, not int 3"),
]


def taking(annotation):
    def target(x):
        return x

    target.__annotations__["x"] = annotation
    return target


@pytest.mark.parametrize(("annotation", "value", "kept"), FITS, ids=str)
def test_what_fits_is_kept_and_widened_only_where_nothing_is_lost(annotation, value, kept):
    cfg = Config(taking(annotation), x=value)
    assert cfg.x == kept
    assert type(cfg.x) is type(kept)


@pytest.mark.parametrize(("annotation", "value", "words"), MISFITS, ids=str)
def test_what_does_not_fit_is_refused_where_it_is_set(annotation, value, words):
    target = taking(annotation)
    for act in (
        lambda: Config(target, x=value),
        lambda: Config(target, value),
        lambda: Config(target).__setattr__("x", value),
    ):
        with pytest.raises(ConfigError, match=words) as caught:
            act()
        assert "target.x" in str(caught.value)
        assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    ("annotation", "node"),
    [
        (Opt, Config(Opt)),
        (Opt, Config(Adam)),
        (Adam, Config(makes_opt)),  # it may give more than it promises
        (Opt, Config(makes_something)),
        (Opt, Config(max, 1, 2)),  # has no signature
        (dict, Config(Shape, width=1)),
        (Shape, Config(Shape, width=1)),
        (Opt, Config("not.imported:thing")),
        (Opt | None, Config(Opt)),
        (list[Opt], [Config(Adam)]),
        (dict[str, Opt], {"a": Config(Opt)}),
        (float, Config(int, "3")),
        (int, Config(takes_any, x=3)),
        (collections.abc.Callable, Partial(Opt)),
        (collections.abc.Callable, Config(Opt)),
        (Calls, Partial(Opt)),
        (Box[int], Config(Box, item=1)),
        (Config[Opt], Config(Adam)),
        (collections.abc.Sequence[int], Config(list)),
        (Literal["a"], Config(takes_any, x="a")),
    ],
    ids=str,
)
def test_a_node_fits_where_what_it_gives_does(annotation, node):
    cfg = Config(taking(annotation), x=node)
    assert cfg["x"] == node


@pytest.mark.parametrize(
    ("annotation", "node", "words"),
    [
        (Opt, Config(Other), r"must be Opt, not Config\(Other\)"),
        (Opt, Config(makes_other), r"must be Opt, not Config\(makes_other\)"),
        (Opt, Partial(Opt), r"must be Opt, not Partial\(Opt\)"),
        (list[Opt], [Config(Opt), Config(Other)], r"target\.x\[1\] must be Opt"),
        (Opt | None, Config(Other), r"must be Opt \| None"),
        (int, Config(Opt), "must be int"),
    ],
    ids=str,
)
def test_a_node_that_gives_another_class_is_refused(annotation, node, words):
    with pytest.raises(ConfigError, match=words):
        Config(taking(annotation), x=node)


def test_texts_forward_references_and_names_imported_for_types_only_are_understood():
    def target(a: Optional[Opt], b: list[Opt], c: Fraction, d: no_such_module_at_all.Thing, e: "Opt | None" = None):  # noqa: UP037
        return a, b, c, d, e

    with pytest.raises(ConfigError, match=r"target\.a must be Opt \| None"):
        Config(target, a=Config(Other))
    with pytest.raises(ConfigError, match=r"target\.b\[0\] must be Opt"):
        Config(target, b=[Config(Other)])
    with pytest.raises(ConfigError, match=r"target\.e must be Opt \| None"):
        Config(target, e=3)
    assert Config(target, d=object).d is object
    assert annotation_of(target, "c") is __import__("fractions").Fraction
    assert annotation_of(target, "d") is Any


def test_checking_imports_nothing(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "heavy_types_a.py").write_text("class Heavy: pass")
    (tmp_path / "light_user_a.py").write_text(
        textwrap.dedent("""
        from __future__ import annotations
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            import heavy_types_a
            import heavy_types_a as ht
            from heavy_types_a import Heavy as H
        def f(x: H = None, y: heavy_types_a.Heavy = None, z: ht.Heavy = None): return x
        """)
    )
    import light_user_a

    assert Config(light_user_a.f, x=3, y=3).x == 3
    assert "heavy_types_a" not in sys.modules
    heavy = annotation_of(light_user_a.f, "x")
    assert heavy.__name__ == "Heavy"
    assert annotation_of(light_user_a.f, "y") is annotation_of(Config(light_user_a.f), "z") is heavy


def test_fields_of_classes_are_checked_by_the_words_of_the_class_that_has_them():
    @attrs.define
    class Mine:
        _size: int
        opt: Opt = attrs.field(factory=Opt)

    with pytest.raises(ConfigError, match=r"Mine\.size must be int"):
        Config(Mine, size="x")
    with pytest.raises(ConfigError, match=r"Adam\.lr must be float"):
        Config(Adam, lr="x")
    assert annotation_of(Box, "more") == list[T]
    assert Config(Box[int], item=3).item == 3


def test_more_arguments_are_checked_by_the_annotation_of_all_of_them():
    def target(first: int, /, *rest: float, **named: str):
        return first, rest, named

    assert build(Config(target, 1, 2, b="x")) == (1, (2.0,), {"b": "x"})
    for act in (lambda: Config(target, "1"), lambda: Config(target, 1, "x"), lambda: Config(target, 1, b=2)):
        with pytest.raises(ConfigError, match=r"target(\[\d\]|\.b) must be"):
            act()


def test_a_target_that_cannot_be_hashed_is_checked_too():
    class Unhashable:
        __hash__ = None

        def __call__(self, x: int = 1):
            return x

    assert build(Config(Unhashable(), x=3)) == 3
    with pytest.raises(ConfigError, match="must be int"):
        Config(Unhashable(), x="a")
    assert Config(taking(Opt), x=Config(Unhashable())).x.x == 1


def test_a_default_that_its_annotation_does_not_admit_shows_what_else_is_meant():
    def target(x: int = None, y: Path = "here", z: str = 3):  # noqa: RUF013
        return x, y, z

    assert build(Config(target, x=None, z=4)) == (None, "here", 4)
    with pytest.raises(ConfigError, match=r"must be int \| None, not str"):
        Config(target, x="a")


def test_a_value_that_the_annotation_wrongs_can_be_set_all_the_same():
    with nrun.unchecked():
        cfg = Config(Opt, lr=["a"])
    assert Config.from_json(cfg.to_json()) == cfg
    assert build(cfg).lr == ["a"]
    with pytest.raises(ConfigError):
        cfg.lr = "b"


def test_a_value_that_is_known_only_later_fits_everywhere_and_is_not_built():
    @attrs.frozen
    class Later:
        __nrun_special__ = True
        path: str

    cfg = Config(taking(list[int]), x=[Later("a.b")])
    cfg.x = Later("a.b")
    with pytest.raises(ConfigError, match=r"x is .*Later\(path='a.b'\), which nothing has settled"):
        build(cfg)


def test_fresh_belongs_in_a_partial():
    for act in (lambda: Config(takes_any, x=Fresh(Opt)), lambda: Config(takes_any, x=[{"a": Fresh(Opt)}])):
        with pytest.raises(ConfigError, match=r"takes_any\.x.*Fresh is made anew at each call of a Partial"):
            act()
    with pytest.raises(ConfigError, match="must be Opt"):
        Partial(taking(Opt), x=Fresh(Other))


@pytest.mark.parametrize("annotation", [int, float, list[int], Opt, Literal["a"], int | str])
def test_a_check_says_what_it_expects(annotation):
    assert compile_check(annotation).expected


def google(size=1, name="x"):
    """Does it.

    Args:
        size (int): how large
            it is
        name: what it is called
    """


def numpy_style(size=1):
    """Does it.

    Parameters
    ----------
    size : int
        how large
    """


def sphinx(size=1):
    """:param int size: how large"""


class Base:
    old = None
    """Given
    before.

    Not told in one line.
    """


@attrs.define
class Told(Base):
    """Has fields.

    Args:
        both: said above
    """

    width: int = 1
    """How wide."""
    _hidden: int = 2
    """Of a private field."""
    both: int = 3
    """said below"""
    silent: int = 4
    other: int = 5

    "After a blank line."

    @attrs.define
    class Inner:
        depth: int = 1
        """How deep."""

    def __init__(self, old=None, **fields):
        self.__attrs_init__(**fields)


@pytest.mark.parametrize(
    ("target", "name", "doc"),
    [
        (google, "size", "how large it is"),
        (google, "name", "what it is called"),
        (numpy_style, "size", "how large"),
        (sphinx, "size", "how large"),
        (takes_any, "x", ""),
        (Told, "width", "How wide."),
        (Told, "hidden", "Of a private field."),
        (Told, "both", "said above"),
        (Told, "silent", ""),
        (Told, "other", "After a blank line."),
        (Told, "old", "Given before."),
        (Told.Inner, "depth", "How deep."),
    ],
)
def test_an_argument_is_explained_by_the_docstring(target, name, doc):
    assert doc_of(target, name) == doc
