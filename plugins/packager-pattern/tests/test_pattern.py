"""What patterns name, shipped with real jobs."""

from __future__ import annotations

import asyncio
import os

import pytest

from nrun import ConfigError, LocalExecutor, PackagingError, PatternPackager, Script
from nrun.experiment import Experiment
from nrun.packaging import pack_bundle
from nrun.packaging.store import Store
from nrun.plugins import installed
from nrun_packager_pattern.patterns import expression


@pytest.fixture
def source(tmp_path, monkeypatch):
    source = tmp_path / "source"
    source.mkdir()
    monkeypatch.chdir(source)
    return source


def plant(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(os.fsencode(name))


def shipped(packager, source):
    """The names in the bundle."""
    bundle = asyncio.run(pack_bundle(packager, source, source.parent / "store", installed()))
    return [os.fsdecode(entry.name) for entry, _ in Store(str(bundle.store)).read(bundle.id)]


@pytest.mark.parametrize(
    ("pattern", "fits", "not_"),
    [
        ("*.py", ["a.py", ".py", "a.py/below"], ["a.pyc", "b/a.py"]),
        ("**/*.py", ["a.py", "b/c/a.py"], ["a.pyc"]),
        ("src/**", ["src/a", "src/a/b"], ["src", "srcs/a"]),
        ("src", ["src", "src/a/b"], ["srcs", "a/src"]),
        ("src/", ["src", "src/a"], ["srcs"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b/c"], ["ab", "a/xb"]),
        ("a**/b", ["a/b", "ax/b"], ["a/x/b"]),
        ("?[a-c][!x].[[]]^&&", ["zbz.[]^&&"], ["zdz.[]^&&", "zbx.[]^&&", "zb/.[]^&&"]),
        ("[]]x\\d+", ["]x\\d+"], ["]x1"]),
    ],
)
def test_patterns(pattern, fits, not_):
    assert [name for name in (*fits, *not_) if expression(pattern).fullmatch(name)] == fits


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"include_pattern": "src"}, ["src/a.py", "src/deep/b.py", "src/deep/c.txt"]),
        ({"include_pattern": "src/**/*.py"}, ["src/a.py", "src/deep/b.py"]),
        ({"include_pattern": "src", "relative_path": "src"}, ["a.py", "deep/b.py", "deep/c.txt"]),
        ({"include_pattern": "src", "exclude": "src/deep"}, ["src/a.py"]),
        ({"include_pattern": ".", "exclude": ["**/*.py", "other"]}, ["src/deep/c.txt", "train.sh"]),
        ({"include_pattern": ["src/*.py", "train.sh"], "relative_path": ["src", ""]}, ["a.py", "train.sh"]),
        ({"include_pattern": ["s*", "src/*.py", "*.sh"]}, ["src/a.py", "src/deep/b.py", "src/deep/c.txt", "train.sh"]),
        ({"include_pattern": "deep", "relative_path": "."}, None),
        ({"include_pattern": "src/*.txt"}, None),
    ],
)
def test_what_patterns_name_travels(source, fields, names):
    plant(source, "src/a.py", "src/deep/b.py", "src/deep/c.txt", "train.sh", "other/x")
    if names is None:
        with pytest.raises(PackagingError, match="matches nothing") as error:
            shipped(PatternPackager(**fields), source)
        assert repr(fields["include_pattern"]) in error.value.message
    else:
        assert shipped(PatternPackager(**fields), source) == names


def test_what_is_ignored_stays_behind_unless_it_is_named(source):
    plant(source, "a.py", "a.log", "build/x.so", "build/y.log", ".git/config")
    (source / ".gitignore").write_text("*.log\nbuild/\n")
    packager = PatternPackager(include_pattern="*")
    assert shipped(packager, source) == [".gitignore", "a.py"]
    assert shipped(packager.clone(include_pattern=["*.py", "a.log", "build"]), source) == [
        "a.log",
        "a.py",
        "build/x.so",
    ]
    (source / ".nrunignore").write_text("!a.log\n.*\n*.py\n")
    assert shipped(packager, source) == ["a.log"]


def test_files_from_elsewhere_need_a_folder_to_start_at(source, tmp_path):
    plant(tmp_path, "data/odd [name]/x")
    with pytest.raises(PackagingError, match="is not below the folder"):
        shipped(PatternPackager(include_pattern="../data"), source)
    assert shipped(PatternPackager(include_pattern="../data", relative_path=".."), source) == ["data/odd [name]/x"]
    packager = PatternPackager(include_pattern=str(tmp_path / "data/odd*"), relative_path=tmp_path / "data")
    assert shipped(packager, source) == ["odd [name]/x"]


def test_links_names_of_any_bytes_and_odd_files(source):
    plant(source, "a", "d/\udcff")
    (source / "d/link").symlink_to("../a")
    os.mkfifo(source / "d/pipe")
    assert shipped(PatternPackager(include_pattern=["a", "d/**"]), source) == ["a", "d/link", "d/\udcff"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"include_pattern": ["a", "b"], "relative_path": ["a"]}, "include_pattern has 2 and relative_path 1 elements"),
        ({"include_pattern": "a", "relative_path": ["a", "b"]}, "include_pattern has 1 and relative_path 2 elements"),
        ({"include_pattern": ""}, "include_pattern names nothing"),
        ({"include_pattern": []}, "include_pattern names nothing"),
        ({"include_pattern": ["a", ""]}, "include_pattern names nothing"),
        ({"include_pattern": 3}, "must be text"),
    ],
)
def test_what_does_not_fit_is_told_at_once(fields, said):
    with pytest.raises(ConfigError, match=said):
        PatternPackager(**fields)


def test_a_pattern_that_is_none(source):
    plant(source, "a")
    with pytest.raises(PackagingError, match="cannot be read: bad character range"):
        shipped(PatternPackager(include_pattern="[z-a]"), source)


def test_a_job_gets_them_and_so_does_one_that_is_run_again(source, tmp_path):
    plant(source, "src/a.py", "b.py")
    executor = LocalExecutor(packager=PatternPackager(include_pattern=["src/*", "b.py"], relative_path=["src", "."]))
    exp = Experiment("patterns", home=tmp_path / "home")
    exp.add(Script(inline="ls", entrypoint="sh"), executor, "lists")
    exp.run()
    again = Experiment.from_id(exp.id, home=tmp_path / "home")
    again.rerun("lists")
    assert [again.logs("lists", attempt=number) for number in (1, 2)] == ["a.py\nb.py\n"] * 2
