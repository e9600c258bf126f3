"""The working tree as it is."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from nrun import Experiment, GitArchivePackager, LocalExecutor, PackagingError, Script
from nrun.packaging import pack_bundle
from nrun.packaging.store import Store
from nrun.plugins import installed

from .conftest import Repository


def test_what_is_on_disk_travels_whether_committed_or_not(repository, shipped):
    repository.commit(kept_py="1", changed_py="1", deleted_py="1", sub__x_py="1", _gitignore="*.log\nbuild/\n")
    repository.write(changed_py="2", new_py="2", sub__new_py="2", a_log="2", build__b_so="2")
    (repository.folder / "deleted.py").unlink()
    assert shipped(GitArchivePackager(), repository.folder) == {
        ".gitignore": "*.log\nbuild/\n",
        "changed.py": "2",
        "kept.py": "1",
        "new.py": "2",
        "sub/new.py": "2",
        "sub/x.py": "1",
    }


def test_nrunignore_drops_what_is_tracked_and_brings_back_what_is_ignored(repository, shipped):
    repository.commit(a_py="", data__x_csv="", _gitignore="*.so\nbuild/\nmodels/\n*.log\n!keep.log\n")
    repository.write(_nrunignore="/data/\n.*\n!models/\n*.tmp\n!lib.so\n", sub__lib_so="", other_so="", build__x="")
    repository.write(models__m_bin="", models__deep__n_so="", b_tmp="", b_py="", keep_log="")
    assert list(shipped(GitArchivePackager(), repository.folder)) == [
        "a.py",
        "b.py",
        "keep.log",
        "models/m.bin",
        "sub/lib.so",
    ]


def test_a_file_that_is_tracked_travels_though_it_is_ignored(repository, shipped):
    repository.commit(a_log="")
    repository.write(_gitignore="*.log", b_log="")
    assert list(shipped(GitArchivePackager(), repository.folder)) == [".gitignore", "a.log"]


def test_before_the_first_commit_and_from_a_folder_below(repository, shipped):
    repository.write(a_py="", sub__b_py="")
    assert list(shipped(GitArchivePackager(), repository.folder / "sub")) == ["a.py", "sub/b.py"]


def test_a_folder_alone(repository, shipped):
    repository.commit(a_py="", sub__b_py="", sub__deep__c_py="")
    repository.write(_gitignore="c.py", sub__new_py="", sub__deep__ignored__c_py="")
    names = ["b.py", "deep/c.py", "new.py"]
    assert list(shipped(GitArchivePackager(subpath="sub"), repository.folder)) == names
    assert list(shipped(GitArchivePackager(subpath="./sub/", basepath="sub/deep"), repository.folder)) == names


@pytest.mark.parametrize("subpath", ["missing", "..", "../repository", "/", "a.py"])
def test_a_folder_that_is_not_there(repository, shipped, subpath):
    repository.commit(a_py="")
    with pytest.raises(PackagingError, match=f"there is no folder {subpath} in "):
        shipped(GitArchivePackager(subpath=subpath), repository.folder)


def test_not_a_repository(tmp_path, shipped):
    (tmp_path / "plain").mkdir()
    with pytest.raises(PackagingError, match="plain is not in a git repository") as error:
        shipped(GitArchivePackager(), tmp_path / "plain")
    assert "PatternPackager" in error.value.hint
    with pytest.raises(PackagingError, match="there is no folder"):
        shipped(GitArchivePackager(basepath="missing"), tmp_path)


def test_a_damaged_repository_says_what_git_says(repository, shipped):
    repository.commit(a_py="")
    repository.put(".git/index", "nonsense")
    with pytest.raises(PackagingError, match=r"git ls-files failed: .*index"):
        shipped(GitArchivePackager(), repository.folder)


def test_without_git(repository, shipped, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackagingError, match="git is not installed"):
        shipped(GitArchivePackager(), repository.folder)


def test_names_of_any_bytes_links_and_executable_bits(repository, shipped, tmp_path):
    names = ["a b", "é", "\udcff", "new\nline", '"quoted"', "tab\there", "-dash", "*", ":(top)"]
    for name in names:
        repository.put(name, name)
    repository.git("add", "-A")
    repository.put("untracked \udcfe\n")
    (repository.folder / "run").write_text("x")
    (repository.folder / "run").chmod(0o755)
    (repository.folder / "link").symlink_to("a b")
    (repository.folder / "nowhere").symlink_to("not/there")
    (repository.folder / "to-folder").symlink_to(".")
    os.mkfifo(repository.folder / "pipe")
    links = {"link": "-> a b", "nowhere": "-> not/there", "to-folder": "-> ."}
    expected = {name: name for name in names} | {"untracked \udcfe\n": "", "run": "x"} | links
    assert shipped(GitArchivePackager(), repository.folder) == expected
    bundle = asyncio.run(pack_bundle(GitArchivePackager(), repository.folder, tmp_path / "store", installed()))
    assert [entry.name for entry, _ in Store(str(bundle.store)).read(bundle.id) if entry.kind == "x"] == [b"run"]


def test_pipes_and_sockets_stay_behind_and_it_is_said(repository, caplog, tmp_path):
    repository.commit(a_py="", **{"inside/b_py": "", ".gitignore": "*.sock"})
    for name in ("pipe", "inside/pipe", "ignored.sock"):
        os.mkfifo(repository.folder / name)
    bundle = asyncio.run(pack_bundle(GitArchivePackager(), repository.folder, tmp_path / "store", installed()))
    names = [entry.name for entry, _ in Store(str(bundle.store)).read(bundle.id)]
    assert names == [b".gitignore", b"a.py", b"inside/b.py"]
    assert "inside/pipe, pipe" in caplog.text
    assert "ignored" not in caplog.text


@pytest.mark.parametrize("target", ["../outside", "/etc/passwd", "loop"])
def test_links_that_lead_out_or_round_are_refused(repository, shipped, target):
    repository.commit(a_py="")
    (repository.folder / "loop").symlink_to(target)
    with pytest.raises(PackagingError, match=r"the link .*loop leads"):
        shipped(GitArchivePackager(), repository.folder)


def test_names_that_differ_only_in_case_are_refused(repository, shipped):
    repository.put("Readme")
    repository.put("README")
    with pytest.raises(PackagingError, match="differ only in case"):
        shipped(GitArchivePackager(), repository.folder)


def test_a_folder_in_place_of_a_file_and_a_link_in_place_of_a_folder(repository, shipped):
    repository.commit(a="", b__x="", c__y="")
    (repository.folder / "a").unlink()
    repository.put("a/inside")
    (repository.folder / "b" / "x").unlink()
    (repository.folder / "b").rmdir()
    (repository.folder / "b").symlink_to("c")
    (repository.folder / "c" / "x").write_text("")
    assert list(shipped(GitArchivePackager(), repository.folder)) == ["a/inside", "b", "c/x", "c/y"]


def test_a_conflict_travels_as_it_is_on_disk(repository, shipped):
    repository.commit(a="base\n")
    repository.git("checkout", "-q", "-b", "other")
    repository.commit(a="other\n")
    repository.git("checkout", "-q", "main")
    repository.commit(a="ours\n")
    with pytest.raises(AssertionError):
        repository.git("merge", "-q", "other")
    assert shipped(GitArchivePackager(), repository.folder)["a"].startswith("<<<<<<<")


# ---- repositories inside, worktrees, sparse checkouts


@pytest.fixture
def nested(repository, tmp_path):
    """A repository with a submodule that has one, each with a local change and a new file."""
    inner = Repository(tmp_path / "inner")
    inner.commit(i_py="1", _gitignore="*.log")
    middle = Repository(tmp_path / "middle")
    middle.git("submodule", "--quiet", "add", str(inner.folder), "inner")
    middle.commit(m_py="1")
    repository.git("submodule", "--quiet", "add", str(middle.folder), "third/middle")
    repository.commit(top_py="1")
    repository.git("submodule", "--quiet", "update", "--init", "--recursive")
    repository.put("third/middle/m.py", "2")
    repository.put("third/middle/inner/new.py", "2")
    repository.put("third/middle/inner/x.log", "2")
    return repository


def test_submodules_travel_as_they_are_checked_out(nested, shipped):
    found = shipped(GitArchivePackager(), nested.folder)
    assert list(found) == [
        *(".gitmodules", "third/middle/.gitmodules", "third/middle/inner/.gitignore", "third/middle/inner/i.py"),
        *("third/middle/inner/new.py", "third/middle/m.py", "top.py"),
    ]
    assert found["third/middle/m.py"] == "2"
    assert list(shipped(GitArchivePackager(include_submodules=False), nested.folder)) == [".gitmodules", "top.py"]
    assert "inner/i.py" in shipped(GitArchivePackager(subpath="third/middle"), nested.folder)


def test_nrunignore_reaches_into_submodules(nested, shipped):
    nested.put(".nrunignore", "i.py\n!x.log\n/third/middle/m.py\n.gi*\n")
    names = [".nrunignore", "third/middle/inner/new.py", "third/middle/inner/x.log", "top.py"]
    assert list(shipped(GitArchivePackager(), nested.folder)) == names
    nested.put(".nrunignore", "/third\n.*\n")
    assert list(shipped(GitArchivePackager(), nested.folder)) == ["top.py"]


def test_a_submodule_that_is_not_checked_out_is_told(nested, shipped, caplog):
    nested.git("submodule", "--quiet", "deinit", "--force", "third/middle")
    assert list(shipped(GitArchivePackager(), nested.folder)) == [".gitmodules", "top.py"]
    assert "not checked out stay behind" in caplog.text
    assert "third/middle" in caplog.text


def test_a_repository_inside_that_nobody_made_a_submodule(repository, shipped):
    repository.commit(a_py="")
    Repository(repository.folder / "clone").commit(b_py="")
    assert list(shipped(GitArchivePackager(), repository.folder)) == ["a.py", "clone/b.py"]


def test_a_worktree_of_a_repository(repository, shipped, tmp_path):
    repository.commit(a_py="1", b_py="1")
    repository.git("worktree", "add", "-q", str(tmp_path / "other"))
    (tmp_path / "other" / "a.py").write_text("2")
    assert shipped(GitArchivePackager(), tmp_path / "other") == {"a.py": "2", "b.py": "1"}


def test_a_sparse_checkout_and_a_file_that_is_kept_from_git(repository, shipped):
    repository.commit(in__a="1", out__b="1", c="1")
    repository.git("sparse-checkout", "set", "in")
    repository.git("update-index", "--skip-worktree", "in/a")
    repository.put("in/a", "2")
    assert shipped(GitArchivePackager(), repository.folder) == {"c": "1", "in/a": "2"}


def test_inside_a_hook_of_git(nested, shipped, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(nested.folder / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(nested.folder / ".git/index"))
    assert "third/middle/m.py" in shipped(GitArchivePackager(), nested.folder)


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"


def test_pointers_of_git_lfs_travel_and_are_told(repository, shipped, caplog):
    repository.commit(
        _gitattributes="*.bin filter=lfs diff=lfs merge=lfs -text\n", a_bin=POINTER, b_txt=POINTER, sub__c_bin=POINTER
    )
    assert shipped(GitArchivePackager(), repository.folder)["a.bin"] == POINTER
    assert "content; `git lfs pull` fetches it: a.bin, sub/c.bin" in caplog.text
    caplog.clear()
    shipped(GitArchivePackager(subpath="sub"), repository.folder)
    assert "fetches it: c.bin" in caplog.text
    caplog.clear()
    repository.write(a_bin="fetched", sub__c_bin="fetched")
    assert shipped(GitArchivePackager(), repository.folder)["a.bin"] == "fetched"
    assert not caplog.text


# ---- what is asked for besides, and refused


def test_patterns_bring_what_git_ignores_but_not_what_nrunignore_does(repository, shipped, tmp_path):
    repository.commit(a_py="", _gitignore="build/\n*.so\n", _nrunignore="*.o\n.*\n")
    repository.write(build__x_so="", build__x_o="", lib__y_so="")
    packager = GitArchivePackager(include_pattern="build")
    assert list(shipped(packager, repository.folder)) == ["a.py", "build/x.so"]
    packager = GitArchivePackager(include_pattern=["build/*", "lib/*.so"], include_pattern_relative_path=["", "lib"])
    assert list(shipped(packager, repository.folder)) == ["a.py", "build/x.so", "y.so"]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "d").touch()
    packager = GitArchivePackager(
        include_pattern=tmp_path / "data", include_pattern_relative_path=tmp_path, subpath="lib"
    )
    assert list(shipped(packager, repository.folder)) == ["data/d"]
    with pytest.raises(PackagingError, match=r"'nothing/.' matches nothing"):
        shipped(GitArchivePackager(include_pattern="nothing/*"), repository.folder)


def test_as_many_folders_as_patterns():
    with pytest.raises(ValueError, match="include_pattern has 2 and include_pattern_relative_path 1 elements"):
        GitArchivePackager(include_pattern=["a", "b"], include_pattern_relative_path=["a"])


def test_uncommitted_changes_can_be_refused(repository, shipped):
    packager = GitArchivePackager(check_uncommitted_changes=True)
    repository.commit(a_py="1", b_py="1")
    repository.write(new_py="1")
    assert "new.py" in shipped(packager, repository.folder)
    repository.write(b_py="2")
    with pytest.raises(PackagingError, match=r"not committed: b\.py"):
        shipped(packager, repository.folder)


@pytest.mark.parametrize("ref", [None, "HEAD"])
def test_new_files_can_be_refused(repository, shipped, ref):
    packager = GitArchivePackager(check_untracked_files=True, ref=ref)
    repository.commit(a_py="1", _gitignore="*.log")
    repository.write(a_py="2", x_log="")
    assert "a.py" in shipped(packager, repository.folder)
    repository.write(**{f"new{number}_py": "" for number in range(7)})
    with pytest.raises(PackagingError, match=r"are new: new0\.py, .*, new4\.py and 2 more"):
        shipped(packager, repository.folder)


# ---- with jobs


def test_jobs_run_in_it_also_when_they_are_run_again(repository, tmp_path):
    repository.commit(run_sh="echo one")
    repository.write(run_sh="echo two")
    (repository.folder / "run.sh").chmod(0o755)
    exp = Experiment("ships", home=tmp_path / "home")
    exp.add(Script(inline="./run.sh; ls -A", entrypoint="sh"), LocalExecutor(packager=GitArchivePackager()), "job")
    exp.run()
    repository.write(run_sh="echo three")
    again = Experiment.from_id(exp.id, home=tmp_path / "home")
    again.rerun("job")
    assert [again.logs("job", attempt=number) for number in (1, 2)] == ["two\nrun.sh\n"] * 2


def test_jobs_start_where_they_are_launched_from(repository, shipped, monkeypatch, tmp_path):
    repository.commit(top_txt="top", one__two__script_sh="pwd; cat ../../top.txt data")
    repository.put("one/two/data", "\nnew")
    folder = repository.folder / "one" / "two"
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NRUN_HOME", str(tmp_path / "home"))
    for packager, start in ((GitArchivePackager(), "one/two"), (GitArchivePackager(subpath="one"), "two")):
        assert packager.at(folder).start == start
        assert packager.at(repository.folder).start == ""
    assert GitArchivePackager(start="one").at(folder).start == "one"
    with Experiment("starts") as exp:
        exp.add(Script("script.sh", entrypoint="sh"), LocalExecutor(packager=GitArchivePackager()), "job")
        exp.run()
    assert exp.logs("job").split() == [str(exp.path / "jobs/job/attempt-1/code/one/two"), "top", "new"]


@pytest.fixture
def settled(monkeypatch):
    """Time has gone on since the files were written."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 10_000_000_000)


class Asked:
    """Packing that knows everything, and remembers by which key."""

    scratch, key = Path(), None

    def ignore_rule(self, root):
        return installed().ignore_rule(root)

    def known(self, key, note=b"", revised=None):
        self.key = key
        return True


def key_of(packager, folder):
    asked = Asked()
    asyncio.run(packager.select(folder, asked))
    return asked.key


def test_the_key_changes_with_whatever_travels(repository, settled):
    repository.commit(a_py="1", b_py="1", _gitignore="*.log\n")
    folder = repository.folder

    def key(**options):
        return key_of(GitArchivePackager(**options), folder)

    def edited(name, text):
        repository.put(name, text)
        return key()

    known = [key(), edited("a.py", "2"), edited("new.py", "1"), edited("new.py", "2"), edited("a.py", "3")]
    (folder / "a.py").chmod(0o755)
    known.append(key())
    (folder / "b.py").unlink()
    known.append(key())
    (folder / "link").symlink_to("a.py")
    known.append(key())
    known.append(repository.commit() and key())
    assert None not in known
    assert len(set(known)) == len(known)
    assert edited("ignored.log", "1") == known[-1]
    assert key(ref="HEAD") == key(ref="main") != key(ref="HEAD~1")


@pytest.mark.parametrize(
    "change",
    [
        lambda repository: repository.git("update-index", "--assume-unchanged", "a.py"),
        lambda repository: repository.git("update-index", "--skip-worktree", "a.py"),
        lambda repository: repository.put(".nrunignore", "b"),
        lambda repository: (repository.folder.parent / ".nrunignore").write_text("b"),
        lambda repository: Repository(repository.folder / "inside").commit(c="1"),
    ],
)
def test_where_git_does_not_know_all_there_is_no_key(repository, settled, change):
    repository.commit(a_py="1", b_py="1")
    assert key_of(GitArchivePackager(), repository.folder) is not None
    change(repository)
    assert key_of(GitArchivePackager(), repository.folder) is None


def test_what_was_packed_before_is_not_packed_again(repository, settled, tmp_path):
    commit = repository.commit(a_py="1", b_py="1")
    store = tmp_path / "store"

    def packed(**options):
        read = [0]
        packager = GitArchivePackager(**options)
        told = pack_bundle(packager, repository.folder, store, installed(), lambda done, _: read.append(done))
        return asyncio.run(told).id, read[-1]

    first = packed(ref=commit)
    assert first[1] == 2
    assert packed(ref=commit) == (first[0], 0)
    assert packed() == (first[0], 2)
    assert packed() == (first[0], 0)
    repository.put("a.py", "22")
    changed = packed()
    assert (changed[0] != first[0], changed[1]) == (True, 0)  # only what git names was looked at
    for path in (store / "packs").iterdir():
        path.unlink()
    assert packed() == (changed[0], 3)


class NoNotebooks:
    """A rule of a site, made of no file."""

    files = None

    def ignores(self, name, *, folder, tracked=False):
        return True if name.endswith(".ipynb") else None


def test_a_rule_that_needs_no_file_is_asked_of_everything(repository, settled):
    repository.commit(a_py="1", b_ipynb="1", sub__c_ipynb="1")
    asked = Asked()
    asked.ignore_rule = lambda root: NoNotebooks()
    (files,) = asyncio.run(GitArchivePackager().select(repository.folder, asked))
    assert (list(files.names), asked.key) == ([b"a.py"], None)


def test_pointers_are_told_though_all_is_known(repository, shipped, settled, caplog):
    repository.commit(_gitattributes="*.bin filter=lfs\n", a_bin=POINTER)
    for _ in range(3):
        caplog.clear()
        shipped(GitArchivePackager(), repository.folder)
        assert "fetches it: a.bin" in caplog.text


def test_a_tracked_file_is_not_taken_from_where_an_ignored_link_leads(repository, shipped, tmp_path):
    repository.commit(a_py="", d__x="1")
    (repository.folder / "d" / "x").unlink()
    (repository.folder / "d").rmdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x").write_text("secret")
    (repository.folder / "d").symlink_to(tmp_path / "elsewhere")
    repository.put(".git/info/exclude", "d\n")
    assert list(shipped(GitArchivePackager(), repository.folder)) == ["a.py"]
