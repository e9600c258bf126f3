"""Factories: which one a name stands for, and what may come out of it."""

from __future__ import annotations

import dataclasses
from typing import Protocol

import pytest

from nrun import Config, ConfigError, build
from nrun_language_overrides.factories import Factories
from nrun_language_overrides.overrides import Context, apply
from nrun_language_overrides.problems import ConfigProblems
from nrun_language_overrides.reader import Reading, read_text


@dataclasses.dataclass
class Opt:
    lr: float = 0.1


@dataclasses.dataclass
class Adam(Opt):
    betas: tuple[float, float] = (0.9, 0.95)
    name: str = "a"


@dataclasses.dataclass
class Other:
    x: int = 0


class Steps(Protocol):
    lr: float


def train(opt: Opt, other: Opt | None = None):
    return opt, other


def adam(lr: float = 1e-3, name: str = "a") -> Config[Adam]:
    return Config(Adam, lr=lr, name=name)


def slow(lr: float = 1e-9) -> Config[Opt]:
    return Config(Opt, lr=lr)


def other() -> Config[Other]:
    return Config(Other)


def unannotated(lr: float = 5.0):
    return Config(Opt, lr=lr)


def unannotated_text():
    return "not an Opt"


def lying() -> Config[Opt]:
    return Config(Other)


def raising(lr: float = 1.0) -> Config[Opt]:
    raise ValueError("no such device")


def nested(inner: Opt, factor: int = 1) -> Config[Opt]:
    return Config(Opt, lr=inner.lr * factor)


def many(first: float, *rest: int, **named: float) -> Config[Opt]:
    return Config(Opt, lr=first + sum(rest) + sum(named.values()))


def of(*functions, **kwargs):
    factories = Factories()
    for function in functions:
        factories = factories.register(function, **kwargs)
    return Reading(path="opt", factories=factories)


def read(text, *functions, annotation=Opt):
    return read_text(text, annotation, of(*functions))


def problem(text, *functions, annotation=Opt):
    with pytest.raises(ConfigProblems) as raised:
        read(text, *functions, annotation=annotation)
    return raised.value.problems[0]


def test_a_factory_provides_what_its_return_annotation_says():
    assert [entry.provides for entry in of(adam, other, unannotated).factories.entries] == [Adam, Other, None]
    assert Factories().register(unannotated, provides=Opt).entries[0].provides is Opt
    assert Factories().register(Adam).entries[0].provides is Adam


def test_registering_leaves_what_was_there_as_it_is():
    empty = Factories()
    assert empty.register(adam).entries
    assert not empty.entries


def test_a_factory_of_a_subclass_fits():
    assert read("adam(lr=3e-4)", adam) == Config(Adam, lr=3e-4, name="a")


def test_a_name_alone_calls_the_factory():
    assert read("adam", adam) == Config(Adam, lr=1e-3, name="a")


def test_the_factory_made_for_the_place_comes_first_then_the_type_then_subclasses():
    def subclass() -> Config[Adam]:
        return Config(Adam)

    def exact() -> Config[Opt]:
        return Config(Opt, lr=1.0)

    def here() -> Config[Opt]:
        return Config(Opt, lr=2.0)

    factories = Factories().register(subclass, name="x")
    assert read_text("x", Opt, Reading(factories=factories)) == Config(Adam)
    factories = factories.register(exact, name="x")
    assert read_text("x", Opt, Reading(factories=factories)) == Config(Opt, lr=1.0)
    factories = factories.register(here, name="x", parent=train, argument="opt")
    there = Reading(factories=factories, parent=train, argument="opt")
    assert read_text("x", Opt, there) == Config(Opt, lr=2.0)
    assert read_text("x", Opt, Reading(factories=factories, parent=train, argument="other")) == Config(Opt, lr=1.0)


def test_a_factory_for_a_place_is_found_while_what_is_around_it_is_read():
    @dataclasses.dataclass
    class Pair:
        first: Opt
        second: list[Opt]

    factories = Factories().register(slow, name="x", parent=Pair, argument="second").register(adam, name="x")
    pair = read_text("{first: x, second: [x]}", Pair, Reading(factories=factories))
    assert pair == Config(Pair, first=Config(Adam, lr=1e-3, name="a"), second=[Config(Opt, lr=1e-9)])


def test_what_a_factory_of_several_makes_is_appended_and_removed():
    def pair(lr: float = 1.0) -> list[Opt]:
        return [Config(Opt, lr=lr), Config(Opt, lr=2.0)]

    def takes(opts: list[Opt]): ...

    context = Context(reading=Reading(factories=Factories().register(pair, name="pair").register(slow)))
    config = apply(Config(takes, opts=[]), ["opts+=slow", "opts+=pair(3)"], context).config
    assert [opt.lr for opt in config.opts] == [1e-9, 3.0, 2.0]
    assert apply(config, ["opts-=pair(3)"], context).config.opts == [Config(Opt, lr=1e-9)]
    with pytest.raises(ConfigProblems, match=r"opts +expected Opt; got 'pear'"):
        apply(config, ["opts+=pear"], context)


def test_factories_serve_members_of_unions_and_protocols():
    assert read("adam", adam, annotation=Opt | None) == Config(Adam, lr=1e-3, name="a")
    assert read("adam", adam, annotation=Opt | Other) == Config(Adam, lr=1e-3, name="a")
    assert read("slow", slow, annotation=Steps) == Config(Opt, lr=1e-9)


def test_factories_of_other_types_are_not_seen():
    assert "expected Opt" in problem("other", other).message


def test_two_factories_of_one_name_are_refused_when_registered_unless_it_is_a_reload_or_meant():
    def another() -> Config[Adam]:
        return Config(Adam)

    factories = Factories().register(adam)
    assert len(factories.register(adam).entries) == 1
    with pytest.raises(ConfigError, match=r"two factories 'adam'.*:adam.*another"):
        factories.register(another, name="adam")
    assert factories.register(another, name="adam", override=True).entries[0].function is another


def test_two_factories_as_near_are_ambiguous():
    @dataclasses.dataclass
    class Sgd(Opt):
        pass

    factories = Factories().register(adam, name="x").register(lambda: Config(Sgd), name="x", provides=Sgd)
    with pytest.raises(ConfigProblems, match="x is ambiguous"):
        read_text("x", Opt | str, Reading(factories=factories))  # not even where text would fit


@pytest.mark.parametrize("name", ["choice", "range", "dict"])
def test_names_with_a_meaning_of_their_own_are_refused(name):
    with pytest.raises(ConfigError, match=f"no factory can be called {name}"):
        Factories().register(adam, name=name)


def test_without_a_return_annotation_the_result_must_be_a_node_that_fits():
    assert read("unannotated", unannotated) == Config(Opt, lr=5.0)
    assert "gives a str, not Opt" in problem("unannotated_text", unannotated_text).message


def test_what_a_factory_gives_is_checked_against_the_type():
    assert "gives Config(Other), not Opt" in problem("lying", lying).message


def test_arguments_are_read_by_the_annotations_of_the_factory():
    assert read("adam(3e-4, 'a,b')", adam) == Config(Adam, lr=3e-4, name="a,b")
    assert read("many(1, 2, 3, x=4)", many) == Config(Opt, lr=10.0)
    assert "expected float; got 'fast'" in problem("adam(lr=fast)", adam).message


def test_factories_are_called_inside_calls():
    assert read("nested(nested(adam(lr=2), factor=3), 5)", adam, nested) == Config(Opt, lr=30.0)


def test_all_that_is_wrong_with_a_call_is_told_with_its_place():
    with pytest.raises(ConfigProblems) as raised:
        read("nested(facter=2, factor=x)", nested)
    assert [(p.path, p.message.partition(";")[0], p.hints) for p in raised.value.problems] == [
        ("opt.facter", "no such argument of nested", ("did you mean factor?",)),
        ("opt.factor", "expected int", ()),
        ("opt.inner", "is not given, but nested requires it", ()),
    ]
    where = raised.value.problems[0].where
    assert where.text[where.start : where.end] == "facter"


def test_what_a_factory_raises_is_passed_on_and_not_read_in_another_way():
    with pytest.raises(ValueError, match="no such device") as raised:
        read("raising(lr=2)", raising, annotation=Opt | str)
    assert raised.value.__notes__ == ["in the factory raising, for opt"]


def test_a_call_that_is_wrong_does_not_pass_as_text():
    assert "no such argument" in problem("adam(lrr=1)", adam, annotation=Opt | str).message
    assert read("adm(lr=1)", adam, annotation=Opt | str) == "adm(lr=1)"


def test_an_unknown_name_suggests_the_nearest():
    assert problem("adm(lr=1)", adam).hints == ("did you mean adam?",)


def test_every_call_gives_a_node_of_its_own():
    first, second = (read("adam", adam) for _ in range(2))
    first.lr = 9.0
    assert second.lr == 1e-3
    assert build(second) == Adam(1e-3)
