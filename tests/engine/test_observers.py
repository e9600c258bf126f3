"""Observers are told everything and can spoil nothing."""

from __future__ import annotations

import importlib

import pytest

from nrun import Experiment, PatternPackager, State
from nrun.engine import handover, ledger
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


HEARS = """
import asyncio
from nrun import ExecutorSpec, Files, Packager, hookimpl
from nrun.events import Underway
from nrun.model import Place
from nrun_testing.executor import MemoryExecutor
from nrun_testing.memory import MemoryBackend
TOLD = []

@hookimpl
def nrun_event(event, folder):
    if isinstance(event, Underway):
        TOLD.append((event.action, event.done, event.total))
        (folder.parents[2] / event.action.partition(" ")[0]).touch()

@hookimpl
def nrun_executors():
    yield ExecutorSpec(name="slow", summary="", class_name="Slow", executor=lambda: Slow, backend=lambda: Sending)

async def until_heard(action, home):
    async with asyncio.timeout(30):
        while not (home / action).exists():
            await asyncio.sleep(0.01)

class Patient(Packager):
    async def select(self, source, packing):
        await until_heard("pack", packing.scratch.parents[1])
        (packing.scratch / "file").touch()
        return [Files(packing.scratch, ["file"])]

class Slow(MemoryExecutor):
    def place(self):
        return Place("slow", super().place().options)

class Sending(MemoryBackend):
    async def stage(self, bundles, progress):
        progress(3, 4)
        await until_heard("send", next(iter(bundles)).store.parent)
"""


def test_observers_are_told_of_what_takes_long_and_the_journal_is_not(watched, nothing, monkeypatch):
    monkeypatch.setattr(ledger, "QUIET_S", 0.0)
    exp, _, modules = watched(hears=HEARS)
    hears = modules["hears"]
    exp.add(nothing, hears.Slow(packager=hears.Patient(), system="slow"), "job")
    assert exp.run().state is State.SUCCEEDED
    assert set(hears.TOLD) == {("pack code", 0, 0), ("send code to slow", 3, 4)}
    assert b"underway" not in (exp.path / "journal.jsonl").read_bytes()


SENDS_LONG = """
import asyncio
from nrun import ExecutorSpec, hookimpl
from nrun.engine import handover
from nrun.model import Place
from nrun_testing.executor import MemoryExecutor
from nrun_testing.memory import MemoryBackend

@hookimpl
def nrun_executors():
    yield ExecutorSpec(name="slow", summary="", class_name="Slow", executor=lambda: Slow, backend=lambda: Sending)

class Slow(MemoryExecutor):
    def place(self):
        return Place("slow", super().place().options)

class Sending(MemoryBackend):
    async def stage(self, bundles, progress):
        now = asyncio.get_running_loop().time
        until = now() + 1.5 * handover.SUBMIT_TIMEOUT_S
        while now() < until:
            progress(1, 2)
            await asyncio.sleep(0.01)
"""


def test_code_that_comes_on_may_take_as_long_as_it_takes(watched, nothing, monkeypatch, tmp_path):
    monkeypatch.setattr(handover, "SUBMIT_TIMEOUT_S", 1.0)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    exp, _, modules = watched(sends_long=SENDS_LONG)
    executor = modules["sends_long"].Slow(packager=PatternPackager(include_pattern="file"), system="slow")
    exp.add(nothing, executor, "job")
    assert exp.run().jobs["job"].control_errors == ()


BRINGS_NOTHING = (
    SENDS_LONG.partition("class Sending")[0]
    + """
class Sending(MemoryBackend):
    async def fetch_outputs(self, handle, patterns, source):
        raise RuntimeError("the shelf fell over")
"""
)


def test_whatever_goes_wrong_with_outputs_the_job_has_ended(watched, nothing):
    exp, _, modules = watched(brings_nothing=BRINGS_NOTHING)
    exp.add(nothing, modules["brings_nothing"].Slow(system="slow"), "job", outputs=["made"])
    job = exp.run().jobs["job"]
    assert (job.state, job.control_errors) == (
        State.SUCCEEDED,
        ("collect the outputs: RuntimeError: the shelf fell over",),
    )


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
