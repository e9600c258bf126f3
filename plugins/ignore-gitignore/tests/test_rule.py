"""What stays behind, compared with what git says."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrun import PackagingError
from nrun.packaging import walk
from nrun_ignore_gitignore.rule import GitignoreRule

NAMES = ["a", "b", "ab", "a.b", ".a", "b b", "é", "#a", "!a", "a[b", "data"]
SEGMENTS = [
    *NAMES,
    *(
        "*",
        "**",
        "?",
        "a*",
        "*b",
        "*.b",
        "[ab]",
        "[!a]",
        "[^b]*",
        "[a-c]",
        "a**b",
        "\\a",
        "\\#a",
        "\\!a",
        "\\*",
        "a\\ ",
        "é*",
        "[b",
    ),
]
name = st.sampled_from(NAMES)
tree = st.recursive(st.none(), lambda below: st.dictionaries(name, below, max_size=4), max_leaves=12)
pattern = st.builds(
    lambda negated, start, segments, end: negated + start + "/".join(segments) + end,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "", "/"]),
    st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=3),
    st.sampled_from(["", "", "/", " ", "\r", "  ", "\\ "]),
)
lines = st.lists(pattern | st.sampled_from(["", "#a", "/", "!", " ", "**/", "//"]), max_size=5)


def as_words(given):
    """Patterns that mean the same as a word of a command line, where git takes ends and comments literally."""
    return [line for line in given if not line.startswith("#") and not line.endswith((" ", "\r"))]


def git(folder, *words, stdin=""):
    env = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "HOME": str(folder),
    }
    done = subprocess.run(
        ["git", *words], cwd=folder, input=os.fsencode(stdin), capture_output=True, env=env, check=False, timeout=60
    )
    assert done.returncode in {0, 1}, done.stderr
    return os.fsdecode(done.stdout)


def plant(folder, below, rules):
    """Make a tree of folders (dictionaries) and files; every folder takes the next text as its ignore file."""
    folder.mkdir(exist_ok=True)
    if rules:
        (folder / ".gitignore").write_text("\n".join(rules.pop(0)))
    for own, inside in below.items():
        if inside is None:
            (folder / own).touch()
        else:
            plant(folder / own, inside, rules)


def everything(folder):
    """Every name below a folder, and whether it is a folder."""
    found = {str(path.relative_to(folder)): path.is_dir() for path in folder.rglob("*")}
    return {each: is_folder for each, is_folder in found.items() if each.split("/")[0] != ".git"}


def told_by_git(folder, names):
    told = git(folder, "check-ignore", "--no-index", "-z", "-v", "-n", "--stdin", stdin="\0".join(names)).split("\0")
    return {
        path: None if not line else not line.startswith("!") for line, path in zip(told[2::4], told[3::4], strict=True)
    }


@settings(max_examples=40, deadline=None)
@given(below=tree.filter(bool), rules=st.lists(lines, min_size=1, max_size=4))
def test_the_rule_is_that_of_git(below, rules):
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary, "root")
        plant(root, below, rules)
        git(root, "init", "-q")
        found = everything(root)
        rule = GitignoreRule(root)
        assert {each: rule.ignores(each, folder=is_folder) for each, is_folder in found.items()} == told_by_git(
            root, found
        )


@settings(max_examples=25, deadline=None)
@given(below=tree.filter(bool), rules=st.lists(lines, min_size=1, max_size=3), ours=lines.map(as_words))
def test_nrunignore_is_over_every_gitignore(below, rules, ours):
    """As patterns of git's command line are."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary, "root")
        plant(root, below, rules)
        (root / ".nrunignore").write_text("\n".join(ours))
        git(root, "init", "-q")
        said = [f"--exclude={line}" for line in ours]
        kept = git(root, "ls-files", "-z", "-o", "--exclude-per-directory=.gitignore", *said).split("\0")
        assert walk(root, GitignoreRule(root)) == sorted(filter(None, kept))


def test_the_ignore_files_above_count_up_to_the_top_of_the_repository(tmp_path):
    root = tmp_path / "repository" / "sub" / "root"
    root.mkdir(parents=True)
    (tmp_path / ".gitignore").write_text("*.out\n")
    (root.parents[1] / ".git").mkdir()
    (root.parents[1] / ".gitignore").write_text("*.ckpt\n/sub/root/top\nroot/\n")
    (root.parent / ".nrunignore").write_text("!keep.ckpt\n/root/sub\n")
    rule = GitignoreRule(root)
    asked = ["a.ckpt", "keep.ckpt", "top", "sub", "sub/below", "a.out", "deep/top"]
    assert [rule.ignores(each, folder=False) for each in asked] == [True, False, True, True, True, None, None]


def test_outside_a_repository_nothing_above_counts(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / ".gitignore").write_text("*\n")
    assert GitignoreRule(tmp_path / "root").ignores("a", folder=False) is None


def test_what_is_tracked_is_subject_to_nrunignore_alone(tmp_path):
    (tmp_path / ".gitignore").write_text("*.py\ndata/\n")
    (tmp_path / ".nrunignore").write_text("*.md\nnotes/\n!a.md\n")
    rule = GitignoreRule(tmp_path)
    asked = ["a.py", "data/x", "b.md", "a.md", "notes/x"]
    assert [rule.ignores(each, folder=False, tracked=True) for each in asked] == [None, None, True, False, True]
    assert [rule.ignores(each, folder=False) for each in asked] == [True, True, True, False, True]


def test_the_repository_itself_stays_behind_whatever_is_said(tmp_path):
    (tmp_path / ".nrunignore").write_text("!.git\n!.git/\n!.git/**\n")
    rule = GitignoreRule(tmp_path)
    asked = [(".git", True), (".git/config", False), ("sub/.git", False), (".github", True)]
    assert [rule.ignores(each, folder=folder) for each, folder in asked] == [True, True, True, None]


def test_names_and_patterns_are_bytes(tmp_path):
    (tmp_path / ".gitignore").write_bytes(b"\xef\xbb\xbf*.\xff\n??\n")
    rule = GitignoreRule(tmp_path)
    assert [rule.ignores(each, folder=False) for each in ("a.\udcff", "é", "ééé")] == [True, True, None]


def test_a_rule_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / ".nrunignore").symlink_to(".nrunignore")
    with pytest.raises(PackagingError, match=r"\.nrunignore cannot be read"):
        GitignoreRule(tmp_path).ignores("a", folder=False)
