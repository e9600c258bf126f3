"""Changes between trees: what they say, and that carrying them out gives the other tree."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nrun import Config, Partial
from nrun.config.paths import format_path
from nrun_config_view.changes import apply
from nrun_config_view.diff import diff


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
    assert apply(ours, changes) == theirs
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
        edit, node = draw(st.integers(0, 5)), draw(st.sampled_from(nodes))
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
        else:
            node.x = draw(PLAIN)
    return root, theirs


@settings(max_examples=400, deadline=None)
@given(edited())
def test_the_law_holds_for_edits(pair):
    law(*pair)
    law(*reversed(pair))
