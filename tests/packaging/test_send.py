"""Bundles on their way to another store, which is kept by a process that has nothing but Python."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings

from nrun.errors import BackendError
from nrun.model import Bundle
from nrun.packaging.send import RECEIVER, send
from nrun.packaging.store import LARGE, PACKING
from nrun_testing.interpreters import interpreters
from nrun_testing.trees import Shelf, read, trees, write


class Piped:
    """The receiver, as a process; its connection can break after some bytes."""

    def __init__(self, process, breaks_after=None):
        self._process = process
        self._left = breaks_after

    async def write(self, data):
        if self._left is not None and self._left <= len(data):
            self._process.stdin.write(data[: self._left])
            with contextlib.suppress(ConnectionError):
                await self._process.stdin.drain()
            self._process.stdin.close()
            await self._process.wait()
            raise BackendError("the connection broke")
        if self._left is not None:
            self._left -= len(data)
        self._process.stdin.write(data)
        with contextlib.suppress(ConnectionError):
            await self._process.stdin.drain()

    async def readline(self):
        return await self._process.stdout.readline()


@pytest.fixture
def there(tmp_path):
    """The store on the other side, with what must be there to receive."""
    shelf = Shelf(tmp_path / "there" / "bundles")
    for path in RECEIVER:
        shutil.copy(path, tmp_path / "there")
    return shelf


async def sent(bundles, there, *, breaks_after=None, python=sys.executable, progress=lambda *_: None):
    process = await asyncio.create_subprocess_exec(
        python,
        there.path.parent / "receive.py",
        there.path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            return await send(bundles, Piped(process, breaks_after), progress)
    finally:
        if process.returncode is None:
            process.stdin.close()
            await asyncio.wait_for(process.wait(), 30)


def send_to(there, *bundles, **options):
    return asyncio.run(sent(bundles, there, **options))


def bundle_of(store, folder):
    return Bundle(store.keep_all(folder)[0], store.path)


def changed(folder, name, data):
    (folder / name).write_bytes(data)
    return folder


@given(tree=trees)
@settings(max_examples=8, deadline=None)
def test_what_arrives_is_what_was_sent(tree):
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        here, there = Shelf(base / "here"), Shelf(base / "there" / "bundles")
        for path in RECEIVER:
            shutil.copy(path, base / "there")
        bundle = bundle_of(here, write(base / "source", tree))
        send_to(there, bundle)
        there.lay_out(bundle.id, str(base / "out"))
        assert read(base / "out") == tree


def test_only_what_the_other_side_lacks_is_sent(store, there, tmp_path):
    source = write(tmp_path / "source", {b"%d" % number: ("f", os.urandom(5000)) for number in range(200)})
    bundle = bundle_of(store, source)
    whole = send_to(there, bundle)
    assert 1_000_000 < whole < 1_030_000
    assert send_to(there, bundle) < 100
    again = send_to(there, bundle_of(store, changed(source, "7", os.urandom(3000))))
    assert 3000 < again < 3000 + 200 * 80  # the file, and the manifest
    moved = write(tmp_path / "moved", {b"into/%b" % name: file for name, file in read(source).items()})
    assert send_to(there, bundle_of(store, moved)) < 200 * 80
    there.check()
    assert len(there.bundles()) == 3


def test_several_go_over_one_connection(store, there, tmp_path):
    bundles = [bundle_of(store, write(tmp_path / name, {name.encode(): ("f", b"x")})) for name in ("a", "b", "c")]
    send_to(there, *bundles)
    assert there.bundles() == {bundle.id for bundle in bundles}


def test_progress_is_told(store, there, tmp_path):
    told = []
    bundle = bundle_of(store, write(tmp_path / "source", {b"a": ("f", os.urandom(LARGE + 1)), b"b": ("f", b"x")}))
    send_to(there, bundle, progress=lambda *now: told.append(now))
    assert told == sorted(told)
    assert told[-1] == (LARGE + 2, LARGE + 2)
    assert len(told) > 2


@pytest.mark.parametrize("seed", range(6))
def test_what_was_interrupted_goes_on_where_it_was(store, there, tmp_path, seed):
    rng = random.Random(seed)
    tree = {b"%d" % number: ("f", rng.randbytes(rng.choice([10, 1000, 90_000]))) for number in range(60)}
    tree[b"large"] = ("f", rng.randbytes(3 * LARGE))
    bundle = bundle_of(store, write(tmp_path / "source", tree))
    total = sum(len(content) for _, content in tree.values())
    went = 0
    for _ in range(3):
        breaks_after = rng.randrange(total // 3)
        with pytest.raises(BackendError):
            send_to(there, bundle, breaks_after=breaks_after)
        went += breaks_after
        assert there.bundles() == set()
    rest = send_to(there, bundle)
    assert rest < total - went + 4 * 60 * 120 + 4 * 4096  # a manifest each time, and what the pipe still held
    there.check()
    there.lay_out(bundle.id, str(tmp_path / "out"))
    assert read(tmp_path / "out") == tree
    assert not list(there.path.glob(f"{PACKING}*"))


def test_two_may_send_the_same_at_once(store, there, tmp_path):
    bundle = bundle_of(store, write(tmp_path / "source", {b"a": ("f", os.urandom(2 * LARGE)), b"b": ("f", b"b")}))

    async def both():
        await asyncio.gather(*(sent([bundle], there) for _ in range(4)))

    asyncio.run(both())
    there.check()
    assert there.bundles() == {bundle.id}


def test_what_came_damaged_is_refused_and_asked_for_again(store, there, tmp_path):
    bundle = bundle_of(store, write(tmp_path / "source", {b"a": ("f", b"1" * 100), b"b": ("f", b"2" * 100)}))
    (pack,) = store.path.glob("packs/*")
    whole = pack.read_bytes()
    pack.write_bytes(whole.replace(b"2" * 100, b"3" * 100))
    with pytest.raises(BackendError, match="came damaged"):
        send_to(there, bundle)
    assert there.bundles() == set()
    pack.write_bytes(whole)
    assert send_to(there, bundle) < 400
    there.check()


@pytest.mark.parametrize(
    "sent_by_force",
    [b"../../evil\n1\nx", b"\xff\n", b"a" * 64 + b"\n5\nhello", b"a" * 64 + b"\n%d\n" % (len(zlib.compress(b"x")))],
)
def test_a_hostile_sender_gets_nothing_in(there, tmp_path, sent_by_force):
    receiver = [sys.executable, there.path.parent / "receive.py", there.path]
    done = subprocess.run(receiver, input=sent_by_force, capture_output=True, timeout=30, check=False)
    assert done.returncode == 1
    assert b"wrong " in done.stdout
    assert sorted(path.name for path in there.path.rglob("*")) == []


@pytest.mark.parametrize("python", interpreters(), ids=lambda path: re.sub(r".*?(3\.\d+).*", r"\1", path))
def test_any_python_can_receive(store, there, tmp_path, python):
    bundle = bundle_of(store, write(tmp_path / "source", {b"a": ("x", b"1" * 100), b"large": ("f", bytes(LARGE))}))
    send_to(there, bundle, python=python)
    there.check()
    assert there.bundles() == {bundle.id}
