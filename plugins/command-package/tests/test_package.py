"""What would travel is what then does, and it comes back as it was."""

from __future__ import annotations

import json
import os
import shutil
import socket

import click
import pytest

from nrun import GitArchivePackager, Packager, PatternPackager, RecordError, UnknownName, UsageError
from nrun.plugins import Hooks, PluginHost
from nrun.plugins.discovery import discover
from nrun_command_package import progress
from nrun_command_package.choose import chosen
from nrun_command_package.progress import Reading


def contents(folder):
    """Every file and link below a folder, with what is in it."""
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else (path.read_bytes(), bool(path.stat().st_mode & 0o100))
        for path in sorted(folder.rglob("*"))
        if (path.is_file() or path.is_symlink()) and ".git" not in path.parts
    }


# ---- show


def test_what_is_shown_is_what_travels(source, nrun, ran):
    (shown,) = json.loads(nrun("package", "show", "--json").stdout)
    assert [(file["name"], file["size"], file["kind"]) for file in shown["files"]] == [
        ("data/big", 2_000_000, "file"),
        ("new.sh", 10, "executable"),
        ("train.py", 7, "file"),
    ]
    assert (shown["size"], shown["max_size"], shown["refused"]) == (2_000_017, "500 MB", None)
    ran()
    (kept,) = json.loads(nrun("package", "list", "--json").stdout)
    assert (kept["bundle"], kept["files"], kept["size"]) == (shown["bundle"], 3, 2_000_017)


def test_names_alone_or_with_sizes(source, nrun, home):
    lines = nrun("package", "show").stdout.splitlines()
    assert lines[:3] == ["data/big", "new.sh", "train.py"]
    assert lines[3].startswith("3 files, 2.0 MB, bundle ")
    assert nrun("package", "show", "--sizes").stdout.splitlines()[:2] == ["   2.0 MB  data/big", "     10 B  new.sh"]
    assert not list((home / "bundles").glob("*.manifest"))


def test_a_long_list_is_cut_unless_all_is_wanted(source, nrun):
    for number in range(1230):
        (source / f"{number:04}").touch()
    lines = nrun("package", "show").stdout.splitlines()
    assert lines[-2] == "and 1,213 more (--all lists them)"
    assert len(lines) == 22
    assert len(nrun("package", "show", "--all").stdout.splitlines()) == 1234


def test_what_is_too_much_is_refused_with_the_lines_that_mend_it(source, nrun):
    done = nrun("package", "show", "--packager", 'git(max_size="1 MB")')
    assert done.exit_code == 2
    assert done.stdout.splitlines()[-1] == "3 files, 2.0 MB"
    assert done.stderr.endswith("such as /data/big\n")
    (told,) = json.loads(nrun("package", "show", "--packager", 'git(max_size="1 MB")', "--json").stdout)
    assert told["bundle"] is None
    assert "more than 1.0 MB" in told["refused"]["message"]
    (source / ".nrunignore").write_text("/data/big\n")
    assert nrun("package", "show", "--packager", 'git(max_size="1 MB")').exit_code == 0


def test_what_cannot_travel_is_said(source, nrun):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("listening")
        os.mkfifo("pi\x1bpe")
        done = nrun("package", "show", "--packager", 'pattern(include_pattern=".", exclude="data")')
    assert done.exit_code == 0
    assert "neither a file nor a link: listening\n" in done.stdout
    assert "neither a file nor a link: pi\\x1bpe\n" in done.stdout


def test_another_folder_and_another_packager(source, nrun, monkeypatch):
    monkeypatch.chdir(source.parent)
    shown = nrun("package", "show", source, "--packager", 'pattern(include_pattern="*.py", relative_path=".")').stdout
    assert shown.startswith("train.py\n1 file, 7 B, bundle ")


def test_outside_a_repository_it_is_said_what_to_do(source, nrun, monkeypatch):
    monkeypatch.chdir(source.parent)
    with pytest.raises(UsageError, match="is in no git repository") as error:
        nrun("package", "show")
    assert "--packager" in error.value.hint
    assert "--for" in error.value.hint


def test_without_the_packager_it_is_said_what_to_install(source):
    others = Hooks(PluginHost([ref for ref in discover() if ref.name != "packager-git"], env={}))
    with pytest.raises(UnknownName, match="unknown packager 'git'") as error:
        chosen(None, None, source, others)
    assert "pip install nrun-packager-git" in error.value.hint


@pytest.mark.parametrize("packager", ["gut", "git(reff=1)", "git(", "''", "nrun.protocols:Packager()", "5"])
def test_what_names_no_packager_is_refused(source, nrun, packager):
    with pytest.raises(UsageError):
        nrun("package", "show", "--packager", packager)


SCRIPT = """
import nrun as run

print("hello")
exp = run.Experiment("scripted")
here = run.LocalExecutor(packager=run.PatternPackager(include_pattern="*.sh"))
same = run.LocalExecutor(packager=run.PatternPackager(include_pattern="*.sh"), retries=1)
whole = run.LocalExecutor(packager=run.GitArchivePackager())
for number, executor in enumerate((here, same, whole, run.LocalExecutor())):
    exp.add(run.Script(inline="true"), executor, name=f"job-{number}")
if __name__ == "__main__":
    exp.run()
"""


def test_the_packagers_of_a_script(source, nrun, home):
    (source / "exp.py").write_text(SCRIPT)
    told = json.loads(nrun("package", "show", "--for", "exp.py", "--json").stdout)
    assert [[file["name"] for file in one["files"]] for one in told] == [
        ["new.sh"],
        ["data/big", "exp.py", "new.sh", "train.py"],
    ]
    assert [one["packager"].partition("(")[0] for one in told] == ["PatternPackager", "GitArchivePackager"]
    assert not (home / "experiments").exists()
    assert "GitArchivePackager(" in nrun("package", "show", "--for", "exp.py:exp").stdout
    (source / "none.py").write_text("import nrun as run\nrun.Experiment('x').add(run.Script(inline='true'))\n")
    with pytest.raises(UsageError, match="ship no code"):
        nrun("package", "show", "--for", "none.py")
    with pytest.raises(UsageError, match="cannot both be given"):
        nrun("package", "show", "--for", "exp.py", "--packager", "git")


def test_packagers_are_completed(source):
    from nrun.cli.root import root
    from nrun_command_package.choose import complete_packager

    context = click.Context(root)
    assert complete_packager(context, root.params[0], "p") == ["pattern"]


def test_what_takes_long_is_told(capsys, monkeypatch):
    monkeypatch.setattr(progress, "QUIET_S", 0.0)
    with Reading(20_000, 200_000_000) as reading:
        reading(1, 0)
        reading(1, 0)
    assert capsys.readouterr().err == "reading 20,000 files, 200.0 MB\n"
    monkeypatch.undo()
    with Reading(20_000, 200_000_000) as reading:
        reading(1, 0)
    assert capsys.readouterr().err == ""


# ---- restore


def test_what_travelled_comes_back_as_it_was(source, nrun, ran, tmp_path):
    (source / "link").symlink_to("data/big")
    exp, before = ran(), contents(source)
    (source / "train.py").write_text("edited again\n")
    (bundle,) = (one["bundle"] for one in json.loads(nrun("package", "list", "--json").stdout))
    empty = tmp_path / "empty"
    empty.mkdir()
    for number, (word, folder) in enumerate(
        [(bundle, empty), (bundle[:8], "../b"), (exp.id, "../deep/c"), ("test", "../d"), ("latest", "../e")]
    ):
        assert nrun("package", "restore", word, folder).exit_code == 0, number
        assert contents(source / folder) == before
    told = json.loads(nrun("package", "restore", "latest", "../f", "--json").stdout)
    assert told == {"bundle": bundle, "folder": f"{source}/../f", "files": 4, "size": 2_000_025}
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_jobs_with_different_code(source, nrun, ran, tmp_path):
    patterns = PatternPackager(include_pattern="*.sh")
    ran(whole=GitArchivePackager(), part=patterns, same=patterns.clone(), none=Packager())
    with pytest.raises(UsageError, match="different code") as error:
        nrun("package", "restore", "latest", tmp_path / "out")
    assert "part, same" in error.value.message
    nrun("package", "restore", "latest", tmp_path / "out", "--job", "same")
    assert list(contents(tmp_path / "out")) == ["new.sh"]
    with pytest.raises(RecordError, match=r"no job 'hole'.* Did you mean 'whole'"):
        nrun("package", "restore", "latest", tmp_path / "other", "--job", "hole")
    assert not (tmp_path / "other").exists()


def test_what_is_there_is_left_alone(source, nrun, ran, tmp_path):
    ran()
    (source / "link").symlink_to(tmp_path / "nowhere")
    before = contents(source)
    for taken in (source, source / "train.py", source / "link"):
        with pytest.raises(UsageError, match="is in use"):
            nrun("package", "restore", "latest", taken)
    assert contents(source) == before


def test_what_is_damaged_or_gone_is_not_restored(source, nrun, ran, home, tmp_path):
    ran()
    (pack,) = (home / "bundles" / "packs").iterdir()
    whole = pack.read_bytes()
    pack.write_bytes(whole.replace(b"edited", b"EDITED"))
    with pytest.raises(RecordError, match="is damaged"):
        nrun("package", "restore", "latest", tmp_path / "out")
    pack.unlink()
    with pytest.raises(RecordError, match="is not in"):
        nrun("package", "restore", "latest", tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"home", "source"}


def test_what_cannot_be_found_or_told_apart(source, nrun, ran, home, tmp_path):
    ran(only=Packager())
    with pytest.raises(RecordError, match="were given no code") as error:
        nrun("package", "restore", "latest", tmp_path / "out")
    assert str(source) in error.value.hint
    with pytest.raises(RecordError, match="no bundle and no experiment is called 'feed'"):
        nrun("package", "restore", "feed", tmp_path / "out")
    exp = ran("code")
    (manifest,) = (home / "bundles").glob("*.manifest")
    for name in (exp.id[:4] + "a" * 60, exp.id[:4] + "b" * 60):
        shutil.copy(manifest, manifest.with_name(f"{name}.manifest"))
    with pytest.raises(RecordError, match="is the beginning of more than one id"):
        nrun("package", "restore", exp.id[:4], tmp_path / "out")


# ---- list


def test_bundles_with_those_they_were_given_to(source, nrun, ran, home):
    assert nrun("package", "list").stdout.splitlines() == ["bundle  files  size  packed  given to"]
    first, again = ran("train"), ran("train")
    (source / "train.py").write_text("edited again\n")
    other = ran("evaluate")
    newer, older = json.loads(nrun("package", "list", "--json").stdout)
    assert newer["experiments"] == [{"id": other.id, "title": "evaluate"}]
    assert [one["id"] for one in older["experiments"]] == [again.id, first.id]
    lines = nrun("package", "list").stdout.splitlines()
    assert lines[1].startswith(newer["bundle"][:12])
    assert lines[2].endswith("train (2)")
    (home / "bundles" / f"{older['bundle']}.manifest").write_bytes(b"x")
    assert "damaged" in nrun("package", "list").stdout
