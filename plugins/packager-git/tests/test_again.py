"""Packed again after whatever can happen to a working tree."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrun import GitArchivePackager, PackagingError
from nrun.packaging import pack_bundle
from nrun.packaging.store import Store
from nrun.plugins import installed
from nrun_packager_git.revision import Revision

from .conftest import Repository

NAMES = st.sampled_from(["a", "b", "A", "d/x", "d/y", "d/deep/z", "e/x", "\udcff", "build/o", "x.log"])
BRANCHES = st.sampled_from(["main", "other"])
TEXTS = st.sampled_from(["1", "2", "33"])


def write(repository, name, text):
    path = repository.folder / name
    for above in reversed(path.relative_to(repository.folder).parents[:-1]):
        if not (repository.folder / above).is_dir() or (repository.folder / above).is_symlink():
            remove(repository, str(above))
    remove(repository, name)
    repository.put(name, text)


def edit(repository, name, text):
    """In place: the inode stays."""
    path = repository.folder / name
    if path.is_file() and not path.is_symlink():
        path.write_text(text)


def remove(repository, name):
    path = repository.folder / name
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True) if os.path.lexists(path) else None
    else:
        shutil.rmtree(path)


def rename(repository, name, other):
    path = repository.folder / name
    if path.is_file() and not path.is_symlink():
        text = path.read_text()
        path.unlink()
        write(repository, other, text)


def link(repository, name, target):
    write(repository, name, "")
    (repository.folder / name).unlink()
    (repository.folder / name).symlink_to(target)


def chmod(repository, name, mode):
    path = repository.folder / name
    if path.is_file() and not path.is_symlink():
        path.chmod(mode)


def git(repository, *words):
    try:
        repository.git(*words)
    except AssertionError:
        assert not (repository.folder / ".git/index.lock").exists()  # it refused, which leaves all as it was


CHANGES = st.one_of(
    st.tuples(st.just(write), NAMES, TEXTS),
    st.tuples(st.just(edit), NAMES, TEXTS),
    st.tuples(st.just(edit), NAMES, TEXTS),
    st.tuples(st.just(remove), NAMES | st.just("d")),
    st.tuples(st.just(rename), NAMES, NAMES),
    st.tuples(st.just(link), NAMES | st.just("d"), st.sampled_from(["e", "../a", "b", "nowhere", "d/deep/../../.."])),
    st.tuples(st.just(chmod), NAMES, st.sampled_from([0o755, 0o644])),
    st.tuples(
        st.just(write), st.sampled_from([".gitignore", "d/.gitignore"]), st.sampled_from(["", "a\n", "*.log\nd\n"])
    ),
    st.tuples(
        st.just(write), st.sampled_from([".nrunignore", "build/.nrunignore"]), st.sampled_from(["b\n", "!build\n"])
    ),
    st.tuples(st.just(remove), st.just(".nrunignore")),
    st.tuples(st.just(git), st.just("add"), st.just("-A")),
    st.tuples(st.just(git), st.just("add"), st.just("--"), NAMES),
    st.tuples(st.just(git), st.just("commit"), st.just("-aqm"), st.just("x")),
    st.tuples(st.just(git), st.just("checkout"), st.just("-qf"), BRANCHES),
    st.tuples(st.just(git), st.just("checkout"), st.just("--"), NAMES),
    st.tuples(st.just(git), st.just("stash")),
    st.tuples(st.just(git), st.just("merge"), BRANCHES),
    st.tuples(st.just(git), st.just("rm"), st.just("--cached"), st.just("-q"), NAMES),
    st.tuples(st.just(git), st.just("update-index"), st.just("--assume-unchanged"), NAMES),
    st.tuples(st.just(git), st.just("config"), st.just("core.fileMode"), st.sampled_from(["true", "false"])),
    st.tuples(st.just(git), st.just("submodule"), st.just("add"), st.just("./."), st.just("sub")),
    st.tuples(st.just(git), st.just("status")),
)


def packed(repository, store):
    """The id of the bundle, or why there is none."""
    try:
        return asyncio.run(pack_bundle(GitArchivePackager(), repository.folder, store, installed())).id
    except PackagingError as error:
        return error.message


@pytest.fixture(scope="module", autouse=True)
def alone():
    """Time has gone on since the files were written, and git is as nobody has configured it."""
    now = time.time_ns
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: now() + 10_000_000_000)
        patch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield


@settings(max_examples=12, deadline=None)
@given(st.lists(CHANGES, min_size=4, max_size=8))
def test_the_bundle_is_that_of_a_store_which_knows_nothing(changes):
    with tempfile.TemporaryDirectory() as folder:
        repository = Repository(Path(folder, "repository"))
        for name in ("a", "b", "d/x", "d/deep/z", "e/x"):
            repository.put(name, "1")
        repository.commit(_gitignore="*.log\nbuild\n")
        repository.git("checkout", "-qb", "other")
        repository.put("d/x", "other")
        repository.commit()
        repository.git("checkout", "-q", "main")
        packed(repository, Path(folder, "store"))
        for number, (change, *words) in enumerate(changes):
            change(repository, *words)
            for _ in range(2):
                assert packed(repository, Path(folder, "store")) == packed(repository, Path(folder, f"new-{number}"))


def test_only_what_git_names_is_looked_at(tmp_path):
    repository, store = Repository(tmp_path / "repository"), Store(str(tmp_path / "store"))
    repository.commit(a="1", b="1" * 1000)

    def bundle(**options):
        told = []
        packager = GitArchivePackager(**options)
        bundle = asyncio.run(
            pack_bundle(packager, repository.folder, tmp_path / "store", installed(), lambda *one: told.append(one))
        )
        return bundle.id, bool(told)

    first, _ = bundle()
    repository.put("a", "2")
    second, looked_at_all = bundle()
    assert (second == first, looked_at_all) == (False, False)
    repository.put("a", "1")
    assert bundle() == (first, False)
    packs = set()
    for number in range(20):  # one pack for each, until they are too many
        repository.put("a", f"again {number}")
        last, _ = bundle()
        packs.add(len(store.packs(last)))
    assert 5 < max(packs) <= 17
    store.verify(last)
    bundle(max_size="1200 B")
    repository.put("a", "3" * 300)
    with pytest.raises(PackagingError, match=r"more than 1\.2 kB"):
        bundle(max_size="1200 B")


def test_what_differed_when_it_was_packed_is_looked_at_again(tmp_path):
    """Not every file system tells by its times that a file was moved away and back."""
    repository, store = Repository(tmp_path / "repository"), Store(str(tmp_path / "store"))
    repository.put("a", "1")
    repository.commit(b="1")
    first = packed(repository, tmp_path / "store")
    repository.put("a", "2")
    assert Revision(repository.folder, [], None)(store, first, b"") == first
    assert Revision(repository.folder, [], None)(store, first, b"a") == packed(repository, tmp_path / "new")
    assert Revision(repository.folder, ["a"], None)(store, first, b"") == packed(repository, tmp_path / "new")


@pytest.mark.parametrize("ignoring", [".gitignore", ".git/info/exclude"])
def test_what_is_ignored_since_stays_behind(tmp_path, ignoring):
    repository = Repository(tmp_path / "repository")
    repository.commit(_gitignore="", a="1")
    repository.put("new", "1")
    before = packed(repository, tmp_path / "store")
    repository.put(ignoring, "new\n")
    assert packed(repository, tmp_path / "store") == packed(repository, tmp_path / "other") != before
