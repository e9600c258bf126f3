from __future__ import annotations

import copy
import enum
import math
from pathlib import Path

import attrs
import pytest

import nrun
from nrun import Config, ConfigError, Partial, Script, build
from nrun.config.node import Fresh


class Color(enum.Enum):
    RED = 1


@attrs.frozen
class Sizes:
    width: int
    height: int = 2


class Model:
    built = 0

    def __init__(self, layers, *, size=(1, 2), extra=None):
        Model.built += 1
        self.layers, self.size, self.extra = layers, size, extra


def train(model, lr=0.1, steps=(1, 2), tags=[]):  # noqa: B006 - a default that edits must not reach
    return model, lr, steps, tags


def pair(a, b):
    return a, b


def everything(a, b=2, /, c=3, *args, d, e=5, **rest):
    return a, b, c, args, d, e, rest


def builds_itself(depth):
    return [depth, build(Config(builds_itself, depth - 1)) if depth else None]


def awkward(to_json, self, target, name="n"):
    return to_json, self, target, name


# ---- building


def test_a_config_builds_to_what_its_target_gives():
    assert build(Config(pair, 1, b=2)) == (1, 2)
    assert build(Config(Sizes, width=3)) == Sizes(3)


def test_a_home_is_found_where_the_configuration_is_built(monkeypatch):
    config = Config(dict, at=Path("~/a"), all=[Path("~"), Path("b/~")], text="~/a")
    monkeypatch.setenv("HOME", "/home/of/builder")
    assert build(config) == {
        "at": Path("/home/of/builder/a"),
        "all": [Path("/home/of/builder"), Path("b/~")],
        "text": "~/a",
    }
    assert config.at == Path("~/a")


def test_a_partial_builds_to_a_callable_with_its_arguments():
    assert build(Partial(pair, b=2))(1) == (1, 2)


def test_nested_configs_are_built_inside_lists_tuples_and_dicts():
    cfg = Config(pair, a=[Config(Sizes, 1), (Config(Sizes, 2),)], b={"x": Config(Sizes, 3)})
    assert build(cfg) == ([Sizes(1), (Sizes(2),)], {"x": Sizes(3)})


def test_a_node_that_occurs_twice_is_built_once():
    shared = Config(Model, layers=2)
    Model.built = 0
    a, b = build(Config(pair, shared, [shared]))
    assert a is b[0]
    assert Model.built == 1


def test_positional_only_extra_positional_and_extra_named_arguments_arrive():
    cfg = Config(everything, 1, 2, 3, 4, 5, d=6, z=7)
    assert build(cfg) == everything(1, 2, 3, 4, 5, d=6, z=7)
    assert build(Config(everything, 1, d=4)) == everything(1, d=4)


def test_a_partial_of_positional_arguments_is_called_as_written():
    assert build(Partial(everything, 1, 2, 3, 4))(d=5) == everything(1, 2, 3, 4, d=5)


def test_a_target_without_a_signature_takes_anything():
    assert build(Config(max, 1, 3, 2)) == 3
    assert build(Config(dict, a=1)) == {"a": 1}


def test_a_target_given_by_name_is_imported_only_when_it_is_needed():
    cfg = Config("no.such.module:thing", anything=1)
    assert cfg.anything == 1
    assert "thing" in repr(cfg)
    with pytest.raises(ConfigError, match=r"cannot import 'no\.such\.module'"):
        build(cfg)
    assert build(Config("math:sqrt", 9)) == 3


def test_what_a_target_raises_says_where_in_the_tree_it_happened():
    with pytest.raises(ZeroDivisionError) as caught:
        build(Config(pair, a=[Config(divmod, 1, 0)], b=2))
    assert caught.value.__notes__ == ["while building a[0] (divmod)"]


def test_everything_that_is_missing_in_a_tree_is_reported_before_anything_is_called():
    Model.built = 0
    cfg = Config(pair, a=Config(Model, layers=1), b=[Config(Model), Config(Sizes, height=1)])
    with pytest.raises(ConfigError) as caught:
        build(cfg)
    assert "\n  b[0].layers is required and not set" in str(caught.value)
    assert "\n  b[1].width is required and not set" in str(caught.value)
    assert Model.built == 0


def test_a_missing_positional_only_argument_is_named_by_its_index():
    with pytest.raises(ConfigError, match=r"\n  \[0\] is required"):
        build(Config(everything, d=1))


def test_a_gap_among_positional_arguments_is_reported_before_anything_is_called():
    Model.built = 0
    cfg = Config(everything, Config(Model, layers=1), 2, d=4)
    cfg[3] = 5
    del cfg[1]
    with pytest.raises(ConfigError, match="positional argument 1 is not set, but a later one is"):
        build(cfg)
    assert Model.built == 0


def test_a_partial_may_lack_arguments_anywhere_below_it_may_not():
    assert build(Partial(pair, a=1))(b=2) == (1, 2)
    with pytest.raises(ConfigError, match=r"\n  a\.layers is required"):
        build(Partial(pair, a=Config(Model)))


def test_a_tree_that_contains_itself_is_refused_with_both_places():
    cfg = Config(pair, a=Config(pair, a=1))
    cfg.a.b = [cfg]
    cycle = r"a\.b\[0\] contains itself: it is the same node as the root"
    for act in (build, copy.deepcopy, Config.to_json):
        with pytest.raises(ConfigError, match=cycle):
            act(cfg)
    assert "..." in repr(cfg)


def test_a_node_is_not_put_into_itself():
    cfg = Config(pair, a=1)
    with pytest.raises(ConfigError, match=r"pair\.b: a node cannot contain itself"):
        cfg.b = cfg


def test_only_a_config_or_a_partial_can_be_built():
    for value in (3, Fresh(pair), [Config(pair)]):
        with pytest.raises(ConfigError, match="cannot be built"):
            build(value)


def test_names_of_a_target_that_was_but_a_name_are_checked_before_anything_is_called():
    Model.built = 0
    cfg = Config(pair, a=Config(Model, layers=1))
    cfg.b = Config(f"{__name__}:pair", a=1, b=2, c=3)
    with pytest.raises(ConfigError, match=r"\n  b: pair takes no argument 'c'"):
        build(cfg)
    assert Model.built == 0


def test_build_may_be_called_while_something_is_built():
    assert build(Config(builds_itself, 3)) == [3, [2, [1, [0, None]]]]


# ---- arguments


def test_arguments_are_attributes_and_items():
    cfg = Config(train, model=1)
    cfg.lr = 0.5
    cfg["steps"] = [1]
    assert (cfg["lr"], cfg.steps, list(cfg), len(cfg)) == (0.5, [1], ["model", "lr", "steps"], 3)
    del cfg.lr
    assert cfg.lr == 0.1
    assert "lr" not in cfg
    assert bool(Config(train))


def test_a_default_can_be_read_and_edited_without_reaching_the_function():
    cfg = Config(train, model=1)
    cfg.tags.append("x")
    assert build(cfg)[3] == ["x"]
    assert train(1)[3] == []
    assert Config(train, model=1).tags == []


def test_containers_are_copied_when_they_are_set():
    mine = [1, {"a": [2]}]
    cfg = Config(train, model=mine)
    mine[1]["a"].append(3)
    assert cfg.model == [1, {"a": [2]}]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: Config(train, modle=1), "train takes no argument 'modle'; it takes: .*Did you mean 'model'"),
        (lambda: setattr(Config(train), "lrr", 1), "Did you mean 'lr'"),
        (lambda: Config(train).nothing_like_it, "takes no argument 'nothing_like_it'"),
        (lambda: Config(pair, 1, 2, 3), "pair takes 2 positional arguments, not 3"),
        (lambda: Config(train).model, "train.model is not set and has no default"),
        (lambda: Config(train).__delitem__("lr"), "train.lr is not set"),
        (lambda: Config(pair, 1, a=2), "pair is given 'a' both by position and by name"),
        (lambda: Config(pair).__setitem__(0, 1), "argument 0 is called 'a'; use the name"),
        (lambda: Config(everything).__setitem__(-1, 1), "no positional argument -1"),
        (lambda: Config(3), "3 cannot be called"),
        (lambda: Config(Config(pair)), "pair is wrapped already"),
    ],
)
def test_a_wrong_argument_is_refused_in_words(act, words):
    with pytest.raises(ConfigError, match=words):
        act()


def test_a_wrong_argument_is_also_the_error_that_python_would_raise():
    with pytest.raises(TypeError):
        Config(train, modle=1)
    assert not hasattr(Config(train), "modle")


def test_parameters_named_like_methods_or_like_ours_are_reachable():
    cfg = Config(awkward, 1, self=2, target=3)
    assert (cfg["to_json"], cfg.self, cfg.target, cfg.name) == (1, 2, 3, "n")
    cfg.to_json = 4
    assert build(cfg) == (4, 2, 3, "n")
    assert callable(cfg.to_json)  # the method; the argument is an item
    assert Config.from_json(cfg.to_json()) == cfg


@pytest.mark.parametrize("value", [object(), open, (x for x in ()), Path, Sizes, Color.RED, len])
def test_live_objects_are_refused_with_a_hint_and_what_has_a_name_is_taken(value):
    if isinstance(value, type) or callable(value) or isinstance(value, enum.Enum):
        assert Config(pair, a=value).a is value
        return
    with pytest.raises(ConfigError, match=r"pair\.a: a .* object cannot be part") as caught:
        Config(pair, a=value)
    assert "Config(" in caught.value.hint


@pytest.mark.parametrize(
    ("value", "why"),
    [(lambda: 1, "a lambda"), ({"f": [lambda: 1]}, "a lambda"), ({1: {object(): 2}}, "cannot be a key")],
)
def test_what_another_process_could_not_find_is_refused(value, why):
    with pytest.raises(ConfigError, match=why):
        Config(pair, a=value)


def test_a_function_inside_a_function_is_refused():
    def inner():
        pass

    with pytest.raises(ConfigError, match="defined inside a function"):
        Config(pair, a=inner)


def test_a_container_that_contains_itself_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(ConfigError, match="contains itself"):
        Config(pair, a=endless)


def test_other_kinds_of_numbers_and_texts_become_pythons_own():
    class Float64(float):
        pass

    class Text(str):
        __slots__ = ()

    cfg = Config(pair, a=Float64(0.5), b=[Text("x")])
    assert (type(cfg.a), type(cfg.b[0])) == (float, str)
    assert Config.from_json(cfg.to_json()) == cfg


# ---- comparing and copying


def test_configs_are_equal_when_they_would_make_the_same_call():
    assert Config(pair, 1, b=2) == Config(pair, a=1, b=2)
    assert Config(pair, 1, 2) != Config(pair, 1, 3)
    assert Config(pair, 1, 2) != Partial(pair, 1, 2)
    assert Config(pair) != Config(train)
    assert Config(pair, 1, 2) != (1, 2)


def test_an_unset_argument_equals_its_default():
    assert Config(train, model=1) == Config(train, model=1, lr=0.1)
    assert Config(train, model=1) != Config(train, model=1, lr=0.2)
    assert Config(train, model=1) != Config(train)


def test_types_matter_and_nan_equals_nan():
    assert Config(pair, a=1) != Config(pair, a=1.0)
    assert Config(pair, a=1) != Config(pair, a=True)
    assert Config(pair, a=[1]) != Config(pair, a=(1,))
    assert Config(pair, a=math.nan) == Config(pair, a=float("nan"))


def test_sharing_is_part_of_equality():
    one, two = Config(Sizes, 1), Config(Sizes, 1)
    assert Config(pair, one, one) == Config(pair, two, two)
    assert Config(pair, one, one) != Config(pair, one, two)
    assert Config(pair, one, two) != Config(pair, one, one)


def test_trees_that_contain_themselves_can_be_compared():
    one, two = Config(pair, a=1), Config(pair, a=1)
    one.b, two.b = [one], [two]
    assert one == two


def test_a_deep_copy_keeps_sharing_and_shares_nothing_with_the_original():
    shared = Config(Sizes, 1)
    cfg = Config(pair, shared, [shared])
    new = copy.deepcopy(cfg)
    assert new == cfg
    assert new.a is new.b[0]
    new.a.width = 9
    assert cfg.a.width == 1


def test_a_shallow_copy_can_be_given_other_arguments():
    cfg = Config(pair, 1, 2)
    new = copy.copy(cfg)
    new.a = 5
    assert (cfg.a, new.a) == (1, 5)


def test_configs_are_not_hashable_because_they_change():
    with pytest.raises(TypeError):
        hash(Config(pair))


# ---- scripts


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "neither path nor inline"),
        ({"path": "a", "inline": "b"}, "both path and inline"),
        ({"inline": "a\0b"}, "NUL"),
        ({"inline": "a", "args": "one two"}, "list of words"),
        ({"inline": "a", "args": [1]}, "must be text, not int"),
        ({"inline": "a", "env": {"A=B": "1"}}, "cannot name an environment variable"),
        ({"inline": "a", "env": {"": "1"}}, "cannot name an environment variable"),
        ({"inline": "a", "env": {"A": 1}}, "must be text, not int"),
        ({"inline": "a", "env": {"A": "\ud800"}}, "lone surrogate"),
        ({"inline": "a", "entrypoint": ""}, "entrypoint is empty"),
        ({"inline": "a", "entrypoint": "  "}, "entrypoint is empty"),
        ({"inline": "a", "entrypoint": []}, "entrypoint is empty"),
        ({"inline": "a", "entrypoint": "bash 'x"}, "No closing quotation"),
        ({"inline": "a", "m": True}, "runs a module"),
    ],
    ids=str,
)
def test_a_script_that_cannot_run_is_refused_when_it_is_made(arguments, words):
    with pytest.raises(ConfigError, match=words):
        Script(**arguments)


def test_a_script_takes_paths_as_well_as_texts():
    assert Script(Path("a/b.sh"), args=[Path("x"), "y"]) == Script("a/b.sh", args=("x", "y"))


def test_what_runs_a_script_may_have_options():
    assert Script("a", entrypoint="python -u").words == ("python", "-u")
    assert Script("a", entrypoint="'my tools/sh' -c").words == ("my tools/sh", "-c")
    listed = Script("a", entrypoint=["my tools/sh", "-e"])
    assert listed.words == ("my tools/sh", "-e")
    assert listed == Script("a", entrypoint="'my tools/sh' -e")


@pytest.mark.parametrize(
    ("script", "name"),
    [(Script("a/b.sh"), "b.sh"), (Script(inline="echo hi there"), "echo_hi_there"), (Script(inline="*"), "script")],
    ids=str,
)
def test_a_script_has_a_short_name(script, name):
    assert script.name == name


def test_what_is_done_with_trees_has_public_names():
    leaf = Config(Sizes, width=1)
    both = Config(pair, a=leaf, b=leaf)
    assert nrun.content_id(both.clone()) == nrun.content_id(both)
    assert "test_config.py" in str(nrun.explain(both, "a"))
    assert nrun.to_config(nrun.to_partial(both)) == both
    assert nrun.Fresh is Fresh


# ---- defaults that describe something


class Layer:
    def __init__(self, width=1, init=Config(Sizes, 7)):  # noqa: B008 - built anew, never shared
        self.width, self.init = width, init


def stack(layer=Config(Layer, width=3), make=Partial(Layer, width=4), layers=(Config(Layer), {"last": Config(Layer)})):  # noqa: B008 - as above
    return layer, make, layers


@pytest.mark.parametrize("target", [stack, f"{__name__}:stack"], ids=["function", "name"])
def test_a_default_that_describes_something_is_built_anew_each_time(target):
    described = Partial(target)
    layer, make, (first, last) = build(described)()
    assert (layer.width, layer.init, make().width, make().init) == (3, Sizes(7), 4, Sizes(7))
    assert (first.width, last["last"].width) == (1, 1)
    assert build(described)()[0] is not layer
    assert list(described) == []  # building changes nothing


def test_a_default_that_describes_something_is_what_it_would_be_if_it_were_set():
    given = Partial(stack, layer=Config(Layer, width=3))
    assert given == Partial(stack)
    assert nrun.content_id(given) == nrun.content_id(Partial(stack))
    assert nrun.content_id(Partial(stack, layer=Config(Layer, width=2))) != nrun.content_id(given)


SIZES = Config(Sizes, 7)


def two(a=SIZES, b=SIZES):
    return a, b


def test_arguments_with_the_same_described_default_have_one_each():
    apart, shared = Config(two, a=Config(Sizes, 7), b=Config(Sizes, 7)), Config(two, a=SIZES, b=SIZES)
    a, b = build(Config(two))
    assert a is not b
    assert Config(two) == apart == Config(two, a=SIZES)
    assert Config(two) != shared != apart
    assert nrun.content_id(Config(two)) == nrun.content_id(apart) != nrun.content_id(shared)


def lacks(model=Config(Model)):  # noqa: B008 - as above
    return model


def test_what_a_default_lacks_is_told_with_its_path():
    with pytest.raises(ConfigError, match=r"model\.layers is required"):
        build(Config(pair, a=Config(lacks), b=1))
