"""Documents that people read and write: what is written, how it is read, and what may be imported for it."""

from __future__ import annotations

import dataclasses
import enum
import functools
import importlib
import json
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import pytest

from nrun import Config, ConfigError, Partial, build, explain
from nrun.config.document_reader import (
    Reader,
    Source,
    TextFile,
)
from nrun.config.document_writer import to_data
from nrun.config.imports import find_allowed, from_packages
from nrun.config.migrations import argument_removed, argument_renamed, renamed
from nrun.config.node import Fresh
from nrun.config.special import Reference, Sweep
from nrun.config.target import resolve
from nrun.model import Document
from nrun.provided import config_view


class Color(enum.Enum):
    RED = "r"


@dataclasses.dataclass
class Leaf:
    """A leaf.

    Args:
        x: how much
    """

    x: int = 0
    y: Any = None


@dataclasses.dataclass
class Told:
    pair: tuple[int, int] = (0, 0)
    names: frozenset[str] = frozenset()
    where: Path = Path()
    either: list[int] | tuple[int, ...] = ()
    anything: Any = None


def takes(a, b=1, /, c=None, *rest, **more):
    return a, b, c, rest, more


LEAF, TOLD, TAKES = (f"{__name__}:{name}" for name in ("Leaf", "Told", "takes"))


def data(value, *, share=False):
    return to_data(value, share=share)


def read(form, find=resolve, migrations=(), positions=None, text="..."):
    source = Source.of(Document(form, positions or {}), TextFile("exp.yaml", text.split("\n")))
    return Reader(source, find, migrations).read()


# ---- what is written


def test_a_node_is_a_mapping_of_its_arguments():
    assert data(Config(Leaf, x=1, y=[None, True])) == {"$target": LEAF, "x": 1, "y": [None, True]}
    assert data(Partial(Leaf, y=Fresh(Leaf))) == {
        "$target": LEAF,
        "$partial": True,
        "y": {"$target": LEAF, "$fresh": True},
    }


def test_arguments_without_a_name_are_listed():
    assert data(Config(takes, 1, 2)) == {"$target": TAKES, "$args": [1, 2]}
    form = data(Config(takes, 1, 2, 3, 4, **{"$d": 5}))
    assert form == {"$target": TAKES, "$args": {"0": 1, "1": 2, "3": 4}, "c": 3, "$$d": 5}
    assert read(form) == Config(takes, 1, 2, 3, 4, **{"$d": 5})


def test_a_list_of_arguments_fills_parameters_in_order():
    assert read({"$target": TAKES, "$args": [1, 2, 3]}) == Config(takes, 1, 2, c=3)


def test_what_the_annotation_tells_is_not_written():
    cfg = Config(Told, pair=(1, 2), names=frozenset("ba"), where=Path("/x"), either=(1,), anything=(1,))
    assert data(cfg) == {
        "$target": TOLD,
        "pair": [1, 2],
        "names": ["a", "b"],
        "where": "/x",
        "either": {"$tuple": [1]},
        "anything": {"$tuple": [1]},
    }
    assert read(data(cfg)) == cfg


def test_of_a_target_that_is_only_a_name_everything_is_written():
    assert data(Config("no_such_module:Told", pair=(1, 2))) == {
        "$target": "no_such_module:Told",
        "pair": {"$tuple": [1, 2]},
    }


def test_references_are_written_as_people_write_them_and_text_is_told_apart():
    cfg = Config(Leaf, y=[Reference.parse("run-${a.b}"), "${a.b}", Sweep((1, 2))])
    assert data(cfg)["y"] == ["run-${a.b}", "\\${a.b}", {"$sweep": [1, 2]}]
    assert read(data(cfg)) == cfg


@pytest.mark.parametrize("share", [True, False])
def test_what_is_shared_stays_shared(share):
    leaf = Config(Leaf, x=1)
    form = data(Config(Leaf, y=[leaf, {"k": leaf}, Config(Leaf, x=1)]), share=share)
    assert (form["y"][0] is form["y"][1]["k"]) == share
    again = read(form)
    assert again.y[0] is again.y[1]["k"]
    assert again.y[0] is not again.y[2]


@pytest.mark.parametrize("share", [True, False])
def test_no_tree_is_too_deep(share):
    cfg = Config(Leaf)
    for _ in range(2000):
        cfg = Config(Leaf, y=cfg)
    form = data(cfg, share=share)
    assert json.dumps(form).count("$target") == 2001
    assert read(form) == cfg


def test_a_thing_that_cannot_be_written_is_told_with_its_path():
    cfg = Config(Leaf, y=[Config("x:y", z=Config(Leaf))])
    cfg.y[0].z.__nrun_args__["x"] = object()
    with pytest.raises(ConfigError, match=r"^y\[0\]\.z\.x: object objects cannot be written down"):
        to_data(cfg, share=True)


def test_comments_say_what_arguments_are_for_and_what_is_not_set():
    cfg = Config(Leaf, x=1, y={"$k": Config(Leaf)})
    assert config_view().comments_on(cfg) == {
        ("x",): "how much",
        ("y", "$$k", "$target"): "not set:\nx: 0  (how much)\ny: None",
    }


# ---- the running script


def test_the_running_script_is_written_by_its_name_and_read_back_onto_itself(monkeypatch):
    script = types.ModuleType("__main__")
    script.__file__ = "/somewhere/train.py"
    script.Leaf = type("Leaf", (), {"__module__": "__main__", "__qualname__": "Leaf"})
    monkeypatch.setitem(sys.modules, "__main__", script)
    form = data(Config(Leaf, y=[Config(script.Leaf), script.Leaf]))
    assert form["y"] == [{"$target": "train:Leaf"}, {"$symbol": "train:Leaf"}]
    again = read(form)
    assert again.y[0].__nrun_target__ is again.y[1] is script.Leaf
    assert "train" not in sys.modules
    script.__file__ = "/somewhere/my-train.py"
    with pytest.raises(ConfigError, match="in a script that cannot be imported"):
        data(Config(script.Leaf))


# ---- what may be imported


def test_as_data_nothing_is_imported_and_everything_is_kept():
    form = {
        "$target": "no_such_module:f",
        "a": {"$enum": "no_such_module:Color", "name": "RED"},
        "b": [{"$symbol": "no_such_module:g"}, {"$set": [{"$enum": "no_such_module:Color", "name": "RED"}]}],
        "c": {"$object": "no_such_module:Size", "fields": {"width": 1}},
        "d": {"$target": "no_such_module:h", "$args": [1]},
    }
    cfg = read(form, find=None)
    assert data(cfg) == form
    assert cfg == read(form, find=None)
    assert cfg.d[0] == 1
    assert "no_such_module" in repr(cfg.a)


REFUSED = [
    "logging:os.system",
    "functools:partial",
    "builtins:eval",
    "os:system",
    "collections:abc.sys",
    "subprocess:run",
]


@pytest.mark.parametrize("symbol", REFUSED)
def test_what_may_never_be_named_is_refused_even_if_its_package_is_allowed(symbol):
    allowed = from_packages({"logging", "functools", "builtins", "os", "collections", "subprocess", "posix"})
    with pytest.raises(ConfigError, match=r"exp\.yaml:1:1: .*(may never be named|leads through a module)"):
        read({"$target": symbol}, find=lambda name: find_allowed(name, allowed))


def test_another_name_for_the_same_thing_is_not_allowed_either():
    module = sys.modules[__name__]
    allowed = from_packages({__name__.partition(".")[0]})
    module.alias, module.part = json.loads, functools.partial(json.loads)
    try:
        with pytest.raises(ConfigError, match="json:loads may not be imported"):
            find_allowed(f"{__name__}:alias", allowed)
        with pytest.raises(ConfigError, match="cannot be found again"):
            find_allowed(f"{__name__}:part", allowed)
    finally:
        del module.alias, module.part
    assert find_allowed(LEAF, allowed) is Leaf


def test_a_name_is_refused_before_anything_is_imported():
    with pytest.raises(ConfigError, match="this:s may not be imported"):
        find_allowed("this:s", from_packages({"json"}))
    assert "this" not in sys.modules


# ---- where it was written


def test_every_value_knows_where_it_was_written():
    positions = {(): (1, 1), ("x",): (2, 4), ("y",): (3, 4), ("y", "x"): (4, 6)}
    cfg = read({"$target": LEAF, "x": 1, "y": {"$target": LEAF, "x": 2}}, positions=positions)
    assert [explain(cfg, path).trail[0][0].where for path in ("x", "y", "y.x")] == [
        "exp.yaml:2:4",
        "exp.yaml:3:4",
        "exp.yaml:4:6",
    ]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"$target": LEAF, "xx": 1}, "Leaf takes no argument 'xx'"),
        ({"$target": LEAF, "x": "one"}, "Leaf.x must be int"),
        ({"$target": LEAF, "x": {"$tupel": []}}, r"\$tupel is not known here.* Did you mean '\$tuple'"),
        ({"$target": LEAF, "$x": 1}, r"\$x is not known"),
        ({"$target": LEAF, "x": {"$ref": 3}}, r"there is no node with \$id 3"),
        ({"$target": LEAF, "x": {"$bytes": 3}}, "this cannot be read: TypeError"),
        ({"$target": LEAF, "x": {"$target": "Leaf"}}, r"a node has a \$target: module:name"),
        ({"$target": f"{__name__}:Lief"}, "Did you mean 'Leaf'"),
        ({"$target": LEAF, "x": "${unclosed"}, "not closed"),
        ({"$nrun": 2, "$target": LEAF}, "of version 2; this nrun reads 1\n"),
        ({"$nrun": "2.1", "$target": LEAF}, "of version 2.1; this nrun reads 1\n"),
        ({"$nrun": 1, "$note": 1, "$target": LEAF}, r"\$note is not known"),
        ({"$nrun": 1.5, "x": {"$target": LEAF, "$note": 1}}, r"\$note is not known"),
        ({"a": {"$target": LEAF, "$id": 1}, "b": {"$target": LEAF, "$id": 1}}, "given twice"),
        ({"$target": LEAF, "$id": 1, "y": [{"$ref": 1}]}, "would contain itself"),
    ],
)
def test_what_is_wrong_is_shown_with_its_line(form, message):
    positions = {("x",): (2, 3), ("$nrun",): (2, 3)}
    with pytest.raises(ConfigError, match=rf"^exp\.yaml:\d:\d: .*{message}") as caught:
        read(form, positions=positions, text="first\n  second")
    assert caught.value.message.endswith(("\n  first\n  ^", "\n    second\n    ^"))


@pytest.mark.parametrize("head", [{"$nrun": 1}, {}, {"$nrun": 1.5, "$note": {"x": 1}}, {"$nrun": "1.12", "$note": 1}])
def test_what_wrote_a_document_and_what_a_later_minor_version_adds_at_its_top_is_passed_over(head):
    by = {"$created_by": {"nrun": "3.1"}}
    assert read({**head, **by, "$target": LEAF, "x": 1}) == Config(Leaf, x=1)
    assert read({**head, **by, "a": [{"$target": LEAF}]}) == {"a": [Config(Leaf)]}


def test_a_document_of_a_later_version_says_what_can_read_it():
    with pytest.raises(ConfigError) as caught:
        read({"$nrun": 2, "$created_by": "nrun 3.1", "$target": LEAF})
    assert caught.value.hint == "use nrun 3.1, or a newer one"


def test_a_damaged_document_is_refused_and_nothing_else_happens():
    for form in ({"$ref": {}}, {"$target": []}, {"$target": LEAF, "$args": 3}, {"$dict": 1}, {"$enum": "os:x"}):
        with pytest.raises(ConfigError):
            read(form)


# ---- what has changed since


def test_what_was_renamed_is_read_under_its_new_name():
    migrations = (
        renamed("old.place:Blatt", LEAF),
        argument_renamed(LEAF, "size", "x"),
        argument_removed(LEAF, "colour"),
    )
    form = {"$target": "old.place:Blatt", "size": 3, "colour": "red", "y": {"$target": TAKES, "size": 1}}
    assert read(form, migrations=migrations) == Config(Leaf, x=3, y=Config(takes, size=1))
    assert form["size"] == 3


def nrun_migrations():
    """As a package brings them; found here because the tests give this module as the package."""
    return [renamed("newer:Blatt", LEAF), argument_renamed(LEAF, "size", "x")]


def test_the_package_of_a_target_brings_its_steps():
    asked = []

    def find(symbol):
        asked.append(symbol)
        return nrun_migrations if symbol == "newer:nrun_migrations" else resolve(symbol)

    blatt = {"$target": "newer:Blatt", "size": 3}
    with pytest.warns(UserWarning, match=r"exp.yaml: newer:Blatt has changed since") as told:
        found = read([blatt, dict(blatt), {"$target": LEAF, "x": 1}], find)
    assert len(told) == 1
    assert found == [Config(Leaf, x=3), Config(Leaf, x=3), Config(Leaf, x=1)]
    assert asked.count("newer:nrun_migrations") == 1
    newest, before = explain(found[0], "x").trail[:2]
    assert str(newest[0]) == "migrated newer:Blatt.size"
    assert (before[0].kind, newest[1], before[1]) == ("file", "3", "3")
    assert [origin.kind for origin, _ in explain(found[2], "x").trail] == ["file", "default"]


OLD = (
    '{"nrun":1,"value":{"$config":"newer:Blatt",'
    '"args":{"size":3,"y":{"$partial":"elsewhere:f"}},"tags":{"fast":["size"]}}}'
)


def test_json_from_before_is_read_under_the_names_of_now():
    with pytest.warns(UserWarning, match=r"newer:Blatt has changed since"):
        found = Config.from_json(OLD, migrations=nrun_migrations())
    assert found == Config(LEAF, x=3, y=Partial("elsewhere:f"))
    assert str(explain(found, "x").trail[0][0]) == "migrated newer:Blatt.size"
    assert found.__nrun_tags__ == {("x", "fast")}


@pytest.mark.parametrize("known", [True, False], ids=["imported before", "imported when it is built"])
def test_the_package_brings_its_steps_for_json_too(known, tmp_path, monkeypatch):
    """Nothing is imported for it, so they are applied when the package is."""
    (tmp_path / "newer.py").write_text(
        "from nrun.config.migrations import renamed, argument_renamed\n"
        "def nrun_migrations():\n"
        "    return [renamed('newer:Blatt', 'newer:leaf'), argument_renamed('newer:leaf', 'size', 'x')]\n"
        "def leaf(x, y): return x\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "newer", raising=False)
    if known:
        importlib.import_module("newer")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = Config.from_json(OLD.replace('{"$partial":"elsewhere:f"}', "1"))
        assert (found.__nrun_target__ == "newer:leaf") is known
        assert build(found) == 3
    monkeypatch.delitem(sys.modules, "newer")
    assert [str(one.message).partition(";")[0] for one in told] == ["newer:Blatt has changed since"]


def test_a_package_is_not_asked_where_nothing_is_imported():
    assert read({"$target": "newer:Blatt", "size": 3}, find=None) == Config("newer:Blatt", size=3)


# ---- what other tools wrote


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("a.b.f", "a.b:f"),
        ("a.B", "a:B"),
        ("a.b.C", "a.b:C"),
        ("a.b.C.make", "a.b:C.make"),
        ("a:b.c", "a:b.c"),
    ],
)
def test_names_of_other_tools_are_read(name, symbol):
    assert read({"_target_": name, "_partial_": True, "x": 1}, find=None) == Partial(symbol, x=1)


def test_what_is_shared_in_a_file_of_another_tool_stays_so():
    leaf = {"_target_": LEAF.replace(":", "."), "x": 1}
    found = read({"x": leaf, "y": [leaf], "z": {"_args_": 1}, "_target_": "a.f", "_args_": [5]}, find=None)
    assert found.x is found.y[0]
    assert found.x == Config(LEAF, x=1)
    assert (found.__nrun_target__, found[0], found.z) == ("a:f", 5, {"_args_": 1})


def test_in_a_file_of_ours_such_keys_are_keys():
    value = Config(Leaf, y={"_target_": "a.b", "_args_": [1]})
    assert read({"$nrun": 1, **data(value)}) == value
