"""Observers are told everything and can spoil nothing."""

from __future__ import annotations

import importlib

import pytest

from nrun import Experiment, State
from nrun.plugins import Hooks, PluginHost, PluginState
from nrun.plugins.discovery import discover

WATCHES = """
from nrun import hookimpl
TOLD = []

@hookimpl
def nrun_event(event, experiment):
    TOLD.append((experiment, event.kind, getattr(event, "job", None)))
"""

RAISES = """
from nrun import hookimpl
TOLD = []

@hookimpl
def nrun_event(event):
    TOLD.append(event.kind)
    raise RuntimeError("out of paper")
"""

EXITS = """
from nrun import hookimpl
TOLD = []

@hookimpl
def nrun_event(event):
    TOLD.append(event.kind)
    raise SystemExit(3)
"""

HANGS = """
import asyncio
from nrun import hookimpl
TOLD = []

@hookimpl
async def nrun_event(event):
    TOLD.append(event.kind)
    await asyncio.sleep(600)
"""

FAILING = {"raises": RAISES, "exits": EXITS, "hangs": HANGS}


@pytest.fixture
def watched(tmp_path, monkeypatch, hooks):
    """Installs observers as distributions; gives an experiment that they watch, the hooks, and their modules."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))

    def make(**sources):
        for name, source in sources.items():
            (folder / f"observer_{name}.py").write_text(source)
            info = folder / f"observer_{name}-1.0.dist-info"
            info.mkdir()
            (info / "entry_points.txt").write_text(f"[nrun.v1]\n{name} = observer_{name}\n")
        importlib.invalidate_caches()
        backends = [record.ref for record in hooks.host.records]
        made = Hooks(PluginHost([*backends, *discover([str(folder)])], env={}))
        modules = {name: importlib.import_module(f"observer_{name}") for name in sources}
        return Experiment("test", home=tmp_path / "home", hooks=made), made, modules

    return make


def test_an_observer_is_told_what_the_journal_says_in_its_order(watched, memory, nothing, happened):
    exp, _, modules = watched(watches=WATCHES)
    exp.add(nothing, memory(exit_codes=(1,)), "bad")
    exp.add(nothing, memory(), "after", dependencies=["bad"])
    exp.run(check=False)
    told = modules["watches"].TOLD
    assert {experiment for experiment, _, _ in told} == {exp.id}
    assert (told[0][1], told[-1][1]) == ("started", "ended")
    kinds = [("FAILED" if kind == "observed" else kind, job) for _, kind, job in told if job]
    assert kinds == happened(exp)


@pytest.mark.parametrize("bad", FAILING)
def test_an_observer_that_fails_is_left_out_and_nobody_else_notices(bad, watched, memory, nothing):
    good = f"watches_beside_{bad}"
    exp, hooks, modules = watched(**{bad: FAILING[bad], good: WATCHES})
    exp.add(nothing, memory(), "first")
    exp.add(nothing, memory(), "second", dependencies=["first"])
    assert exp.run().state is State.SUCCEEDED
    assert modules[bad].TOLD == ["started"]
    assert [kind for _, kind, _ in modules[good].TOLD][-1] == "ended"
    assert hooks.host.record(bad).state is PluginState.FAILED
    assert hooks.host.record(good).state is PluginState.LOADED
