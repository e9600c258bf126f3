"""Experiments with records of their own, on an imaginary system and on this machine, watched by nobody."""

from __future__ import annotations

import functools
import itertools

import pytest

from nrun import Experiment, Script
from nrun.plugins import Hooks, PluginHost
from nrun.plugins.discovery import discover
from nrun.record import read_journal
from nrun_testing.memory import MemoryExecutor, system_at

BACKENDS = {"executor-local", "testing-memory", "command-housekeeping"}
NOTHING = Script(inline="true", entrypoint="sh")


@pytest.fixture(scope="session")
def hooks():
    return Hooks(PluginHost([ref for ref in discover() if ref.name in BACKENDS], env={}))


@pytest.fixture
def experiment(tmp_path, hooks):
    """Makes experiments; `experiment.known(id)` finds one again as another process does."""

    def make(title="test"):
        return Experiment(title, home=tmp_path / "home", hooks=hooks)

    make.known = functools.partial(Experiment.from_id, home=tmp_path / "home", hooks=hooks)
    return make


@pytest.fixture
def memory(tmp_path):
    """Makes executors for an imaginary system that no other test knows."""
    return functools.partial(MemoryExecutor, system=str(tmp_path))


@pytest.fixture
def nothing():
    return NOTHING


@pytest.fixture(scope="session")
def fresh():
    """Makes executors, each for a system of its own; for tests that run many experiments."""
    numbers = itertools.count()
    return lambda **options: MemoryExecutor(system=f"fresh {next(numbers)}", **options)


@pytest.fixture(scope="session")
def happened():
    """What the journal of an experiment says, as (kind, job) in order; of observations, the state."""

    def read(exp):
        events = read_journal(exp.path / "journal.jsonl").events
        return [
            (event.observation.state.value if event.kind == "observed" else event.kind, event.job)
            for event in events
            if hasattr(event, "job")
        ]

    return read


@pytest.fixture(scope="session")
def jobs_at():
    """The jobs that the imaginary system of an executor has taken."""
    return lambda executor: system_at(executor.place()).jobs
