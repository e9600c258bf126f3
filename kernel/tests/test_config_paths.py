"""Paths: read, told, followed, and walked over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nrun import Config, ConfigError
from nrun.config.edit import to_config, to_partial
from nrun.config.node import Fresh, Partial
from nrun.config.paths import Key, format_path, get_at, nodes_of, parse_path, paths_to, set_at, walk


class Leaf:
    def __init__(self, x: int = 1, *more: int, tags: list[str] = ["a"]):  # noqa: B006 - a default to be copied
        self.x = x


def pair(a=None, b=None):
    return a, b


steps = st.one_of(
    st.from_regex(r"[a-z_][a-z_0-9]{0,5}", fullmatch=True), st.integers(-3, 99), st.builds(Key, st.text(max_size=6))
)


@given(st.lists(steps, max_size=5))
def test_a_path_that_is_told_is_read_back(path):
    assert parse_path(format_path(path)) == tuple(path)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", ()),
        ("a.b[0]['k'].c", ("a", "b", 0, Key("k"), "c")),
        ('a["it\'s \\"k\\""]', ("a", Key('it\'s "k"'))),
        ("xs.0[-1]", ("xs", 0, -1)),
        ("[0].name", (0, "name")),
        ("größe", ("größe",)),
    ],
)
def test_a_path_is_read_as_it_is_written(text, path):
    assert parse_path(text) == path


@given(st.text(alphabet="ab.[]0'\"\\-* ", max_size=10))
def test_other_texts_raise_nothing_but_config_error(text):
    try:
        path = parse_path(text)
    except ConfigError as error:
        assert "is not a path" in str(error)  # noqa: PT017 - either outcome is well
    else:
        assert parse_path(format_path(path)) == path


@pytest.mark.parametrize("text", [".a", "a.", "a..b", "a b", "[x]", "[0", "a[]", "a[0]b", "*", "a[+]", "...a", "a['k]"])
def test_what_names_no_one_place_is_refused(text):
    with pytest.raises(ConfigError, match="is not a path: it cannot be read from"):
        parse_path(text)


@pytest.fixture
def tree():
    leaf = Config(Leaf, 1, 2)
    return Config(pair, a={"k": [leaf, (3, leaf)]}, b=Config(pair, a=leaf))


def test_places_are_followed_with_defaults(tree):
    assert get_at(tree, "a.k[0].x") == get_at(tree, "a['k'].0.x") == 1
    assert get_at(tree, "b.a[1]") == 2
    assert get_at(tree, "a.k[-1][0]") == 3
    assert get_at(tree, "b.b") is None
    assert get_at(tree, "") is tree


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("a.kk", r"a\.kk does not exist: there are 'k'\. Did you mean 'k'"),
        ("a.k[2]", r"a\.k\[2\] does not exist: a\.k has 2 elements"),
        ("a.k.x", r"a\.k\.x does not exist"),
        ("b.b.c", r"b\.b\.c does not exist: b\.b is None"),
        ("b.c", "pair takes no argument 'c'"),
        ("c", "pair takes no argument 'c'"),
    ],
)
def test_a_step_that_leads_nowhere_is_named(tree, path, words):
    for act in (get_at, lambda root, path: set_at(root, f"{path}.deeper", 1)):
        with pytest.raises(ConfigError, match=words):
            act(tree, path)


def test_places_are_set_in_nodes_and_containers(tree):
    set_at(tree, "a.k[0].x", 5)
    assert tree.b.a.x == 5  # the one node, by any path
    set_at(tree, "a.k[1][0]", 6)
    set_at(tree, "a['new.key']", 7)
    assert tree.a["k"][1] == (6, tree.b.a)
    assert tree.a["new.key"] == 7
    set_at(tree, "b.a.tags[0]", "b")
    assert tree.b.a.tags == ["b"]
    assert Leaf.__init__.__kwdefaults__["tags"] == ["a"]


def test_an_element_is_checked_as_part_of_the_whole(tree):
    with pytest.raises(ConfigError, match=r"Leaf\.tags\[0\] must be str, not int 1"):
        set_at(tree, "b.a.tags[0]", 1)
    with pytest.raises(ConfigError, match=r"a\.k\[7\] does not exist: a\.k has 2 elements"):
        set_at(tree, "a.k[7]", 1)
    with pytest.raises(ConfigError, match="the root is not an argument"):
        set_at(tree, "", 1)


def test_a_walk_meets_every_place_and_looks_into_a_shared_node_once(tree):
    places = [format_path(path) for path, _ in walk(tree)]
    assert places == [
        *("", "a", "a['k']", "a['k'][0]", "a['k'][0].x", "a['k'][0][1]"),
        *("a['k'][1]", "a['k'][1][0]", "a['k'][1][1]", "b", "b.a"),
    ]
    assert [format_path(path) for path, _ in nodes_of(tree)] == ["", "a['k'][0]", "b"]
    assert [format_path(path) for path in paths_to(tree, tree.b.a)] == ["a['k'][0]", "a['k'][1][1]", "b.a"]


def test_every_place_of_a_walk_can_be_followed(tree):
    for path, value in walk(tree):
        assert get_at(tree, format_path(path)) is value


# ---- edits of the shape


def test_a_node_can_become_another_kind_of_node():
    cfg = Config(pair, a=1)
    assert to_partial(cfg) == Partial(pair, a=1)
    assert to_config(to_partial(cfg)) == cfg
    with pytest.raises(ConfigError, match="Fresh"):
        to_config(Partial(pair, a=[Fresh(Leaf)]))
