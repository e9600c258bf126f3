"""Bundles: the same tree has the same id, comes back byte for byte, is read once and kept once."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrun.errors import PackagingError
from nrun.model import Files
from nrun.packaging import walk
from nrun.packaging.bundling import sweep
from nrun.packaging.snapshot import check_size, identify, keep, survey
from nrun.packaging.store import BLOCK, LARGE, PACKING, Damaged, Entry, entries, written
from nrun_testing.trees import Shelf, read, trees, write


@given(tree=trees, seed=st.integers())
@settings(max_examples=60, deadline=None)
def test_the_same_tree_has_the_same_id_and_comes_back_byte_for_byte(tree, seed):
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        store = Shelf(base / "bundles")
        one, other = write(base / "one", tree), write(base / "deep" / "other", dict(reversed(tree.items())))
        names = walk(other)
        random.Random(seed).shuffle(names)
        os.utime(other, (0, 0))
        bundle, _ = store.keep_all(one)
        assert keep(survey([Files(other, names)]), Shelf(base / "elsewhere").path) == bundle
        assert identify(survey([Files(one, walk(one))]), store.path) == bundle
        store.lay_out(bundle, str(base / "out"))
        assert read(base / "out") == tree


@given(tree=trees.filter(bool), other=trees)
@settings(max_examples=60, deadline=None)
def test_different_trees_have_different_ids(tree, other):
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        ids = [
            identify(survey([Files(path, walk(path))]), base)
            for path in (write(base / "a", tree), write(base / "b", other))
        ]
        assert (ids[0] == ids[1]) == (tree == other)


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=9), st.sampled_from("fxl"), st.integers(0, 1 << 40))))
def test_a_manifest_is_read_as_it_was_written_or_refused(rows):
    manifest = b"".join(
        written(Entry(name, kind, size, hashlib.sha256(name).digest())) for name, kind, size in sorted(rows)
    )
    try:
        found = list(entries(manifest))
    except Damaged:
        return
    assert [(entry.name, entry.kind, entry.size) for entry in found] == sorted(rows)


@pytest.mark.parametrize(
    "names",
    [(b"/etc/x",), (b"../x",), (b"a/../x",), (b"a//b",), (b"a/.",), (b"b", b"a"), (b"a", b"a"), (b"",)],
    ids=repr,
)
def test_a_manifest_that_could_write_elsewhere_is_refused(names):
    with pytest.raises(Damaged):
        list(entries(b"".join(written(Entry(name, "f", 1, bytes(32))) for name in names)))


@pytest.mark.parametrize("manifest", [b"f 1 00 a\0", b"f 1", b"d 1 00 a\0", b"f x 00 a\0", b"f 1 " + b"0" * 64 + b" a"])
def test_a_manifest_that_is_damaged_is_refused(manifest):
    with pytest.raises(Damaged):
        list(entries(manifest))


def test_nothing_is_written_through_a_link(store):
    through = written(Entry(b"a", "l", 4, b"/tmp")) + written(Entry(b"a/b", "f", 0, bytes(32)))
    with pytest.raises(Damaged, match="leads through a link"):
        list(entries(through))


@pytest.fixture
def settled(monkeypatch):
    """Time has gone on since the files were written."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 10_000_000_000)


def test_what_has_not_changed_is_not_read(store, tmp_path, settled):
    tree = {b"a": ("f", b"1" * 100), b"b/c": ("f", b"2" * 50), b"b/d": ("x", b"3" * 7)}
    source = write(tmp_path / "source", tree)
    first, read_first = store.keep_all(source)
    assert (read_first, store.keep_all(source)) == (157, (first, 0))
    (source / "b" / "c").write_bytes(b"4" * 50)
    second, read_again = store.keep_all(source)
    assert (read_again, second != first) == (50, True)
    (source / "b" / "c").unlink()
    (source / "new").write_bytes(b"5")
    assert store.keep_all(source)[1] == 1
    (source / "a").chmod(0o755)
    assert store.keep_all(source)[1] == 100  # its inode changed; the content is not kept again
    store.check()


def test_what_was_written_just_now_is_read_again(store, tmp_path):
    source = write(tmp_path / "source", {b"a": ("f", b"1")})
    assert [store.keep_all(source)[1] for _ in range(2)] == [1, 1]


def test_contents_are_kept_once(store, tmp_path):
    content = os.urandom(10_000)
    one = write(tmp_path / "one", {b"a": ("f", content), b"b": ("x", content), b"c": ("f", b"")})
    other = write(tmp_path / "other", {b"z": ("f", content), b"y": ("f", b"more")})
    store.keep_all(one)
    alone = store.size()
    assert alone < 11_000
    store.keep_all(other)
    assert store.size() < alone + 1000
    large = os.urandom(2 * LARGE + 7)
    both = write(tmp_path / "large", {b"1": ("f", large), b"2": ("f", large), b"3": ("f", large[:-1])})
    before = store.size()
    bundle, _ = store.keep_all(both)
    assert 2 * len(large) <= store.size() - before < 2 * len(large) + 2 * BLOCK
    store.lay_out(bundle, str(tmp_path / "out"))
    assert read(tmp_path / "out") == read(both)


def test_a_job_cannot_spoil_the_store_or_another_job(store, tmp_path):
    tree = {b"a": ("f", b"code"), b"large": ("f", os.urandom(LARGE + 1))}
    bundle, _ = store.keep_all(write(tmp_path / "source", tree))
    for name in ("one", "other"):
        store.lay_out(bundle, str(tmp_path / name))
    for path in (tmp_path / "one").iterdir():
        with path.open("r+b") as file:
            file.write(b"spoilt")
    assert read(tmp_path / "other") == tree
    store.check()


# ---- what cannot travel


def make(root, *names):
    return write(root, {os.fsencode(name): ("f", b"x") for name in names})


def refused(root, names=None):
    with pytest.raises(PackagingError) as error:
        survey([Files(root, walk(root) if names is None else names)])
    assert error.value.hint
    return error.value.message


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "sub/../../outside", "to-sub/../../outside"])
def test_a_link_that_leaves_is_refused(tmp_path, target):
    root = make(tmp_path / "source", "sub/deep/a")
    make(tmp_path / "outside", "b")
    (root / "to-sub").symlink_to("sub")
    (root / "link").symlink_to(target)
    assert "leads out of what travels" in refused(root)


def test_a_link_that_leads_to_itself_is_refused(tmp_path):
    root = make(tmp_path / "source", "a")
    (root / "one").symlink_to("other")
    (root / "other").symlink_to("one")
    assert "leads to itself" in refused(root)


def test_links_inside_travel_as_they_are(store, tmp_path):
    root = make(tmp_path / "source", "sub/a")
    for name, target in (("file", "sub/a"), ("folder", "sub"), ("nowhere", "not-there"), ("sub/up", "..")):
        (root / name).symlink_to(target)
    bundle, _ = store.keep_all(root)
    store.lay_out(bundle, str(tmp_path / "out"))
    assert read(tmp_path / "out") == read(root)
    assert read(root)[b"sub/up"] == ("l", b"..")


@pytest.mark.parametrize(
    ("names", "both"),
    [
        (["Ä/Readme", "ä/README", "b"], "Ä and ä"),
        (["a/Readme", "a/README"], "a/README and a/Readme"),
        (["Sub/a", "sub/b"], "Sub and sub"),
        (["Sub/deep/x", "sub"], "Sub and sub"),
    ],
)
def test_names_that_differ_in_case_are_refused(tmp_path, names, both):
    told = refused(make(tmp_path / "source", *names))
    assert told == f"{both} differ only in case: some systems take them for one"


def test_two_files_in_one_place_are_refused_with_both_their_names(tmp_path):
    one, other = make(tmp_path / "one", "a", "b/c"), make(tmp_path / "other", "a", "b")
    for names, both in ((["a"], "a"), (["b"], "b")):
        with pytest.raises(PackagingError, match=f" would both be {both} in the bundle") as error:
            survey([Files(one, ["a", "b/c"]), Files(other, names)])
        assert all(str(path) in error.value.message for path in (one / both, other / both))
    assert len(survey([Files(one, ["a"]), Files(other, ["a"], into="x")]).lines) == 2
    assert len(survey([Files(one, ["a"]), Files(one, ["a", "b/c"])]).lines) == 2  # the same file, selected twice


def test_sockets_and_pipes_stay_behind_and_are_named(tmp_path, monkeypatch):
    root = make(tmp_path / "source", "a")
    os.mkfifo(root / "pipe")
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        found = survey([Files(root, walk(root))])
    assert ([row.name for row in found.largest()], found.skipped) == ([b"a"], ["pipe", "socket"])


def test_a_file_that_is_gone_or_cannot_be_read_is_named(store, tmp_path):
    root = make(tmp_path / "source", "a", "b")
    assert refused(root, ["a", "gone"]) == f"{root}/gone cannot be read: No such file or directory"
    found = survey([Files(root, ["a", "b"])])
    (root / "b").unlink()
    (root / "b").symlink_to("a")  # it must not be followed
    with pytest.raises(PackagingError, match="b cannot be read"):
        keep(found, store.path)
    assert store.bundles() == set()


def test_too_much_is_refused_with_the_largest_files(tmp_path):
    root = write(tmp_path / "source", {b"small": ("f", b"x"), b"big/model.bin": ("f", b"x" * 2000)})
    found = survey([Files(root, walk(root))])
    check_size(found, 2001)
    with pytest.raises(PackagingError) as error:
        check_size(found, 2000)
    assert "2.0 kB of code would travel, more than 2.0 kB" in error.value.message
    assert error.value.message.splitlines()[1].split() == ["2.0", "kB", "big/model.bin"]
    assert "/big/model.bin" in error.value.hint


def test_a_file_that_changes_while_it_is_read_is_refused(store, tmp_path):
    root = write(tmp_path / "source", {b"log": ("f", bytes(32 << 20))})
    ended = threading.Event()

    def scribble():
        with (root / "log").open("r+b") as file:
            while not ended.wait(0.001):
                file.seek(0)
                file.write(os.urandom(8))
                file.flush()

    writer = threading.Thread(target=scribble)
    writer.start()
    try:
        with pytest.raises(PackagingError, match="log changes while it is read"):
            store.keep_all(root)
    finally:
        ended.set()
        writer.join()
    assert (store.bundles(), list(store.path.glob(f"{PACKING}*"))) == (set(), [])


# ---- trouble


def test_a_full_disk_leaves_the_store_as_it_was(store, tmp_path, monkeypatch):
    store.keep_all(make(tmp_path / "before", "a"))
    root = write(tmp_path / "source", {b"b": ("f", os.urandom(3 << 20))})

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            store.keep_all(root)
    assert (len(store.bundles()), list(store.path.glob(f"{PACKING}*"))) == (1, [])
    store.keep_all(root)
    store.check()


def test_a_file_that_its_user_may_not_read_is_named():
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        root.chmod(0o777)
        (root / "private").touch(0o000)
        who = os.geteuid()
        if who == 0:
            os.seteuid(65534)
        try:
            with pytest.raises(PackagingError, match=f"{root}/private cannot be read: Permission denied") as refused:
                identify(survey([Files(root, ["private"])]), root)
        finally:
            os.seteuid(who)
    assert ".nrunignore" in refused.value.hint


@pytest.mark.parametrize("sizes", [[3 << 20], [200_000] * 12], ids=["large", "small"])
def test_what_cannot_be_written_is_not_said_to_be_unreadable(store, tmp_path, sizes):
    """No file may become larger than a megabyte here, which a pack of these would."""
    tree = {b"%d" % number: ("f", os.urandom(size)) for number, size in enumerate(sizes)}
    root = write(tmp_path / "source", tree)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            store.keep_all(root)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (store.bundles(), list(store.path.glob(f"{PACKING}*"))) == (set(), [])
    store.keep_all(root)
    store.check()


def test_contents_that_were_removed_are_not_believed_to_be_there(store, tmp_path, settled):
    root = make(tmp_path / "source", "a")
    store.keep_all(root)
    for path in store.path.glob("packs/*"):
        path.unlink()
    with pytest.raises(Damaged):
        store.keep_all(root)


@pytest.mark.parametrize("damage", [b"", b"nrunpack", b"\xff" * 200])
def test_a_damaged_pack_holds_nothing(store, tmp_path, damage):
    bundle, _ = store.keep_all(make(tmp_path / "source", "a"))
    (pack,) = store.path.glob("packs/*")
    pack.write_bytes(damage)
    with pytest.raises(Damaged, match="is missing"):
        store.lay_out(bundle, str(tmp_path / "out"))


_PACKS = """
import sys
from pathlib import Path
from nrun.model import Files
from nrun.packaging import walk
from nrun.packaging.bundling import sweep
from nrun.packaging.snapshot import keep, survey
print(keep(survey([Files(Path(sys.argv[1]), walk(Path(sys.argv[1])))]), Path(sys.argv[2])), flush=True)
"""


def test_whoever_is_killed_while_packing_leaves_the_store_whole(store, tmp_path):
    rng = random.Random(5)
    root = tmp_path / "source"
    for number in range(400):
        (root / f"d{number % 9}").mkdir(parents=True, exist_ok=True)
        (root / f"d{number % 9}" / f"{number}").write_bytes(rng.randbytes(20_000))
    command = [sys.executable, "-c", _PACKS, root, store.path]
    begun = time.monotonic()
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    took_s = time.monotonic() - begun
    for _ in range(12):
        (root / "d0" / "0").write_bytes(rng.randbytes(3 << 20))
        packing = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        time.sleep(took_s * rng.random())
        packing.send_signal(signal.SIGKILL)
        packing.wait(30)
        store.check()
    assert (
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()
        in store.bundles()
    )
    store.check()
    for left in store.path.glob(f"{PACKING}*"):
        os.utime(left, (0, 0))
    sweep(store.path)
    assert not list(store.path.glob(f"{PACKING}*"))


def test_many_pack_the_same_at_once(store, tmp_path):
    root = make(tmp_path / "source", *(f"{number}/a" for number in range(50)))
    command = [sys.executable, "-c", _PACKS, root, store.path]
    packing = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    ids = {one.communicate(timeout=60)[0].strip() for one in packing}
    assert ids == store.bundles()
    store.check()
