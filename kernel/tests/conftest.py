"""Fake distributions: a module and the metadata that announces it, as an installer would leave them."""

from __future__ import annotations

import itertools
import sys
import textwrap

import pytest

from nrun.plugins import Hooks, PluginHost
from nrun.plugins.discovery import discover

_numbers = itertools.count()


class FakeSite:
    """A folder of distributions, on the path for as long as a test runs."""

    def __init__(self, folder):
        self.folder = folder

    def add(self, distribution, source, *, name=None, group="nrun.v1", version="1.0"):
        """Install a distribution with one plugin; gives the name of its module, which no other test uses."""
        name = name or distribution
        module = f"{distribution.replace('-', '_')}_{next(_numbers)}"
        (self.folder / f"{module}.py").write_text("from nrun import *\n" + textwrap.dedent(source), "utf-8")
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", "utf-8")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}\n", "utf-8")
        return module

    def refs(self):
        return discover([str(self.folder)])

    def host(self, **env):
        return PluginHost(self.refs(), env)

    def hooks(self, **env):
        return Hooks(self.host(**env))


@pytest.fixture
def site(tmp_path, monkeypatch):
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield FakeSite(folder)
    for module in set(sys.modules) - before:
        if getattr(sys.modules[module], "__file__", "") and str(folder) in str(sys.modules[module].__file__):
            del sys.modules[module]
