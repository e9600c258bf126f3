"""Help is a tree of rows, which anything may draw."""

from __future__ import annotations

import dataclasses

import click
import pytest

import nrun as run
from nrun.errors import UsageError
from nrun.plugins import installed
from nrun_language_overrides.help import every, help_of, is_path
from nrun_language_overrides.invocation import typed
from nrun_language_overrides.render import plain


class Callback:
    def __init__(self, patience: int = 3): ...


@dataclasses.dataclass
class Inner:
    x: int = 1


@dataclasses.dataclass
class Model:
    layers: int = 12
    """How deep it is."""
    inner: Inner = dataclasses.field(default_factory=Inner)


def early(patience: int = 5) -> run.Config[Callback]:
    """Stops early."""
    return run.Config(Callback, patience)


def train(model: Model, callbacks: list[Callback] = (), other: Model | None = None):
    """Train."""


def start():
    model = run.Config(Model, inner=run.Config(Inner))
    return run.Partial(train, model, callbacks=[run.Config(Callback, 4)], other=model)


@pytest.fixture
def shown(monkeypatch):
    monkeypatch.setattr("nrun_language_overrides.invocation.registered", [])
    run.cli.factory(early)
    from nrun.cli.entrypoint import entrypoint_of, registered

    monkeypatch.setattr("nrun_language_overrides.invocation.registered", registered[-1:])
    registered.pop()
    entry = entrypoint_of(train, default_factory=start)

    def show(*places, **options):
        with click.Context(click.Command("train")):
            return help_of(typed(entry, ["model.layers=7"], installed()), places, **options)

    return show


def rows_of(shown, section=0):
    return {row.path: row for row in every(shown.sections[section][1])}


def test_rows_follow_the_tree_also_into_containers(shown):
    rows = rows_of(shown())
    assert [*rows] == [
        *("model", "model.layers", "model.inner", "model.inner.x"),
        *("callbacks", "callbacks[0]", "callbacks[0].patience", "other"),
    ]
    assert (rows["model.layers"].value, rows["model.layers"].type) == ("7", "int")
    assert rows["model.layers"].origin.startswith("cli argument 1")
    assert (rows["model.layers"].doc, rows["model.inner"].doc) == ("How deep it is.", "")
    assert rows["callbacks[0].patience"].value == "4"


def test_a_shared_node_is_shown_once(shown):
    other = rows_of(shown())["other"]
    assert (other.value, other.rows) == ("Model, the same as model", ())


def test_factories_for_elements_stand_with_the_container(shown):
    assert rows_of(shown())["callbacks"].factories == (("callbacks[+]", "early(patience)", "Stops early."),)


def test_deep_levels_are_counted_unless_all_are_asked_for(shown):
    cut = shown(deepest=2)
    assert rows_of(cut)["model.inner"].hidden == 1
    assert "model.inner.x" not in rows_of(cut)
    assert "1 more in it" in plain(cut)


def test_places_are_shown_alone(shown):
    found = shown("model.inner", "run.name")
    assert [title for title, _ in found.sections] == ["model.inner", "run.name"]
    assert [*rows_of(found)] == ["model.inner", "model.inner.x"]
    with pytest.raises(UsageError, match=r"no argument model\.iner.*Did you mean 'model\.inner'"):
        shown("model.iner")


@pytest.mark.parametrize(
    ("word", "found"), [("model.inner", True), ("xs[0]", True), ("a=1", False), ("a!", False), ("@f", False)]
)
def test_a_word_is_a_place_if_it_says_nothing_of_it(word, found):
    assert is_path(word) is found


def test_lines_are_no_wider_than_the_screen(shown):
    found = shown("model")
    assert max(map(len, plain(found, 40).splitlines()[1:])) <= 40
