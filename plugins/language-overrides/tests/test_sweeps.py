from __future__ import annotations

import copy
import itertools
import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nrun import Config, ConfigError, Secret, build, explain
from nrun.config.special import Sweep
from nrun_language_overrides.factories import Factories
from nrun_language_overrides.overrides import Context, apply
from nrun_language_overrides.reader import Reading
from nrun_language_overrides.sweeps import distinct, identity, points_of


@dataclass
class Adam:
    lr: float = 1e-3


@dataclass
class AdamW(Adam):
    wd: float = 0.0


@dataclass
class Job:
    opt: Adam = field(default_factory=Adam)
    steps: int = 10
    name: str = "x"
    tags: list[str] = field(default_factory=list)
    parts: list[Adam] = field(default_factory=list)
    more: Adam | None = None


def swept(*items, **more):
    return apply(Config(Job, **more), items, Context(Reading()))


def overrides(points):
    return [point.overrides for point in points]


def test_a_tree_without_sweeps_has_one_point():
    config = Config(Job, steps=3)
    points = points_of(config)
    assert (len(points), points.axes) == (1, ())
    assert points[0].config == config
    assert points[0].config is not config


def test_sweeps_are_crossed_and_the_last_varies_fastest():
    points = points_of(swept("opt.lr=1,2", "steps=1,2,3").config)
    assert points.axes == ("opt.lr", "steps")
    assert [(point.config.opt.lr, point.config.steps) for point in points] == list(itertools.product((1, 2), (1, 2, 3)))
    assert points[3].overrides == ("opt.lr=2.0", "steps=1")
    assert [point.number for point in points] == list(range(6))


def test_the_order_is_that_in_which_they_were_written():
    applied = swept("steps=1,2", "opt.lr=1,2", opt=Config(Adam), name=Sweep(("a", "b")))
    points = points_of(applied.config, order=applied.paths)
    assert points.axes == ("name", "steps", "opt.lr")


def test_points_are_reached_by_index():
    points = points_of(swept("opt.lr=1,2", "steps=1,2,3").config)
    assert points[-1] == points[5]
    assert overrides(points[1:6:2]) == [points[index].overrides for index in (1, 3, 5)]
    for index in (6, -7):
        with pytest.raises(IndexError):
            points[index]


def test_a_point_does_not_make_the_others():
    steps = ",".join(map(str, range(1000)))
    points = points_of(swept(f"steps={steps}", f"opt.lr={steps}", f"more.lr={steps}").config)
    assert len(points) == 10**9
    assert points[123_456_789].overrides == ("steps=123", "opt.lr=456.0", "more.lr=789.0")


def test_more_points_than_can_be_counted_are_refused():
    many = Sweep(tuple(range(1000)))
    with pytest.raises(ConfigError, match="too many"):
        points_of(Config(dict, **{f"a{number}": many for number in range(7)}))


def test_the_tree_and_other_points_are_not_changed():
    config = swept("opt.lr=1,2", "parts=[{lr: choice(1,2)}]").config
    before = copy.deepcopy(config)
    points = points_of(config)
    points[0].config.parts[0].lr = 9
    assert config == before
    assert points[0].config.parts[0].lr == 1
    assert points[0].config.parts[0] is not points[0].config.parts[0]


def test_zipped_sweeps_vary_together():
    config = swept("opt.lr=1,2", "steps=5,6,7", "name=choice(a,b)").config
    points = points_of(config, zipped=[["name", "opt.lr"]])
    assert len(points) == 6
    assert overrides(points)[:2] == [("opt.lr=1.0", "name=a", "steps=5"), ("opt.lr=1.0", "name=a", "steps=6")]
    assert overrides(points)[-1] == ("opt.lr=2.0", "name=b", "steps=7")


def test_only_sweeps_of_equal_length_can_be_zipped():
    config = swept("opt.lr=1,2", "steps=5,6,7").config
    with pytest.raises(ConfigError, match=r"opt.lr has 2, steps has 3"):
        points_of(config, zipped=[["opt.lr", "steps"]])
    with pytest.raises(ConfigError, match=r"no sweep at step.* mean 'steps'"):
        points_of(config, zipped=[["opt.lr", "step"]])
    with pytest.raises(ConfigError, match="zipped twice"):
        points_of(
            swept("opt.lr=1,2", "steps=1,2", "more.lr=1,2").config, zipped=[["opt.lr", "steps"], ["opt.lr", "more.lr"]]
        )


def test_a_sweep_in_a_point_of_another_counts_only_there():
    points = points_of(swept("opt=Adam,AdamW", "opt.wd=1,2", "steps=1,2").config)
    assert len(points) == 6
    assert overrides(points) == [
        *[("opt=Adam()", f"steps={steps}") for steps in (1, 2)],
        *[("opt=AdamW()", f"opt.wd={wd}", f"steps={steps}") for wd in (1.0, 2.0) for steps in (1, 2)],
    ]
    assert [build(points[index].config).opt for index in (0, 3, 4)] == [Adam(), AdamW(wd=1), AdamW(wd=2)]


def test_sweeps_stand_in_lists_dictionaries_and_tuples():
    config = Config(dict, a=[Sweep((1, 2))], b={"k": (0, Sweep((3, 4)))})
    points = points_of(config)
    assert [(point.config.a, point.config.b) for point in points] == [
        ([a], {"k": (0, b)}) for a in (1, 2) for b in (3, 4)
    ]
    assert points[3].overrides == ("a[0]=2", "b['k'][1]=4")


def test_a_sweep_of_containers_may_hold_sweeps():
    points = points_of(Config(dict, a=Sweep(([1, Sweep((2, 3))], [Sweep((4, 5)), 6], []))))
    assert [point.config.a for point in points] == [[1, 2], [1, 3], [4, 6], [5, 6], []]


def test_a_sweep_in_a_shared_node_is_one():
    shared = Config(Adam, lr=Sweep((1, 2)))
    points = points_of(Config(Job, opt=shared, more=shared, parts=Sweep(([shared], []))))
    assert len(points) == 4
    for point in points:
        assert point.config.more is point.config.opt
        assert all(part is point.config.opt for part in point.config.parts)
    assert points[3].config.opt.lr == 2


def test_the_trail_tells_the_point():
    points = points_of(swept("steps=1,2").config)
    assert "1/2" in str(explain(points[0].config, "steps"))


def test_equal_points_are_merged():
    points = points_of(swept("steps=1,2,1", "name=choice(a,a)").config)
    found = list(distinct(points, repr))
    assert [point.number for point in found] == [0, 2]


def test_points_with_different_secrets_are_kept_apart():
    one, same, other = (Secret(f"env:{name}") for name in ("A", "A", "B"))
    swept = Config(dict, token=Sweep((one, same, other)), env=Config(dict, of={"X": Sweep((one, (other,)))}))
    assert len(list(distinct(points_of(swept), identity))) == 4


def test_merging_makes_only_what_is_asked_for():
    points = points_of(Config(dict, a=Sweep(tuple(range(1000))), b=Sweep(tuple(range(1000)))))
    assert next(distinct(points, repr)).number == 0


@pytest.mark.parametrize(
    ("item", "texts"),
    [
        ("name=choice(a, 'b c', 'd, e', '', 'x')", ["name=a", "name=b c", 'name="d, e"', 'name=""', "name=x"]),
        ("tags=choice([a],[b,'c,d'])", ["tags=[a]", 'tags=[b, "c,d"]']),
        ("opt=choice(Adam(lr=1),AdamW(1,2))", ["opt=Adam(lr=1.0)", "opt=AdamW(lr=1.0, wd=2.0)"]),
        ("more=choice(null,Adam)", ["more=null", "more=Adam()"]),
    ],
)
def test_what_was_chosen_is_written_as_an_item_that_says_so(item, texts):
    points = points_of(swept(item).config)
    assert [text for point in points for text in point.overrides] == texts
    for point in points:
        assert apply(Config(Job), point.overrides, Context(Reading())).config == point.config


_trees = st.recursive(
    st.integers(0, 3),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda items: Sweep(tuple(items))),
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from("abc"), inner, max_size=2).map(lambda items: Config(dict, **items)),
    ),
    max_leaves=8,
)


def count(value):
    if isinstance(value, Sweep):
        return sum(map(count, value.points))
    if isinstance(value, Config):
        return math.prod(count(value[name]) for name in value)
    return math.prod(map(count, value)) if isinstance(value, list) else 1


def holds_sweep(value):
    if isinstance(value, Config):
        return any(holds_sweep(value[name]) for name in value)
    return isinstance(value, Sweep) or (isinstance(value, list) and any(map(holds_sweep, value)))


@given(_trees)
def test_every_combination_is_a_point_without_sweeps(tree):
    points = points_of(Config(dict, tree=tree))
    assert len(points) == count(tree)
    for number in {0, len(points) // 2, len(points) - 1}:
        assert not holds_sweep(points[number].config)
    if len(points) < 50:
        assert len({point.overrides for point in points}) <= len(points)


# ---- choices of a sweep, by name


def adam(lr: float = 0.5) -> Config[Adam]:
    return Config(Adam, lr=lr)


def decayed(wd: float = 1.0) -> Config[AdamW]:
    return Config(AdamW, wd=wd)


def chosen(*items):
    factories = Factories().register(adam).register(decayed)
    return points_of(apply(Config(Job), items, Context(Reading(factories=factories))).config)


def test_a_path_may_go_into_one_choice_of_a_sweep():
    points = chosen("opt=choice(adam, decayed)", "opt[decayed].wd=2,3", "steps=1,2")
    assert [(type(build(p.config.opt)).__name__, p.config.opt["lr"], p.config.steps) for p in points][:2] == [
        ("Adam", 0.5, 1),
        ("Adam", 0.5, 2),
    ]
    assert [p.config.opt.wd for p in points[2:]] == [2, 2, 3, 3]
    assert len(points) == 6


def test_a_choice_is_also_named_by_its_class():
    assert [p.config.opt.lr for p in chosen("opt=choice(adam, decayed)", "opt[AdamW].lr=7")] == [0.5, 7]
    assert [p.config.opt.lr for p in chosen("opt=choice(adam, decayed)", "opt[Adam].lr=7")] == [7, 7]  # a subclass too


def test_a_choice_that_is_not_there_is_an_error():
    with pytest.raises(ConfigError, match="it matches nothing"):
        chosen("opt=choice(adam, decayed)", "opt[sgd].lr=7")


def test_a_choice_of_what_has_no_choices_is_an_error():
    with pytest.raises(ConfigError, match="has no choices"):
        chosen("parts[Adam].lr=7")


def test_explain_names_the_factory_that_gave_a_choice():
    points = chosen("opt=choice(adam, decayed)")
    assert "factory decayed" in str(explain(points[1].config, "opt.wd"))
