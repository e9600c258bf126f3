"""What was committed, byte for byte."""

from __future__ import annotations

import pytest

from nrun import GitArchivePackager, PackagingError

from .conftest import Repository


def test_only_what_was_committed_travels(repository, shipped):
    first = repository.commit(a_py="1", deleted_py="1", sub__b_py="1")
    repository.commit(a_py="2", sub__b_py="2")
    repository.git("branch", "kept")
    repository.commit(a_py="3", sub__b_py="3")
    repository.write(a_py="edited", new_py="")
    (repository.folder / "deleted.py").unlink()
    for ref, text in ((first, "1"), ("kept", "2"), ("HEAD", "3"), ("HEAD~2", "1")):
        found = shipped(GitArchivePackager(ref=ref), repository.folder)
        assert found == {"a.py": text, "deleted.py": "1", "sub/b.py": text}
    assert shipped(GitArchivePackager(ref="kept", subpath="sub"), repository.folder) == {"b.py": "2"}


def test_attributes_change_nothing(repository, shipped):
    repository.git("config", "core.autocrlf", "true")
    repository.put(".gitattributes", "*.txt text eol=crlf\na.py export-ignore\nb.py export-subst\n*.id ident\n")
    files = {"a.py": "x\n", "b.py": "$Format:%H$\n", "c.txt": "one\ntwo\n", "d.id": "$Id$\n", "e": "one\ntwo\n"}
    for name, text in files.items():
        repository.put(name, text)
    repository.commit()
    repository.git("rm", "-q", "--cached", "-r", ".")
    repository.git("reset", "-q", "--hard")
    assert (repository.folder / "c.txt").read_bytes() == b"one\r\ntwo\r\n"
    found = shipped(GitArchivePackager(ref="HEAD"), repository.folder)
    assert {name: found[name] for name in files} == files


def test_names_links_modes_and_what_is_large(repository, shipped):
    names = ["a b", "\udcff", "new\nline", "-dash", "deep/er/x"]
    for name in names:
        repository.put(name, name)
    repository.put("large", "0123456789abcdef" * 200_000)
    repository.put("empty")
    (repository.folder / "link").symlink_to("a b")
    repository.git("add", "-A")
    repository.git("update-index", "--chmod=+x", "a b")
    repository.git("commit", "-q", "-m", "x")
    found = shipped(GitArchivePackager(ref="HEAD"), repository.folder)
    assert found.pop("large") == "0123456789abcdef" * 200_000
    assert found == {name: name for name in names} | {"empty": "", "link": "-> a b"}


def test_submodules_are_at_the_commits_that_are_pinned(repository, shipped, tmp_path):
    inner = Repository(tmp_path / "inner")
    inner.commit(i_py="pinned")
    middle = Repository(tmp_path / "middle")
    middle.git("submodule", "--quiet", "add", str(inner.folder), "inner")
    middle.commit(m_py="pinned")
    repository.git("submodule", "--quiet", "add", str(middle.folder), "lib/middle")
    repository.git("submodule", "--quiet", "update", "--init", "--recursive")
    repository.commit(top_py="")
    checked_out = Repository(repository.folder / "lib/middle")
    checked_out.commit(m_py="later")
    names = [".gitmodules", "lib/middle/.gitmodules", "lib/middle/inner/i.py", "lib/middle/m.py", "top.py"]
    found = shipped(GitArchivePackager(ref="HEAD"), repository.folder)
    assert list(found) == names
    assert found["lib/middle/m.py"] == "pinned"
    below = shipped(GitArchivePackager(ref="HEAD", subpath="lib"), repository.folder)
    assert list(below) == ["middle/.gitmodules", "middle/inner/i.py", "middle/m.py"]
    packager = GitArchivePackager(ref="HEAD", include_submodules=False)
    assert list(shipped(packager, repository.folder)) == [".gitmodules", "top.py"]
    repository.git("submodule", "--quiet", "deinit", "--force", "lib/middle")
    assert list(shipped(GitArchivePackager(ref="HEAD"), repository.folder)) == names  # it was packed before
    repository.commit(top_py="later")
    with pytest.raises(PackagingError, match="the submodule lib/middle is not checked out"):
        shipped(GitArchivePackager(ref="HEAD"), repository.folder)
    repository.commit(_nrunignore="/lib\n.*\n")
    assert list(shipped(GitArchivePackager(ref="HEAD"), repository.folder)) == ["top.py"]


def test_a_commit_of_a_submodule_that_is_not_here(repository, shipped, tmp_path):
    other = Repository(tmp_path / "other")
    other.commit(a="")
    repository.git("submodule", "--quiet", "add", str(other.folder), "other")
    repository.git("update-index", "--cacheinfo", f"160000,{'1' * 40},other")
    repository.git("commit", "-q", "-m", "x")
    with pytest.raises(PackagingError, match="lacks the commit 1111") as error:
        shipped(GitArchivePackager(ref="HEAD"), repository.folder)
    assert "fetch" in error.value.hint


def test_the_committed_nrunignore_counts(repository, shipped):
    repository.commit(a_py="", data__x="", data__y="", _nrunignore="data/x\n.*\n")
    repository.commit(_gitignore="*.py")
    repository.write(_nrunignore="*")
    assert list(shipped(GitArchivePackager(ref="HEAD"), repository.folder)) == ["a.py", "data/y"]


def test_pointers_are_told(repository, shipped, caplog):
    repository.commit(a_bin="version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
    shipped(GitArchivePackager(ref="HEAD"), repository.folder)
    assert "fetches it: a.bin" in caplog.text


@pytest.mark.parametrize("ref", ["missing", "-x", "--all", "HEAD:a.py", "HEAD^{tree}"])
def test_a_commit_that_is_not_there(repository, shipped, ref):
    repository.commit(a_py="")
    with pytest.raises(PackagingError, match="there is no commit") as error:
        shipped(GitArchivePackager(ref=ref), repository.folder)
    assert "leave ref out" in error.value.hint


@pytest.mark.parametrize("subpath", ["missing", "a.py", ".."])
def test_a_folder_that_is_not_in_it(repository, shipped, subpath):
    repository.commit(a_py="")
    with pytest.raises(PackagingError, match=f"there is no folder {subpath} in"):
        shipped(GitArchivePackager(ref="HEAD", subpath=subpath), repository.folder)


def test_before_the_first_commit(repository, shipped):
    repository.write(a_py="")
    with pytest.raises(PackagingError, match="nothing has been committed"):
        shipped(GitArchivePackager(ref="HEAD"), repository.folder)


def test_an_object_that_is_missing(repository, shipped):
    repository.commit(a_py="")
    blob = repository.git("rev-parse", "HEAD:a.py")
    (repository.folder / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(PackagingError, match=r"the content of a\.py is not in the repository"):
        shipped(GitArchivePackager(ref="HEAD"), repository.folder)


def test_what_is_asked_for_besides_comes_from_the_disk(repository, shipped):
    repository.commit(a_py="1")
    repository.write(a_py="2", data__d="2")
    packager = GitArchivePackager(ref="HEAD", include_pattern="data")
    assert shipped(packager, repository.folder) == {"a.py": "1", "data/d": "2"}
    with pytest.raises(PackagingError, match=r"would both be a\.py"):
        shipped(packager.clone(include_pattern="*.py"), repository.folder)
