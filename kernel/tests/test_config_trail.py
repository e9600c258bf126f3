"""Where values come from: every argument remembers, and `explain` tells."""

from __future__ import annotations

import copy
import dataclasses
import re
import sys

import pytest

from nrun import Config, ConfigError, Partial, explain
from nrun.config.node import remove
from nrun.config.origin import Origin
from nrun.config.paths import set_at


@dataclasses.dataclass
class Adam:
    """An optimiser.

    Args:
        lr: how fast it learns
    """

    lr: float = 0.001
    tags: list[str] = dataclasses.field(default_factory=list)


def train(optim, steps=3):
    return optim, steps


def line():
    """The line above the one that asks."""
    return sys._getframe(1).f_lineno - 1


def here(number, function):
    return rf"  code    {re.escape(__file__)}:{number}  \(in {function}\)"


def test_a_value_is_explained_from_the_newest_origin_down_to_the_default():
    cfg = Config(train, optim=Config(Adam, lr=0.01))
    made = line()
    set_at(cfg, "optim.lr", 0.02, Origin("factory", "adam(...)", note="registered at recipes/optim.py:18"))
    set_at(cfg, "optim.lr", 0.03, Origin("file", "exp/base.yaml:12:7", note="included by exp/big.yaml:2"))
    set_at(cfg, "optim.lr", 3e-4, Origin("cli", "argv[4]", "optim.lr=3e-4"))
    expected = [
        r"optim\.lr = 0\.0003   float   how fast it learns",
        r'  cli     argv\[4\]  "optim\.lr=3e-4"',
        r"  file    exp/base\.yaml:12:7  \(included by exp/big\.yaml:2\)  0\.03",
        r"  factory adam\(\.\.\.\)  \(registered at recipes/optim\.py:18\)  0\.02",
        here(made, ".*newest_origin_down_to_the_default") + r"  0\.01",
        r"  default Adam\.lr  0\.001",
    ]
    assert re.fullmatch("\n".join(expected), str(explain(cfg, "optim.lr")))


def test_every_way_to_set_an_argument_leaves_the_line_that_did_it():
    cfg = Config(train, optim=1)
    lines = []
    cfg.steps = 4
    lines.append(line())
    cfg["steps"] = 5
    lines.append(line())
    set_at(cfg, "steps", 6)
    lines.append(line())
    cfg.broadcast(steps=7)
    lines.append(line())
    cfg.walk(steps=lambda node: node.steps + 1)
    lines.append(line())
    trail = explain(cfg, "steps").trail
    assert [origin.where for origin, _ in trail[:-1]] == [f"{__file__}:{number}" for number in reversed(lines)]
    assert [value for _, value in trail] == ["8", "7", "6", "5", "4", "3"]


def test_unsetting_is_part_of_the_trail():
    cfg = Config(train, 1, steps=4)
    del cfg.steps
    remove(cfg, "optim", Origin("cli", "argv[1]", "optim!"))
    assert [value for _, value in explain(cfg, "steps").trail] == [None, "4", "3"]
    told = explain(cfg, "optim")
    assert (told.value, told.trail[0][0].kind) == (None, "cli")
    assert str(told).startswith("optim = not set\n  cli     argv[1]")


def test_what_was_displaced_is_told_as_it_was_and_is_not_kept_alive():
    cfg = Config(train, optim=Config(Adam, tags=["a"]), steps=[1, 2])
    xs = cfg.steps
    xs.append(3)
    cfg.steps = 0
    xs.append(4)
    cfg.optim = None
    assert [value for _, value in explain(cfg, "steps").trail] == ["0", "[1, 2, 3]", "[1, 2]", "3"]
    assert explain(cfg, "optim").trail[1][1] == "Config(Adam, tags=[...])"


def test_a_container_that_was_edited_in_place_leaves_where_it_was_read_and_what_it_was_then():
    cfg = Config(train, optim={"xs": [1]}, steps=list(range(50)))
    made = line()
    cfg.optim["xs"].append(2)
    edited = line()
    cfg.steps[-1] = 0
    trail = explain(cfg, "optim").trail
    told = [(origin.where, origin.note.partition(" in test_")[0], value) for origin, value in trail]
    assert told == [
        (f"{__file__}:{edited}", "edited in place since it was read", "{'xs': [1, 2]}"),
        (f"{__file__}:{made}", f"in {sys._getframe().f_code.co_qualname}", "{'xs': [1]}"),
    ]
    assert len(explain(cfg, "steps").trail) == 3, "what no longer fits in a line counts as well"


def test_a_container_that_was_only_read_leaves_nothing():
    cfg = Config(train, optim=[Config(Adam, lr=1.0)], steps={3, 1})
    cfg.optim[0].lr = 2.0
    assert cfg.steps == {1, 3}
    assert [len(explain(cfg, name).trail) for name in ("optim", "steps", "optim[0].lr")] == [1, 2, 3]


def test_a_default_that_was_copied_to_be_edited_says_so():
    cfg = Config(Adam)
    cfg.tags.append("x")
    told = explain(cfg, "tags")
    assert told.value == "['x']"
    assert [(origin.kind, value) for origin, value in told.trail] == [("default", "['x']"), ("default", "[]")]


def test_an_argument_that_was_never_touched_has_its_default():
    told = explain(Config(Adam), "lr")
    assert (told.value, told.annotation, len(told.trail)) == ("0.001", "float", 1)
    assert explain(Config(train), "optim").trail == ()


def test_what_is_inside_a_container_is_explained_by_what_holds_it():
    cfg = Config(train, optim=[{"a": 1}])
    told = explain(cfg, "optim[0]['a']")
    assert (told.path, told.value, told.trail[0][1]) == ("optim[0]['a']", "1", "[{'a': 1}]")


def test_copies_keep_the_trail_and_go_their_own_way():
    cfg = Config(train, optim=Config(Adam, lr=0.5))
    for new in (copy.deepcopy(cfg), copy.copy(cfg), cfg.clone()):
        assert explain(new, "optim.lr").trail == explain(cfg, "optim.lr").trail
        new.steps = 9
    assert explain(cfg, "steps").trail[0][0].kind == "default"


def test_a_target_that_is_but_a_name_is_not_imported_to_explain():
    cfg = Config("no.such.module:thing", a=1)
    assert explain(cfg, "a").value == "1"
    assert (
        explain(Partial.from_json('{"nrun":1,"value":{"$partial":"no.such:f","args":{"a":[1]}}}'), "a[0]").value == "1"
    )


@pytest.mark.parametrize("path", ["nothing", "optim.lr", "steps[0]", ""])
def test_a_place_that_does_not_exist_is_refused(path):
    with pytest.raises(ConfigError):
        explain(Config(train, optim=1), path)
