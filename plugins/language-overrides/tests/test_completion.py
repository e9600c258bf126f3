"""What a Tab offers, from the index of an entrypoint and from the words of a shell."""

from __future__ import annotations

import enum
import json
import os
import shlex
import stat
from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nrun as run
from nrun.cli.entrypoint import entrypoint_of, registered
from nrun_language_overrides.completion.describe import described
from nrun_language_overrides.completion.index import document, keep
from nrun_language_overrides.completion.items import items
from nrun_language_overrides.completion.quoting import quoted, split, unquoted


class Mode(enum.Enum):
    FAST = 1
    EXACT = 2


@dataclass
class Optimizer:
    lr: float = 1e-3
    mode: Mode = Mode.FAST


@dataclass
class Adam(Optimizer):
    betas: tuple[float, float] = (0.9, 0.999)


@dataclass
class Node:
    inner: Node | None = None
    act: Literal["relu", "gelu"] = "relu"


@dataclass
class Model:
    optimizer: Optimizer
    layers: list[Node] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)


def adam(lr: float = 1e-3, mode: Mode = Mode.FAST) -> run.Config[Adam]:
    """The usual."""
    return run.Config(Adam, lr=lr, mode=mode)


def node(act: Literal["relu", "gelu"] = "relu", inner: Node | None = None) -> Node:
    """One of many."""
    return Node(inner, act)


def stack(depth: int = 2) -> list[run.Config[Node]]:
    """As many as are wanted."""
    return [run.Config(Node) for _ in range(depth)]


def train(model: Model, optimizer: Optimizer | None = None, steps: int = 1, name: str = "x", fast: bool = False):
    """Train.

    Args:
        steps: How many.
    """


def start():
    return run.Partial(train, model=run.Config(Model, layers=[run.Config(Node), run.Config(Node)]))


@pytest.fixture
def index():
    before = list(registered)
    run.cli.factory(adam)
    run.cli.factory(node)
    run.cli.factory(stack)
    try:
        told, files = described(entrypoint_of(train, default_factory=start))
    finally:
        registered[:] = before
    assert __file__ in files
    return json.loads(json.dumps(told))


@pytest.mark.parametrize(
    ("typed", "word", "offered"),
    [
        ("", "mo", ["model.", "model="]),
        ("", "model.", ["model.optimizer.", "model.optimizer=", "model.layers.0.", "model.layers.1.", "model.layers="]),
        ("", "model.la", ["model.layers.0.", "model.layers.1.", "model.layers="]),
        ("", "model.layers.0.", ["model.layers.0.inner.", "model.layers.0.inner=", "model.layers.0.act="]),
        ("", "model.layers[1].a", ["model.layers[1].act="]),
        ("", "model.layers.0.inner.inner.inner.a", ["model.layers.0.inner.inner.inner.act="]),
        ("", "steps", ["steps=", "steps+=", "steps-=", "steps*=", "steps/="]),
        ("", "name", ["name=", "name+="]),
        ("", "fast=", ["fast=true", "fast=false"]),
        ("", "fast=f", ["fast=false"]),
        ("", "model.optimizer.mode=", ["model.optimizer.mode=FAST", "model.optimizer.mode=EXACT"]),
        ("", "optimizer=", ["optimizer=adam", "optimizer=adam(", "optimizer=null"]),
        ("", "optimizer.", ["optimizer.lr=", "optimizer.mode="]),
        ("optimizer=adam", "optimizer.", ["optimizer.lr=", "optimizer.mode=", "optimizer.betas="]),
        ("optimizer=adam(lr=1)", "optimizer.b", ["optimizer.betas="]),
        ("", "optimizer=adam(", ["optimizer=adam(lr=", "optimizer=adam(mode="]),
        ("", "optimizer=adam(lr=1, ", ["optimizer=adam(lr=1, mode="]),
        ("", "optimizer=adam(mode=", ["optimizer=adam(mode=FAST", "optimizer=adam(mode=EXACT"]),
        ("", "optimizer=adam(mode=FAST,l", ["optimizer=adam(mode=FAST,lr="]),
        ("", "optimizer=nobody(", []),
        ("", "model.layers=[node(act=", ["model.layers=[node(act=relu", "model.layers=[node(act=gelu"]),
        (
            "",
            "model.layers=[node(act=relu),no",
            ["model.layers=[node(act=relu),node", "model.layers=[node(act=relu),node("],
        ),
        ("", "model.layers+=node(inner=node(a", ["model.layers+=node(inner=node(act="]),
        ("", "model.layers+=st", ["model.layers+=stack", "model.layers+=stack("]),
        ("", "model.layers=stack(", ["model.layers=stack(depth="]),
        ("", "model.layers=[st", []),
        ("", "...mod", ["...mode=", "...model="]),
        ("", "run.", ["run.executor.", "run.executor=", "run.plugins.", "run.plugins=", "run.name="]),
        ("", "run.executor.gra", ["run.executor.grace_s="]),
        ("", "run.executor=lo", ["run.executor=local", "run.executor=local("]),
        ("", "run.executor=local(gra", ["run.executor=local(grace_s="]),
        ("", "nothing.here.", []),
        ("", "steps.", []),
        ("", "steps=1", []),
        ("", "model.layers.7.", []),
        ("", "optimizer={lr: ", []),
    ],
)
def test_an_item_is_completed(index, typed, word, offered):
    found = [text for text, _, _ in items(index, typed.split(), word)]
    assert [text for text in found if not text.startswith("model.tags")] == offered


def test_an_answer_comes_with_its_line_of_documentation_and_whether_more_must_follow(index):
    assert items(index, (), "ste") == [("steps=", "How many.", False)]
    assert items(index, (), "optimizer=a") == [
        ("optimizer=adam", "The usual.", True),
        ("optimizer=adam(", "The usual.", False),
    ]
    assert items(index, (), "optimizer=adam(mode=F") == [("optimizer=adam(mode=FAST", "", False)]


def test_files_are_offered_after_an_at_sign(index, tmp_path, monkeypatch):
    (tmp_path / "base.yaml").touch()
    (tmp_path / "body").mkdir()
    monkeypatch.chdir(tmp_path)
    assert items(index, (), "@b") == [("@base.yaml", "", True), ("@body/", "", False)]
    assert items(index, (), "model=@bas") == [("model=@base.yaml", "", True)]


@given(st.text(), st.text())
def test_no_text_is_too_odd_to_be_completed(typed, word):
    told = {
        "root": 0,
        "run": 1,
        "nodes": [{"a": {"makers": [0]}}, {}],
        "makers": [{"name": "m", "doc": "", "takes": 0, "gives": 0}],
    }
    assert isinstance(items({**told, "starts": []}, [typed], word), list)
    assert isinstance(items({**told, "starts": []}, [typed], f"a=m({word}"), list)


# ---- what is kept


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("NRUN_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "cache" / "completion"


def test_a_document_is_private_and_true_until_a_file_changes(home, tmp_path):
    source = tmp_path / "model.py"
    source.write_text("one")
    keep("x", [str(source), str(tmp_path / "missing.py")], "told")
    (file,) = home.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert document("x") == "told"
    assert document("y") is None
    os.utime(source, ns=(1, 1))
    assert document("x") is None
    keep("x", [str(source), str(tmp_path / "missing.py")], "again")
    assert document("x") == "again"
    (tmp_path / "missing.py").touch()
    assert document("x") is None
    assert list(home.iterdir()) == [file]


def test_a_document_is_of_one_set_of_plugins(home, monkeypatch):
    keep("x", [], "told")
    monkeypatch.setenv("NRUN_DISABLE_PLUGINS", "executor-local")
    assert document("x") is None


@pytest.mark.parametrize("text", ["", "\n\n", "nonsense", "a\nb\n\nc"])
def test_what_is_no_document_counts_as_none(home, text):
    keep("x", [], "told")
    (file,) = home.iterdir()
    file.write_text(text)
    assert document("x") is None


# ---- the words of a shell

lines = st.text(st.sampled_from("ab=(),$`\\\"' \t*~é"))


@given(lines, st.sampled_from(["", '"']))
def test_a_word_is_quoted_so_that_it_means_the_same(text, quote):
    word = quote + quoted(text, quote) + quote
    assert unquoted(word) == (text, "")
    assert split(f"nrun {word}") == ["nrun", word]
    if not quote:  # shlex leaves \\$ as it is within quotes, which no shell does
        assert shlex.split(word) == ([text] if word else [])


@pytest.mark.parametrize(
    ("line", "words", "meant", "still_open"),
    [
        ("nrun ru", ["nrun", "ru"], "ru", ""),
        ("nrun ", ["nrun", ""], "", ""),
        ("  nrun  run ", ["nrun", "run", ""], "", ""),
        ("nrun 'a b", ["nrun", "'a b"], "a b", "'"),
        ('nrun x="a(b c', ["nrun", 'x="a(b c'], "x=a(b c", '"'),
        ("nrun x=a\\(b\\ c", ["nrun", "x=a\\(b\\ c"], "x=a(b c", ""),
        ("nrun x='a'\"b\"c", ["nrun", "x='a'\"b\"c"], "x=abc", ""),
    ],
)
def test_a_line_is_taken_apart_as_the_shell_does(line, words, meant, still_open):
    assert split(line) == words
    assert unquoted(words[-1]) == (meant, still_open)
