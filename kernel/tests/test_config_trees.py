"""Trees as a whole: sharing, depth, copies, what is made anew, and the methods that users know."""

from __future__ import annotations

import copy
import dataclasses
import functools
import gc
import inspect
import os
import subprocess
import sys

import attrs
import pytest

from nrun import Config, ConfigError, Partial, build
from nrun.config.identity import content_id
from nrun.config.node import Fresh
from nrun.config.paths import nodes_of

METHODS = (
    "clone",
    "walk",
    "broadcast",
    "diff",
    "visualize",
    "save_config_img",
    "to_json",
    "from_json",
    "to_yaml",
    "from_yaml",
)


class Counted:
    made = 0

    def __init__(self, x=0, *, inner=None):
        Counted.made += 1
        self.x, self.inner = x, inner


def pair(a=None, b=None):
    return a, b


def given(*args, **kwargs):
    return args, kwargs


def every_name(  # noqa: PLR0913, PLR0917 - that is the point
    run,
    runtime,
    executor,
    plugins,
    name,
    args,
    fn,
    self,
    config,
    diff,
    build,
    target,
    walk,
    clone,
    value,
    kwargs,
    cls,
    memo,
):
    return list(locals().values())


@dataclasses.dataclass
class Fields:
    xs: list[int] = dataclasses.field(default_factory=list)
    opt: dict[str, int] = dataclasses.field(default_factory=lambda: {"a": 1})


@attrs.define
class AttrsFields:
    xs: list[int] = attrs.field(factory=list)
    twice: list[int] = attrs.field(default=attrs.Factory(lambda self: self.xs * 2, takes_self=True))


def chain(length):
    cfg = Config(pair, a=0)
    for _ in range(length):
        cfg = Config(pair, a=[cfg])
    return cfg


# ---- any depth, any size


@pytest.mark.parametrize("depth", [49, 50, 51, 500, 5000])
def test_no_tree_is_too_deep(depth):
    cfg, again = chain(depth), chain(depth)
    assert cfg == again
    assert copy.deepcopy(cfg) == cfg
    assert Config.from_json(cfg.to_json()) == cfg
    assert Config.from_json(cfg.to_json()).to_json() == cfg.to_json()
    assert content_id(cfg) == content_id(again)
    assert "..." in repr(cfg) or depth < 40
    assert len(list(nodes_of(cfg))) == depth + 1
    built = build(cfg)
    for _ in range(depth):
        ((built,), _) = built
    assert built == (0, None)


def test_deep_trees_keep_their_sharing_in_json():
    shared = Config(Counted, x=1)
    cfg = Config(pair, a=shared, b=shared)
    for _ in range(120):
        cfg = Config(pair, a=cfg, b=[shared])
    assert Config.from_json(cfg.to_json()) == cfg
    assert len(list(nodes_of(Config.from_json(cfg.to_json())))) == 122


def test_a_tree_that_shares_at_every_level_is_walked_once():
    cfg = Config(Counted, x=1)
    for _ in range(60):  # two paths at every level: 2**60 in all
        cfg = Config(pair, a=cfg, b=[cfg])
    again = Config.from_json(cfg.to_json())
    assert again == cfg == copy.deepcopy(cfg)
    assert content_id(again) == content_id(cfg)
    assert len(repr(cfg)) < 5000
    Counted.made = 0
    assert build(cfg)[0] is build(cfg)[1][0] or Counted.made == 2


def test_a_wide_tree_works():
    cfg = Config(given, [Config(pair, a=number) for number in range(20_000)])
    assert Config.from_json(cfg.to_json()) == cfg
    assert build(cfg)[0][0][-1] == (19_999, None)


# ---- sharing


def test_two_builds_give_two_trees_of_objects():
    shared = Config(Counted)
    cfg = Config(given, shared, [shared, {"k": (shared,)}], x=shared)
    (one, (two, three)), named = build(cfg)
    assert one is two is three["k"][0] is named["x"]
    assert build(cfg)[0][0] is not one


def test_containers_are_values_and_nodes_in_them_keep_their_identity():
    node, mine = Config(Counted), [1]
    cfg = Config(pair, a=mine, b=[node])
    other = Config(pair, a=cfg.a, b=cfg.b)
    cfg.a.append(2)
    assert (mine, cfg.a, other.a) == ([1], [1, 2], [1])
    assert cfg.b is not other.b
    assert cfg.b[0] is other.b[0] is node


def test_building_gives_containers_of_its_own():
    cfg = Config(pair, a=[1], b={"k": {1}})
    a, b = build(cfg)
    a.append(2)
    b["k"].add(2)
    assert (cfg.a, cfg.b) == ([1], {"k": {1}})


def test_what_was_put_into_a_container_is_checked_when_it_is_built_or_written():
    cfg = Config(pair, a=[], b=Config(Counted))
    cfg.a.append(object())
    with pytest.raises(ConfigError, match=r"the root: pair\.a\[0\]: a builtins\.object object cannot be part"):
        build(cfg)
    with pytest.raises(ConfigError, match=r"a\[0\]: object objects cannot be written down"):
        cfg.to_json()


def test_what_cannot_be_written_is_named_with_its_place():
    with pytest.raises(ConfigError, match=r"a\['k'\]\[0\]: .*a lambda"):
        Config(pair, a={"k": [Config(lambda: 1)]}).to_json()


@pytest.mark.parametrize("cls", [Fields, AttrsFields])
def test_defaults_that_are_made_anew_can_be_read_edited_and_compared(cls):
    cfg = Config(cls)
    assert cfg == Config(cls, xs=[])
    cfg.xs.append(1)
    assert cfg.xs == [1]
    assert build(cfg).xs == [1]
    assert Config(cls).xs == []
    assert cfg != Config(cls)


def test_a_default_worked_out_from_other_fields_is_not_known_before():
    assert build(Config(AttrsFields, xs=[1])).twice == [1, 1]
    with pytest.raises(ConfigError, match=r"AttrsFields\.twice is not set"):
        Config(AttrsFields).twice  # noqa: B018


def test_an_unset_default_equals_what_it_is_widened_to():
    def target(x: float = 1):
        return x

    assert Config(target) == Config(target, x=1)


def test_a_copy_can_be_made_where_pickle_would_make_one():
    make, args = Config(pair, a=Config(Counted)).__reduce__()
    assert make(*args) == Config(pair, a=Config(Counted))


def test_copies_of_several_trees_share_as_the_trees_do():
    shared = Config(Counted)
    one, two = copy.deepcopy([Config(pair, a=shared), Config(pair, b=shared)])
    assert one.a is two.b is not shared


# ---- partial and fresh


def test_what_a_partial_holds_is_made_once_and_what_is_fresh_at_each_call():
    call = build(Partial(given, Config(Counted), once=Config(Counted), anew=Fresh(Counted, inner=Fresh(Counted))))
    (args, one), (_, two) = call(), call(2)
    assert one["once"] is two["once"]
    assert one["anew"] is not two["anew"]
    assert one["anew"].inner is not two["anew"].inner
    assert call(2)[0] == (*args, 2)


def test_what_is_in_a_fresh_but_not_fresh_is_made_once():
    call = build(Partial(given, x=Fresh(Counted, inner=Config(Counted))))
    assert call()[1]["x"].inner is call()[1]["x"].inner


def test_fresh_in_containers_copies_them_at_each_call_and_no_others():
    call = build(Partial(given, a=[{"k": (Fresh(Counted),)}], b=[1]))
    one, two = call()[1], call()[1]
    assert one["a"][0]["k"][0] is not two["a"][0]["k"][0]
    assert one["a"] is not two["a"]
    assert one["b"] is two["b"]


def test_a_fresh_that_occurs_twice_is_made_once_in_a_call():
    fresh = Fresh(Counted)
    made = build(Partial(given, fresh, x=[fresh]))()
    assert made[0][0] is made[1]["x"][0]


def test_a_fresh_argument_that_is_overridden_is_not_made():
    call = build(Partial(pair, a=Fresh(Counted)))
    Counted.made = 0
    assert call(a=1) == (1, None)
    assert Counted.made == 0
    assert isinstance(call, functools.partial)
    assert list(inspect.signature(call).parameters) == ["a", "b"]


def test_fresh_must_be_complete_and_survives_json():
    with pytest.raises(ConfigError, match=r"\n  a\.run is required"):
        build(Partial(pair, a=Fresh(every_name)))
    cfg = Partial(pair, a=[Fresh(Counted, x=1)])
    assert Partial.from_json(cfg.to_json()) == cfg != Partial(pair, a=[Config(Counted, x=1)])


# ---- names


def test_no_name_of_a_parameter_is_taken():
    names = list(inspect.signature(every_name).parameters)
    values = {name: index for index, name in enumerate(names)}
    cfg = Config(every_name, **values)
    assert build(cfg) == list(values.values())
    for name in names:
        setattr(cfg, name, cfg[name] + 1)
        assert getattr(cfg, name) == cfg[name] or name in METHODS
    assert build(cfg) == [value + 1 for value in values.values()]
    assert build(cfg.broadcast(**values)) == list(values.values())
    assert build(cfg.walk(self=lambda node: node["walk"]))[names.index("self")] == values["walk"]
    assert build(Partial(every_name, **values))() == list(values.values())
    assert Config.from_json(cfg.to_json()) == cfg
    assert dir(cfg) == sorted({*METHODS, *names})
    for name in names:
        delattr(cfg, name)
    assert len(cfg) == 0


def test_an_argument_named_like_a_method_is_an_item():
    cfg = Config(given, clone=1)
    cfg.walk = 2
    assert (cfg["clone"], cfg["walk"]) == (1, 2)
    assert callable(cfg.clone)
    assert callable(cfg.walk)
    del cfg.walk
    assert "walk" not in cfg


def test_broadcast_and_walk_reach_into_lists_and_dictionaries():
    cfg = Config(pair, a=[Config(Counted), (Config(Counted, 1),)], b={"k": Config(given, x=3)})
    assert cfg.broadcast(x=5) is cfg
    assert [cfg.a[0].x, cfg.a[1][0].x, cfg.b["k"].x] == [5, 5, 5]
    cfg.walk(x=lambda node: node.x + 1)
    assert [cfg.a[0].x, cfg.a[1][0].x, cfg.b["k"].x] == [6, 6, 6]
    shared = Config(Counted)
    Config(pair, a=shared, b=[shared]).walk(x=lambda node: node.x + 1)
    assert shared.x == 1


def test_a_clone_shares_nothing_with_the_original():
    cfg = Config(pair, a=[Config(Counted)])
    new = cfg.clone()
    new.a[0].x = 5
    assert cfg.a[0].x == 0


@pytest.mark.parametrize("call", ["diff(cfg)", "visualize()", "save_config_img('x.svg')"])
def test_what_a_plugin_brings_says_what_to_install(call):
    program = f"from nrun import Config; cfg = Config(dict); cfg.{call}"
    env = os.environ | {"NRUN_DISABLE_PLUGINS": "config-view"}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    assert "UnknownName" in done.stderr
    assert "pip install nrun-config-view" in done.stderr


def test_a_subscripted_class_makes_nodes():
    assert Config[int]("m:f", x=1) == Config("m:f", x=1)


@attrs.frozen
class OneOf:
    """As a sweep is."""

    __nrun_special__ = True
    points: tuple


def test_nodes_in_a_value_that_stands_for_others_belong_to_the_tree():
    shared = Config(Counted)
    cfg = Config(pair, a=OneOf((shared, 3)), b=shared)
    again = Config.from_json(cfg.to_json())
    assert again == cfg == copy.deepcopy(cfg)
    assert again.a.points[0] is again.b
    assert content_id(again) == content_id(cfg) != content_id(Config(pair, a=OneOf((shared, 3)), b=Config(Counted)))


def test_a_copy_leaves_garbage_collection_as_it_was():
    tree = Config(dict, a=Config(dict, b=[1]))
    assert gc.isenabled()
    assert copy.deepcopy(tree) == tree
    assert gc.isenabled()
    gc.disable()
    try:
        copy.deepcopy(tree)
        assert not gc.isenabled()
    finally:
        gc.enable()
