"""What several packagers select, in one bundle."""

from __future__ import annotations

import asyncio
import os
import subprocess

import pytest

from nrun import (
    ConfigError,
    Experiment,
    GitArchivePackager,
    HybridPackager,
    LocalExecutor,
    Packager,
    PackagingError,
    PatternPackager,
    Script,
)
from nrun.packaging import pack_bundle
from nrun.packaging.store import Store
from nrun.plugins import installed


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A repository, with a folder of data beside it."""
    source = tmp_path / "source"
    (source / "data").mkdir(parents=True)
    for name in ("code.py", "README", "data/d.csv"):
        (source / name).write_text(name)
    (source / ".gitignore").write_text("/data/\n")
    subprocess.run(["git", "init", "-q"], cwd=source, check=True)
    subprocess.run(["git", "add", "-A"], cwd=source, check=True)
    monkeypatch.chdir(source)
    return source


def shipped(packager, source):
    bundle = asyncio.run(pack_bundle(packager, source, source.parent / "store", installed()))
    return {os.fsdecode(entry.name): read().decode() for entry, read in Store(str(bundle.store)).read(bundle.id)}


CODE = GitArchivePackager()
DATA = PatternPackager(include_pattern="data/*", relative_path="data")


def test_each_has_a_folder_of_its_own(source):
    packager = HybridPackager(sub_packagers={"code": CODE, "in/data": DATA, "none": Packager()})
    assert shipped(packager, source) == {
        "code/.gitignore": "/data/\n",
        "code/README": "README",
        "code/code.py": "code.py",
        "in/data/d.csv": "data/d.csv",
    }


def test_all_of_it_at_the_root(source):
    packager = HybridPackager(sub_packagers={"code": CODE, "data": DATA}, extract_at_root=True)
    assert list(shipped(packager, source)) == [".gitignore", "README", "code.py", "d.csv"]


def test_one_within_another_and_two_that_make_files(source):
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "x"], cwd=source, check=True
    )
    (source / "code.py").write_text("edited")
    committed = GitArchivePackager(ref="HEAD")
    inner = HybridPackager(sub_packagers={"a": committed, "b": CODE})
    found = shipped(HybridPackager(sub_packagers={"inner": inner, "c": committed}), source)
    assert {name: text for name, text in found.items() if name.endswith(".py")} == {
        "c/code.py": "code.py",
        "inner/a/code.py": "code.py",
        "inner/b/code.py": "edited",
    }


def test_a_collision_names_both_packagers_and_the_file(source):
    (source / "data" / "README").write_text("another")
    packager = HybridPackager(sub_packagers={"code": CODE, "data": DATA}, extract_at_root=True)
    with pytest.raises(PackagingError, match="the packagers 'code' and 'data' would both write README") as error:
        shipped(packager, source)
    assert "extract_at_root=False" in error.value.hint


def test_a_file_where_another_has_a_folder_is_a_collision(source):
    (source / "data" / "code.py").mkdir()
    (source / "data" / "code.py" / "x").write_text("")
    packager = HybridPackager(sub_packagers={"data": DATA, "code": CODE}, extract_at_root=True)
    with pytest.raises(PackagingError, match=r"the packagers 'code' and 'data' would both write code\.py"):
        shipped(packager, source)


def test_the_very_same_file_is_none(source):
    again = PatternPackager(include_pattern="*.py")
    packager = HybridPackager(sub_packagers={"code": CODE, "again": again}, extract_at_root=True)
    assert list(shipped(packager, source)) == [".gitignore", "README", "code.py"]


def test_the_limit_is_that_of_the_whole(source):
    sub = {"data": DATA.clone(max_size="1 B")}
    assert list(shipped(HybridPackager(sub_packagers=sub), source)) == ["data/d.csv"]
    with pytest.raises(PackagingError, match="would travel, more than 9 B"):
        shipped(HybridPackager(sub_packagers={"code": CODE, "data": DATA}, max_size="9 B"), source)


@pytest.mark.parametrize("folder", ["", "..", "a/../b", "/a", ".", "a//b"])
def test_a_name_that_is_no_folder(folder):
    with pytest.raises(ConfigError, match="is not a folder of the bundle"):
        HybridPackager(sub_packagers={folder: Packager()})


def test_what_is_no_packager():
    with pytest.raises(ConfigError, match="must be packagers by the names of their folders"):
        HybridPackager(sub_packagers={"a": "git"})


def test_jobs_run_in_it_and_again_from_the_record(source, tmp_path):
    packager = HybridPackager(sub_packagers={"code": CODE, "data": DATA})
    exp = Experiment("hybrid", home=tmp_path / "home")
    exp.add(Script(inline="cat code/code.py data/d.csv", entrypoint="sh"), LocalExecutor(packager=packager), "job")
    exp.run()
    again = Experiment.from_id(exp.id, home=tmp_path / "home")
    again.rerun("job")
    assert [again.logs("job", attempt=number) for number in (1, 2)] == ["code.pydata/d.csv"] * 2
