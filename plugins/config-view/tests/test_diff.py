"""Changes between trees: what they say, and that carrying them out gives the other tree."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nrun as run
from nrun import Config, ConfigError, Partial, explain
from nrun.config.node import set_tags
from nrun.config.paths import format_path, parse_path
from nrun_config_view.changes import apply, delete_at
from nrun_config_view.diff import diff
from nrun_config_view.overrides import overrides
from nrun_config_view.threeway import diff3
from nrun_config_view.told import as_json, as_lines, as_tree, threeway_json, threeway_lines


class Leaf:
    def __init__(self, x: Any = 0, y: Any = None, *, child: Any = None):
        pass


class Other:
    def __init__(self, x: Any = 1, z: Any = None, *, child: Any = None):
        pass


class Many:
    def __init__(self, first: Any = None, second: Any = None, items: Any = (), **more: Any):
        pass


def told(changes):
    """The changes in short: kind, path, and what it is about."""
    return [
        (change.kind, format_path(change.path), *([format_path(change.source)] if change.source is not None else []))
        for change in changes
    ]


def law(ours, theirs):
    changes = diff(ours, theirs)
    assert run.identical(apply(ours, changes), theirs)
    assert not diff(apply(ours, changes), theirs)
    return changes


PLAIN = st.sampled_from([None, None, 1, True, 1.0, -0.0, float("nan"), "a", b"x", (1, 2), [1], {"k": 1}, {1, 2}])


@st.composite
def trees(draw):
    """Trees in which nodes are shared now and then."""
    made: list = []
    for _ in range(draw(st.integers(1, 7))):
        inner = st.one_of(PLAIN, *[st.sampled_from(made)] * 2) if made else PLAIN
        values = st.one_of(
            inner,
            st.lists(inner, max_size=4),
            st.lists(inner, max_size=3).map(tuple),
            st.dictionaries(st.sampled_from(["a", "$b", 1, True]), inner, max_size=3),
        )
        kind = draw(st.sampled_from([Config, Config, Partial]))
        target = draw(st.sampled_from([Leaf, Other, Many]))
        names = {Leaf: ["x", "y", "child"], Other: ["x", "z", "child"], Many: ["first", "second", "items", "more"]}
        made.append(kind(target, **draw(st.dictionaries(st.sampled_from(names[target]), values, max_size=3))))
    return made[-1]


@settings(max_examples=400, deadline=None)
@given(trees(), trees())
def test_applying_the_difference_gives_the_other_tree(ours, theirs):
    law(ours, theirs)
    assert not diff(ours, ours.clone())
    assert apply(ours, diff(ours, theirs, explicit=True)) == theirs


@st.composite
def edited(draw):
    """A tree, and one that came of it by edits: elements moved, nodes shared and taken apart, arguments changed."""
    ours = draw(trees())
    root = Config(Many, first=ours, items=[Config(Leaf, x=n) for n in range(draw(st.integers(0, 6)))])
    theirs = root.clone()
    nodes = [theirs["first"], *theirs["items"]]
    for _ in range(draw(st.integers(1, 5))):
        edit, node = draw(st.integers(0, 6)), draw(st.sampled_from(nodes))
        if edit == 0:
            theirs.items = draw(st.permutations(theirs["items"]))
        elif edit == 1:
            at = draw(st.integers(0, len(theirs["items"])))
            theirs.items = [*theirs["items"][:at], draw(st.sampled_from([node, Config(Other)])), *theirs["items"][at:]]
        elif edit == 2 and theirs["items"]:
            theirs.items = theirs["items"][1:]
        elif edit == 3:
            theirs[draw(st.sampled_from(["second", "third"]))] = draw(st.sampled_from([node, [node], {"k": node}]))
        elif edit == 4:
            theirs.first = node.clone()
        elif edit == 5:
            set_tags(node, frozenset(("x", tag) for tag in draw(st.sets(st.sampled_from("ab")))) or None)
        else:
            node.x = draw(PLAIN)
    return root, theirs


@settings(max_examples=400, deadline=None)
@given(edited())
def test_the_law_holds_for_edits(pair):
    law(*pair)
    law(*reversed(pair))


# ---- what the changes say


def tree(**arguments):
    return Config(Many, items=[Config(Leaf, x=number) for number in range(4)], **arguments)


def test_arguments_are_set_changed_and_unset():
    ours, theirs = Config(Leaf, x=1, y=2), Config(Leaf, x=3, child="c")
    assert told(law(ours, theirs)) == [("unset", "y"), ("change", "x"), ("set", "child")]


def test_other_tags_are_told():
    ours, theirs = Config(Leaf, child=Config(Leaf)), Config(Leaf, child=Config(Leaf))
    run.add_tag(ours, "child.x", "a")
    for path, tag in (("child.x", "b"), ("child.x", "c"), ("child.y", "d")):
        run.add_tag(theirs, path, tag)
    changes = law(ours, theirs)
    assert told(changes) == [("retag", "child.x"), ("retag", "child.y")]
    assert list(as_lines(changes)) == [
        "~ child.x has the tags b, c; it had the tags a",
        "~ child.y has the tags d; it had no tags",
    ]
    assert as_json(changes)["changes"][0] == {"kind": "retag", "path": "child.x", "old": ["a"], "new": ["b", "c"]}
    assert overrides(ours, theirs) == []


def test_setting_a_default_is_no_change_unless_asked_for():
    assert not diff(Config(Leaf, x=0), Config(Leaf))
    assert told(diff(Config(Leaf), Config(Leaf, x=0), explicit=True)) == [("set", "x")]


def test_types_count_and_nan_is_nan():
    assert told(law(Config(Leaf, x=1), Config(Leaf, x=True))) == [("change", "x")]
    assert not diff(Config(Leaf, x=float("nan")), Config(Leaf, x=float("nan")))


def test_a_retargeted_node_says_what_becomes_of_its_arguments():
    ours, theirs = Config(Many, first=Config(Leaf, x=5, y=2)), Config(Many, first=Config(Other, x=5, z=3))
    retarget, added = law(ours, theirs)
    assert (retarget.kept, retarget.dropped, retarget.added) == (("x",), ("y",), ("z",))
    assert told([added]) == [("set", "first.z")]


def test_elements_are_aligned_by_what_they_are():
    ours, theirs = tree(), tree()
    theirs.items = [Config(Leaf, x="new"), theirs.items[3], theirs.items[1], theirs.items[2]]
    assert told(law(ours, theirs)) == [("move", "items[1]", "items[3]"), ("change", "items[0].x")]
    theirs.items = [theirs.items[1], Config(Other), *theirs.items[2:]]
    assert told(law(ours, theirs)) == [
        ("remove", "items[0]"),
        ("move", "items[0]", "items[2]"),
        ("insert", "items[1]"),
    ]


def test_lists_without_nodes_change_as_a_whole():
    (change,) = law(Config(Leaf, x=[1, 2]), Config(Leaf, x=[1, 3]))
    assert (change.old, change.new) == ([1, 2], [1, 3])


def test_sharing_is_a_change_of_its_own():
    leaf = Config(Leaf, x=7)
    apart = Config(Many, first=Config(Leaf, x=7), second=Config(Leaf, x=7))
    together = Config(Many, first=leaf, second=leaf)
    assert told(law(apart, together)) == [("share", "second", "first")]
    assert told(law(together, apart)) == [("unshare", "second")]


def test_a_new_element_shares_what_was_there_before():
    leaf = Config(Leaf, x=7)
    ours = Config(Many, items=[Config(Many, first=leaf)], second=leaf)
    theirs = ours.clone()
    theirs.items = [Config(Leaf, child=theirs.second), *theirs.items]
    assert told(law(ours, theirs)) == [("insert", "items[0]"), ("share", "items[0].child", "items[1].first")]


def test_a_node_edited_apart_leaves_the_shared_one_as_it_was():
    leaf = Config(Leaf, x=7)
    ours = Config(Many, first=leaf, items=[leaf, leaf])
    theirs = ours.clone()
    theirs.first = Config(Leaf, x=8)
    assert told(law(ours, theirs)) == [("unshare", "first")]


def test_nothing_is_imported_for_targets_that_are_names():
    ours, theirs = Config("no.such:Thing", x=1), Config("no.such:Thing", x=2, y=Config("no.other:One"))
    assert told(diff(ours, theirs)) == [("change", "x"), ("set", "y")]
    assert apply(ours, diff(ours, theirs))["x"] == 2


def test_a_changed_value_knows_that_it_was_applied():
    changed = apply(Config(Leaf, x=1), diff(Config(Leaf, x=1), Config(Leaf, x=2)))
    assert "a change that was applied" in str(explain(changed, "x"))


@pytest.mark.parametrize("depth", [500])
def test_a_deep_chain_is_compared_and_changed(depth):
    ours = theirs = Config(Leaf, x=0)
    for number in range(depth):
        ours, theirs = Config(Leaf, child=ours), Config(Leaf, child=theirs, y=number)
    assert len(law(ours, theirs.clone())) == depth


def test_comparing_takes_steps_in_proportion_to_the_size():
    steps = []
    for size in (100, 1000):
        ours = Config(Many, items=[Config(Many, items=[Config(Leaf, x=n) for n in range(10)]) for _ in range(size)])
        theirs = ours.clone()
        for node in theirs.items:
            node.first = 1
        steps.append(calls_of(lambda ours=ours, theirs=theirs: diff(ours, theirs)))
    assert steps[1] < 12 * steps[0]


def calls_of(work):
    """How many calls `work` makes: what it costs, without a clock."""
    count = 0

    def note(_frame, event, _arg):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


# ---- how they are told


def test_changes_as_lines_as_a_tree_and_as_json():
    leaf = Config(Leaf, x=1)
    ours = Config(Many, first=leaf, second=Config(Leaf), third={"a": 1})
    theirs = Config(Many, first=leaf, second=leaf, third={"a\x1b[31m": 1})
    changes = diff(ours, theirs)
    lines = list(as_lines(changes))
    assert lines == [
        "- second = Config(Leaf)",
        "+ second is first",
        "- third['a'] = 1",
        "+ third['a\\x1b[31m'] = 1",
    ]
    told_tree = as_tree(changes)
    assert [click.unstyle(line) for line in told_tree.splitlines()] == [
        "- second = Config(Leaf)",
        "+ second is first",
        "third",
        "├─ - ['a'] = 1",
        "└─ + ['a\\x1b[31m'] = 1",
    ]
    assert "\x1b[31m- second" in told_tree
    form = json.loads(json.dumps(as_json(changes)))
    assert form["nrun_diff"] == 1
    assert form["changes"][0] == {"kind": "share", "path": "second", "source": "first"}
    assert form["changes"][1] == {"kind": "unset", "path": "third['a']", "old": 1}


# ---- three trees


def test_two_that_changed_different_places_can_be_had_together():
    base = tree(first=1, second=2)
    ours, theirs = base.clone(), base.clone()
    ours.first, theirs.second = 5, 6
    ours.items[0].x = theirs.items[0].x = "same"
    theirs.items[2].y = 3
    found = diff3(base, ours, theirs)
    assert not found.conflicts
    assert [told(side) for side in (found.ours, found.theirs, found.both)] == [
        [("change", "first")],
        [("set", "items[2].y"), ("change", "second")],
        [("change", "items[0].x")],
    ]
    together = apply(ours, found.theirs)
    assert together == apply(theirs, found.ours)
    assert (together.first, together.second, together.items[2].y) == (5, 6, 3)


def test_conflicts_are_named_by_the_larger_place():
    base = tree(first=Config(Leaf, x=1), second=2)
    ours, theirs = base.clone(), base.clone()
    ours.first, theirs.first.x = Config(Other), 3
    ours.second, theirs.second = 7, 8
    ours.items, theirs.items[1].x = ours.items[1:], 5
    found = diff3(base, ours, theirs)
    assert {format_path(conflict.path) for conflict in found.conflicts} == {"first", "second", "items"}
    assert (found.ours, found.theirs, found.both) == ((), (), ())
    assert "conflict at second:" in list(threeway_lines(found))
    assert {conflict["path"] for conflict in threeway_json(found)["conflicts"]} == {"first", "second", "items"}


@settings(max_examples=200, deadline=None)
@given(edited(), st.data())
def test_what_is_not_in_conflict_can_be_had_together(pair, data):
    base, ours = pair
    theirs = base.clone()
    for node in data.draw(st.lists(st.sampled_from([theirs, theirs["first"], *theirs["items"]]), max_size=2)):
        node["x" if node is not theirs else "second"] = "theirs"
    found = diff3(base, ours, theirs)
    if not found.conflicts:
        assert apply(ours, found.theirs) == apply(theirs, found.ours)


def test_places_are_unset_and_elements_removed():
    leaf = Config(Leaf, x=1)
    tree = Config(dict, a={"k": [leaf, (3, leaf)]}, b=leaf)
    for text in ("b.x", "a.k[0]", "a['k'][0][1]", "a.k"):
        delete_at(tree, parse_path(text))
    assert tree == Config(dict, a={}, b=Config(Leaf))
    for text in ("b.x", "a.k", "c"):
        with pytest.raises(ConfigError):
            delete_at(tree, parse_path(text))
