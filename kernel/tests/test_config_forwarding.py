"""Arguments that `**kwargs` pass on are known: checked, documented, with their defaults."""

from __future__ import annotations

import dataclasses
import functools
import subprocess
import sys
from typing import Annotated

import pytest

import nrun
from nrun import Config, ConfigError, NoHash, Partial, build, content_id
from nrun.config.annotations import annotation_of, doc_of
from nrun.config.checks import effective_default
from nrun.config.target import signature_of


class Base:
    """The base.

    Args:
        width: how wide it is
    """

    def __init__(self, width: int = 64, depth: int = 2, *, workers: Annotated[int, NoHash] = 4):
        self.width, self.depth, self.workers = width, depth, workers


class Child(Base):
    def __init__(self, name: str = "child", **kwargs):
        super().__init__(**kwargs)
        self.name = name


class GrandChild(Child):
    def __init__(self, **more):
        super().__init__(depth=3, **more)


class Mixin:
    def __init__(self, mixed: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.mixed = mixed


class Mixed(Mixin, Child):
    pass


class Old(Base):
    def __init__(self, extra: int = 0, **kwargs):
        Base.__init__(self, 8, **kwargs)
        self.extra = extra


@dataclasses.dataclass
class Options:
    lr: float = 0.1
    tags: list[str] = dataclasses.field(default_factory=list)


class WithOptions(Options):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)


def plain(first, lr: float = 0.1, *, steps: int = 10):
    return first, lr, steps


def calls(**kwargs):
    return plain("it", **kwargs)


def calls_in_module(**kwargs):
    return nrun.Config(Child, width=1, **kwargs)


def describes(size: int = 1, **kwargs) -> Config[Base]:
    return Config(Base, size, **kwargs)


def closes_over(function):
    def inner(**kwargs):
        return function(**kwargs)

    return inner


KNOWN = {
    Child: ["name", "width", "depth", "workers"],
    GrandChild: ["name", "width", "workers"],
    Mixed: ["mixed", "name", "width", "depth", "workers"],
    Old: ["extra", "depth", "workers"],
    WithOptions: ["lr", "tags"],
    calls: ["lr", "steps"],
    calls_in_module: ["name", "depth", "workers"],
    describes: ["size", "depth", "workers"],
    closes_over(plain): ["first", "lr", "steps"],
}


@pytest.mark.parametrize("target", KNOWN, ids=lambda target: target.__qualname__)
def test_the_names_of_whoever_takes_them_are_known(target):
    signature = signature_of(target)
    assert list(signature.names) == KNOWN[target]
    assert not signature.takes_more_names
    with pytest.raises(ConfigError, match=r"takes no argument 'depht'|takes no argument 'stepss'") as refused:
        Config(target, **{"stepss" if "steps" in KNOWN[target] else "depht": 1})
    assert ("Did you mean" in str(refused.value)) == (not {"steps", "depth"}.isdisjoint(KNOWN[target]))


@pytest.mark.parametrize("target", [Child, GrandChild, Mixed, WithOptions])
def test_what_is_known_is_what_can_be_given(target):
    for name in KNOWN[target]:
        cfg = Config(target)
        value = getattr(cfg, name)
        setattr(cfg, name, value)
        assert getattr(build(cfg), name) == value
    with pytest.raises(TypeError):
        target(nothing=1)


def test_types_defaults_and_words_are_those_of_whoever_takes_them():
    cfg = Config(GrandChild, width=3)
    assert cfg.workers == 4
    with pytest.raises(ConfigError, match=r"GrandChild\.width must be int, not str 'wide'"):
        cfg.width = "wide"
    assert doc_of(GrandChild, "width") == "how wide it is"
    assert effective_default(GrandChild, "workers") == 4
    assert annotation_of(GrandChild, "workers") == Annotated[int, NoHash]
    options = Config(WithOptions)
    options.tags.append("a")
    assert build(options).tags == ["a"]
    assert Config(WithOptions).tags == []


def pops(**kwargs):
    kwargs.pop("lr", None)
    return plain("it", **kwargs)


def passes_twice(**kwargs):
    return plain(1, **kwargs), plain(2, **kwargs)


def chooses(function=plain, **kwargs):
    return function(**kwargs)


def round_in_circles(**kwargs):
    return round_again(**kwargs)


def round_again(**kwargs):
    return round_in_circles(**kwargs)


def to_a_builtin(**kwargs):
    return dict(**kwargs)


class SelfMade:
    def __init__(self, **kwargs):
        self.set(**kwargs)

    def set(self, **kwargs):
        vars(self).update(kwargs)


@pytest.mark.parametrize(
    "target",
    [pops, passes_twice, chooses, round_in_circles, to_a_builtin, SelfMade, lambda **kwargs: plain(1, **kwargs), dict],
)
def test_where_there_is_no_telling_everything_is_taken(target):
    assert signature_of(target).takes_more_names
    assert Config(target, anything=1).anything == 1


def test_names_that_are_known_and_more():
    def more(lr: float = 1.0, **kwargs):
        return to_a_builtin(**kwargs)

    def outer(steps=2, **kwargs):
        return more(**kwargs)

    assert list(signature_of(outer).names) == ["steps", "lr"]
    assert Config(outer, other=1).other == 1
    with pytest.raises(ConfigError, match="must be float"):
        Config(outer, lr="fast")


def test_decorated_functions_are_looked_through():
    @functools.wraps(calls)
    def decorated(*args, **kwargs):
        return calls(*args, **kwargs)

    assert list(signature_of(decorated).names) == KNOWN[calls]


def test_defaults_of_others_do_not_count_in_what_a_tree_means():
    """For they are known only where there is source; what a tree means must not depend on that."""
    assert content_id(Config(Child, width=64)) != content_id(Config(Child))
    assert Config(Child, width=64) != Config(Child)
    assert content_id(Config(Child, workers=1)) == content_id(Config(Child, workers=2)) == content_id(Config(Child))


def test_trees_are_written_and_built_as_ever():
    cfg = Partial(calls_in_module, depth=5)
    assert Partial.from_json(cfg.to_json()) == cfg
    assert build(build(cfg)()).depth == 5


def test_the_source_is_read_only_for_targets_that_pass_names_on():
    program = "import sys, nrun\ndef f(a=1): ...\nnrun.Config(f, a=2)\nprint('nrun.config.forwarding' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
