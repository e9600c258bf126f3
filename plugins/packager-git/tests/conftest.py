"""Real repositories, and what is shipped of them."""

from __future__ import annotations

import asyncio
import os
import subprocess

import pytest

from nrun.packaging import pack_bundle
from nrun.packaging.store import Store
from nrun.plugins import installed


class Repository:
    """A repository in a folder, with git as nobody has configured it."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *words):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"]
        done = subprocess.run(["git", *identity, *words], cwd=self.folder, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return os.fsdecode(done.stdout).strip()

    def write(self, **files):
        """Files by their names, in which `__` is a slash and `_` a dot."""
        for name, text in files.items():
            self.put(name.replace("__", "/").replace("_", "."), text)

    def put(self, name, text=""):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(text))

    def commit(self, **files):
        self.write(**files)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    found = Repository(tmp_path / "repository")
    monkeypatch.chdir(found.folder)
    return found


@pytest.fixture
def shipped(tmp_path):
    """What is in the bundle that a packager makes from a folder: content by name, links as `-> target`."""

    def ship(packager, source):
        bundle = asyncio.run(pack_bundle(packager, source, tmp_path / "store", installed()))
        return {
            os.fsdecode(entry.name): ("-> " if entry.kind == "l" else "") + os.fsdecode(read())
            for entry, read in Store(str(bundle.store)).read(bundle.id)
        }

    return ship
