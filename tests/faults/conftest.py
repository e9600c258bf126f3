"""Faults by seeds. `--fault-seeds 300` runs as many; a test is named after its seed, which repeats it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

IN_SHORT = 8


def pytest_addoption(parser):
    parser.addoption("--fault-seeds", type=int, default=IN_SHORT, help="how many seeds of faults are tried")


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(1, metafunc.config.getoption("--fault-seeds") + 1))


@pytest.fixture(scope="session")
def driver():
    """What drives an experiment through faults; a module, because it can be run by hand as well."""
    path = Path(__file__).with_name("driver.py")
    spec = importlib.util.spec_from_file_location("faults_driver", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def rig(driver, tmp_path):
    """A home of its own; whatever still runs at the end is stopped."""
    rig = driver.Rig(tmp_path)
    yield rig
    rig.stop()
