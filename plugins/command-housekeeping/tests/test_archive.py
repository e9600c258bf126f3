"""Archives: whole or not there, the same for the same files, and nothing of them goes where it does not belong."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import io
import json
import os
import shutil
import socket
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nrun import Experiment, NrunError
from nrun.errors import InCharge, RecordError
from nrun.record import ExperimentFolder
from nrun_command_housekeeping.packing import MANIFEST, write_archive
from nrun_command_housekeeping.unpacking import restore_archive


@pytest.fixture
def file(tmp_path):
    return tmp_path / "kept.tar.gz"


@pytest.fixture
def folder(ran, home):
    """An experiment with all that a job may leave behind."""
    exp = ran("echo out")
    attempt = exp.path / "jobs" / "only" / "attempt-1"
    odd = attempt / "odd name \\ é"
    odd.write_text("x")
    odd.chmod(0o700)
    (attempt / "link").symlink_to(odd.name)
    (attempt / "deep").mkdir()
    (attempt / "deep" / "data").write_bytes(os.urandom(100_000))
    (attempt / "deep" / "to-data").symlink_to("data")
    (attempt / "deep" / "up").symlink_to("../out.log")
    (attempt / "empty-folder").mkdir()
    return ExperimentFolder(home, exp.title, exp.id)


# ---- there and back


def test_what_was_archived_comes_back_as_it_was(folder, home, nrun, file, contents):
    before = contents(folder.path)
    done = nrun("experiment", "archive", folder.id, "-o", file, "--remove")
    assert done.exit_code == 0, done.output
    assert not folder.path.exists()
    assert nrun("experiment", "restore", file).stdout == f"{folder.id}\n"
    after = contents(folder.path)
    assert after.keys() ^ before.keys() <= {"charge.lock"}
    assert {name: after[name] for name in before if name in after} == before
    assert Experiment.from_id(folder.id).status().state == "SUCCEEDED"
    assert [path.name for path in (home / "experiments").iterdir() if path.name != ".trash"] == ["test"]


def test_the_same_files_give_the_same_bytes(folder, file, tmp_path):
    again = tmp_path / "again.tar.gz"
    write_archive([folder], file)
    write_archive([folder], again)
    assert file.read_bytes() == again.read_bytes()


def test_several_go_into_one_file(ran, nrun, file, as_json):
    exps = [ran(title=title) for title in ("a", "b")]
    done = as_json("experiment", "archive", *(exp.id for exp in exps), exps[0].id, "-o", file, "--remove")
    assert done["experiments"] == [exp.id for exp in exps]
    assert done["size"] == file.stat().st_size
    assert as_json("list") == []
    assert sorted(as_json("experiment", "restore", file)["experiments"]) == sorted(exp.id for exp in exps)
    assert {one["id"] for one in as_json("list")} == {exp.id for exp in exps}


def test_what_cannot_travel_is_left_out_and_told(folder, nrun, file, tmp_path):
    (folder.path / "outside").symlink_to(tmp_path)
    (folder.path / "above").symlink_to("../../../..")
    os.mkfifo(folder.path / "pipe")
    server = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(folder.path)  # the path of a socket must be short
    server.bind("socket")
    os.chdir(here)
    server.close()
    done = nrun("experiment", "archive", folder.id, "-o", file)
    assert done.exit_code == 0
    told = [line for line in done.stderr.splitlines() if line.startswith("left out")]
    assert len(told) == 4
    restored = nrun("experiment", "restore", file, env={"NRUN_HOME": str(tmp_path / "other")})
    assert restored.stderr.count("not in the archive") == 4
    (copy,) = (tmp_path / "other" / "experiments" / "test").iterdir()
    assert not {"outside", "above", "pipe", "socket"} & {path.name for path in copy.iterdir()}


def test_no_file_is_overwritten(folder, nrun, file):
    file.write_text("precious")
    with pytest.raises(RecordError, match="cannot write"):
        nrun("experiment", "archive", folder.id, "-o", file, "--remove")
    assert file.read_text() == "precious"
    assert folder.path.exists()
    assert [path.name for path in file.parent.glob("*kept*")] == [file.name]


def test_what_has_not_ended_is_not_archived(folder, nrun, file):
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    folder.journal.write_bytes(b"".join(lines[:3]))
    with pytest.raises(NrunError, match="has not ended"):
        nrun("experiment", "archive", folder.id, "-o", file)
    assert not file.exists()


def test_what_somebody_looks_after_is_archived_but_not_removed(folder, nrun, file):
    with (folder.path / "charge.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InCharge):
            nrun("experiment", "archive", folder.id, "-o", file, "--remove")
    assert folder.path.exists()


def test_an_experiment_that_is_there_is_left_alone(folder, nrun, file, contents):
    nrun("experiment", "archive", folder.id, "-o", file)
    (folder.path / "changed").write_text("since")
    before = contents(folder.home)
    with pytest.raises(RecordError, match="already"):
        nrun("experiment", "restore", file)
    assert contents(folder.home) == before


# ---- damage


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)))
def test_a_damaged_archive_restores_nothing(folder, file, tmp_path, contents, damage):
    where, flip = damage
    if not file.exists():
        write_archive([folder], file)
    content = bytearray(file.read_bytes())
    at = int(where * len(content))
    if flip:
        content[at] ^= flip
    else:
        del content[at:]
    damaged = tmp_path / "damaged.tar.gz"
    damaged.write_bytes(bytes(content))
    other = tmp_path / "other"
    try:
        restore_archive(damaged, other)
    except RecordError:
        assert not list((other / "experiments").iterdir())
    else:  # nothing that matters: the header of gzip has bytes that say nothing
        (copy,) = (other / "experiments" / "test").iterdir()
        assert contents(copy) == contents(folder.path)
        shutil.rmtree(other)


# ---- archives of others


def member(name, kind=tarfile.REGTYPE, data=b"x", link=""):
    found = tarfile.TarInfo(name)
    found.type, found.linkname = kind, link
    found.size = len(data) if kind == tarfile.REGTYPE else 0
    return found, data


def made(file, *members, files=None, links=None):
    """An archive of these members, whose manifest says that all is well with them."""
    good = {m.name: [m.size, hashlib.sha256(d).hexdigest()] for m, d in members if m.type == tarfile.REGTYPE}
    symbolic = {m.name: m.linkname for m, _ in members if m.type == tarfile.SYMTYPE}
    manifest = {"nrun_archive": 1, "files": good if files is None else files, "left_out": {}}
    text = json.dumps(manifest | {"links": symbolic if links is None else links}).encode()
    with tarfile.open(file, "w:gz") as tar:
        for one, data in (*members, member(MANIFEST, data=text)):
            tar.addfile(one, io.BytesIO(data))
    return file


ROOT = "experiments/t/20260101-000000-000000-0000"
HOSTILE = {
    "an absolute path": [member("/tmp/evil")],
    "a way up": [member(f"{ROOT}/../../../../evil")],
    "a way up at the start": [member("../evil")],
    "beside the experiments": [member("evil")],
    "a file as a title": [member("experiments/t")],
    "a hidden title": [member("experiments/.trash/x/y")],
    "a hidden id": [member("experiments/t/.x/y")],
    "a file as an experiment": [member(ROOT)],
    "a bundle of another name": [member("bundles/evil/x")],
    "an absolute link": [member(f"{ROOT}/l", tarfile.SYMTYPE, link="/etc")],
    "a link out": [member(f"{ROOT}/l", tarfile.SYMTYPE, link="../../../..")],
    "a link as the experiment": [member(ROOT, tarfile.SYMTYPE, link="../../..")],
    "a link by way of another": [
        member(f"{ROOT}/p/q/up", tarfile.SYMTYPE, link="../.."),
        member(f"{ROOT}/p/q/out", tarfile.SYMTYPE, link="up/../x"),
    ],
    "a file through a link": [
        member(f"{ROOT}/l", tarfile.SYMTYPE, link="../../.."),
        member(f"{ROOT}/l/evil"),
    ],
    "a hard link": [member(f"{ROOT}/h", tarfile.LNKTYPE, link="/etc/passwd")],
    "a device": [member(f"{ROOT}/d", tarfile.CHRTYPE)],
    "a pipe": [member(f"{ROOT}/p", tarfile.FIFOTYPE)],
    "the same file twice": [member(f"{ROOT}/f"), member(f"{ROOT}/f", data=b"y")],
    "a file where a folder is": [member(f"{ROOT}/f/g"), member(f"{ROOT}/f")],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_what_does_not_belong_into_an_archive_is_refused(file, tmp_path, contents, members):
    made(file, *members)
    other = tmp_path / "other"
    before = contents(tmp_path)
    with pytest.raises(RecordError):
        restore_archive(file, other)
    assert {name: what for name, what in contents(tmp_path).items() if not name.startswith("other")} == before
    assert contents(other) == {"experiments": None}
    assert not Path("/tmp/evil").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"files": {}},
        {"files": {f"{ROOT}/f": [1, "0" * 64]}},
        {
            "files": {
                f"{ROOT}/f": [2, "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"],
                "more": [0, ""],
            }
        },
        {"links": {f"{ROOT}/l": "f"}},
        {"links": 3},
    ],
)
def test_a_manifest_that_says_something_else_is_refused(file, tmp_path, wrong):
    made(file, member(f"{ROOT}/f"), **wrong)
    with pytest.raises(RecordError):
        restore_archive(file, tmp_path / "other")
    assert list((tmp_path / "other" / "experiments").iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"", b"text", gzip.compress(b""), gzip.compress(b"x" * 2000), b"\x28\xb5\x2f\xfd.."]
)
def test_what_is_no_archive_is_refused(file, tmp_path, content):
    file.write_bytes(content)
    with pytest.raises(RecordError):
        restore_archive(file, tmp_path / "other")
