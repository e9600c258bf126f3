"""Tags set from Python are kept by whatever keeps a tree; a node takes another target with what both take."""

from __future__ import annotations

import copy
import importlib
import sys
from typing import Annotated

import pytest

import nrun
from nrun import Config, ConfigError, Partial, build, cfg_with, content_id, dumps, loads, to_partial


class Adam:
    def __init__(self, lr: float = 0.1, betas: tuple[float, float] = (0.9, 0.99)):
        self.lr, self.betas = lr, betas


class Sgd:
    def __init__(self, lr: float = 0.1, momentum: float = 0.0):
        self.lr, self.momentum = lr, momentum


class Picky:
    def __init__(self, lr: str = ""):
        self.lr = lr


def train(
    optimizer: object = None, others: object = (), warmup: Annotated[int, "tuned"] = 0, *more: int, **rest: object
):
    return optimizer, others, warmup, more, rest


def tree():
    cfg = Config(train, Config(Adam), others=[Config(Adam, lr=0.2)])
    nrun.add_tag(cfg, "optimizer.lr", "tuned")
    nrun.add_tag(cfg, "others[0].lr", "fixed")
    nrun.add_tag(cfg, "others[0].lr", "other")
    return cfg


def tags(cfg):
    return [sorted(nrun.tags_of(cfg, path)) for path in ("optimizer.lr", "others[0].lr", "optimizer.betas", "warmup")]


TAGS = [["tuned"], ["fixed", "other"], [], ["tuned"]]


def through_data(cfg):
    return loads(dumps(cfg, "yaml"), "yaml", mode="data")


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(lambda cfg: cfg, id="as they were set"),
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
        pytest.param(lambda cfg: Config.from_json(cfg.to_json()), id="JSON form"),
        pytest.param(lambda cfg: cfg_with(cfg, {"warmup": 3}), id="cfg_with"),
        pytest.param(to_partial, id="to_partial"),
        *(
            pytest.param(lambda cfg, name=name: loads(dumps(cfg, name), name, mode="trust"), id=name)
            for name in ("yaml", "toml", "json")
        ),
    ],
)
def test_tags_are_kept(kept):
    cfg = kept(tree())
    assert tags(cfg) == TAGS


def test_tags_are_kept_where_nothing_is_imported():
    data = through_data(tree())
    assert isinstance(data.__nrun_target__, str)
    assert dumps(data) == dumps(tree())


def test_a_copy_is_tagged_apart():
    cfg = tree()
    other = copy.deepcopy(cfg)
    nrun.add_tag(other, "optimizer.lr", "more")
    assert tags(cfg) == TAGS
    assert nrun.tags_of(other, "optimizer.lr") == {"tuned", "more"}


def test_tags_count_only_in_identical():
    plain = Config(train, Config(Adam), others=[Config(Adam, lr=0.2)])
    assert tree() == plain
    assert content_id(tree()) == content_id(plain)
    assert not nrun.identical(tree(), plain)
    assert nrun.identical(tree(), tree())
    assert nrun.identical(plain, cfg_with(plain, {"warmup": 0}))
    assert not nrun.identical(plain, cfg_with(plain, {"warmup": 1}))


def test_what_is_tagged_is_set():
    cfg = tree()
    nrun.set_tagged(cfg, "tuned", 3)
    assert (cfg.optimizer.lr, cfg.warmup, cfg.others[0].lr) == (3.0, 3, 0.2)
    told = str(nrun.explain(cfg, "optimizer.lr"))
    assert "test_trees.py" in told
    assert "test_what_is_tagged_is_set" in told
    with pytest.raises(ConfigError, match="no argument is tagged 'tunde'"):
        nrun.set_tagged(cfg, "tunde", 3)


def test_arguments_without_a_parameter_are_tagged_too():
    cfg = Config(train, None, (), 1, 7, extra=1)
    nrun.add_tag(cfg, "extra", "all")
    nrun.add_tag(cfg, "[3]", "all")
    assert build(Config.from_json(cfg.to_json())) == build(cfg)
    again = loads(dumps(cfg), mode="trust")
    nrun.set_tagged(again, "all", 9)
    assert build(again) == (None, (), 1, (9,), {"extra": 9})


def test_a_tag_that_was_given_is_taken_away():
    cfg = tree()
    nrun.remove_tag(cfg, "others[0].lr", "other")
    assert nrun.tags_of(cfg, "others[0].lr") == {"fixed"}
    nrun.remove_tag(cfg, "others[0].lr", "fixed")
    nrun.remove_tag(cfg, "optimizer.lr", "tuned")
    assert nrun.identical(cfg, Config(train, Config(Adam), others=[Config(Adam, lr=0.2)]))
    with pytest.raises(ConfigError, match="warmup was not given the tag 'tuned'"):
        nrun.remove_tag(cfg, "warmup", "tuned")  # that is the annotation's


def test_nothing_is_set_if_a_value_does_not_fit_everywhere():
    cfg = tree()
    nrun.add_tag(cfg, "optimizer", "tuned")
    with pytest.raises(ConfigError, match=r"train\.warmup must be int"):
        nrun.set_tagged(cfg, "tuned", "fast")
    assert cfg == tree()


@pytest.mark.parametrize(
    ("path", "tag", "why"),
    [
        ("optimizer.lrr", "tuned", "Did you mean 'lr'"),
        ("others[0]", "tuned", "only arguments have tags"),
        ("optimizer.lr", "not a name", "cannot be a tag"),
    ],
)
def test_what_cannot_be_tagged_is_refused(path, tag, why):
    with pytest.raises(ConfigError, match=why):
        nrun.add_tag(tree(), path, tag)


@pytest.mark.parametrize("form", ['{"tuned": "lr"}', '{"tuned": [null]}', "[1]"])
def test_damaged_tags_are_refused(form):
    text = tree().to_json()
    assert '"tags":{"tuned":["lr"]}' in text
    with pytest.raises(ConfigError, match="tags are written as"):
        Config.from_json(text.replace('{"tuned":["lr"]}', form))


# ---- another target


def test_a_node_keeps_what_its_new_target_takes():
    shared = Config(Adam, lr=0.5, betas=(0.8, 0.9))
    cfg = Config(train, shared, others=[shared])
    assert nrun.retarget(cfg, "optimizer", Sgd) == ("betas",)
    assert cfg.optimizer is cfg.others[0] is shared
    new = Config(Sgd, lr=0.5)
    assert cfg == Config(train, new, others=[new])
    assert "test_trees.py" in str(nrun.explain(cfg, "optimizer.lr"))


def test_a_partial_stays_one():
    cfg = Partial(Adam, lr=0.5)
    assert nrun.retarget(cfg, "", Sgd) == ()
    assert cfg == Partial(Sgd, lr=0.5)


def test_a_value_that_does_not_fit_the_new_target_changes_nothing():
    cfg = Config(train, Config(Adam, lr=0.5, betas=(0.8, 0.9)))
    before = copy.deepcopy(cfg)
    with pytest.raises(ConfigError, match="lr"):
        nrun.retarget(cfg, "optimizer", Picky)
    assert cfg == before
    with pytest.raises(ConfigError, match="warmup is not a node"):
        nrun.retarget(cfg, "warmup", Sgd)


# ---- without a trail


def test_without_a_trail_nothing_tells_where_a_value_comes_from():
    with nrun.no_trail():
        cfg = Config(Adam, lr=0.5)
        cfg.lr = 0.75
    told = str(nrun.explain(cfg, "lr"))
    assert "code    not known" in told
    assert "test_trees.py" not in told
    cfg.lr = 1
    assert "test_trees.py" in str(nrun.explain(cfg, "lr"))
    assert build(cfg).lr == 1.0


def shared_tree():
    adam = Config(Adam, lr=0.5)
    return Config(train, optimizer=Config(dict, a=adam), others=[adam, [0, adam]])


def test_a_node_that_is_unshared_is_private():
    cfg = shared_tree()
    nrun.unshare(cfg, "optimizer.a")
    cfg.optimizer["a"].lr = 0.9
    assert cfg.others[0].lr == cfg.others[1][1].lr == 0.5
    with pytest.raises(ConfigError, match="others is not a node"):
        nrun.unshare(cfg, "others")


def test_a_tree_with_other_values_copies_no_more_than_it_must():
    cfg = shared_tree()
    cfg.optimizer["b"] = other = Config(Sgd)
    new = cfg_with(cfg, {"optimizer.a.lr": 0.6, "warmup": 2})
    assert (new.optimizer["a"].lr, new.warmup, cfg.optimizer["a"].lr, cfg.warmup) == (0.6, 2, 0.5, 0)
    assert new.others[0] is new.others[1][1] is new.optimizer["a"]  # shared as before
    assert new.optimizer["b"] is other


@pytest.fixture
def changing(tmp_path, monkeypatch):
    """Writes a module with a default, as it is now; the code is found in `changing`."""

    def write(text):
        (tmp_path / "changing.py").write_text(text)
        monkeypatch.delitem(sys.modules, "changing", raising=False)
        importlib.invalidate_caches()
        return importlib.import_module("changing")

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield write
    sys.modules.pop("changing", None)


BEFORE = """
from nrun import Config
class Part:
    def __init__(self, size=1): self.size = size
def work(lr=0.1, sizes=(1, 2), part=Config(Part), *, name="n", free=object()): return lr, sizes, part.size, name
"""


@pytest.mark.parametrize("form", ["yaml", "toml", "json"])
def test_pinned_defaults_stay_and_loading_tells_which_have_changed(changing, form):
    now = changing(BEFORE)
    cfg = Config(now.work, name="mine")
    pinned = nrun.pinned(cfg)
    assert (pinned, list(cfg), list(pinned)) == (cfg, ["name"], ["name", "lr", "sizes", "part"])
    assert str(nrun.explain(pinned, "lr").trail[0][0]) == "default work.lr  (pinned)"
    text = dumps(pinned, form)
    assert loads(text, form, allow=["changing"]) == pinned  # and nothing is told
    changing(BEFORE.replace("lr=0.1", "lr=0.2").replace("size=1", "size=5").replace('"n"', '"m"'))
    kept = r"defaults have changed, .* kept: Part\.size is 5, work\.lr is 0\.2, work\.part is Config\(Part\)$"
    with pytest.warns(UserWarning, match=kept):
        again = loads(text, form, allow=["changing"])
    assert build(again) == (0.1, (1, 2), 1, "mine")
    assert loads(text, form, mode="data").lr == 0.1
    again.lr = 0.7  # which is nobody's default
    with pytest.warns(UserWarning, match=r"defaults have changed") as told:
        assert loads(dumps(again, form), form, allow=["changing"]).lr == 0.7
    assert "work.lr" not in str(told[0].message)
