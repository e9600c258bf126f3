"""Calls of the system that fail, and a disk that is full: one clear error, and everything goes on from there."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import time

import pytest

KINDS = list(
    itertools.chain(
        (("write", "journal.jsonl", number) for number in (1, 2, 5, 14)),
        (("fsync", "", number) for number in (1, 2)),
        (("replace", "", number) for number in (1, 4)),
        (("open", "journal.jsonl", 1), ("open", "charge.lock", 1), ("pwrite", "charge.lock", 1), ("flock", "", 1)),
    )
)


@pytest.mark.parametrize(("call", "path", "number"), KINDS)
def test_a_call_for_the_record_that_fails_is_told_and_the_experiment_carried_on(rig, driver, call, path, number):
    code = ("EIO", "ENOSPC")[number % 2]
    fault = {"who": "launcher", "how": "call", "name": call, "number": number, "code": code, "path": path}
    # What goes wrong inside is no interrupt: it stops no job.
    status, said = rig.run("launch", fault=fault, NRUN_ON_INTERRUPT="cancel")
    assert "Traceback" not in said, said
    if rig.id() is None:
        assert status == 1
        assert not rig.lines()
        assert not list(rig.home.glob("experiments/*/*")), "half an experiment is left"
        rig.run("launch")
    assert rig.run("attach", rig.id())[0] == 0
    assert not driver.wrong(rig), rig.log


@pytest.mark.parametrize(
    ("call", "path", "number"), [("open", "launch.sh", 2), ("open", "task.json", 1), ("posix_spawn", "", 3)]
)
def test_a_job_that_cannot_be_started_did_not_run_and_is_made_good_by_a_rerun(rig, driver, call, path, number):
    fault = {"who": "launcher", "how": "call", "name": call, "number": number, "code": "ENOSPC", "path": path}
    assert rig.run("launch", fault=fault)[0] == 0
    jobs = rig.experiment().status().jobs
    refused = [name for name, job in jobs.items() if job.reason and "could not be started" in job.reason]
    assert all(jobs[name].state == "FAILED" and jobs[name].cause == "submit_error" for name in refused)
    assert not {job for _, job, attempt, _ in rig.lines() if job in refused and attempt == jobs[job].attempt}
    rig.run("rerun", rig.id())
    status = rig.experiment().status()
    assert {name: job.state.value for name, job in status.jobs.items()} == driver.EXPECTED
    assert len(set(rig.lines())) == len(rig.lines())
    assert not rig.clean()


# ---- a full disk


@pytest.fixture
def small_disk(tmp_path):
    """Mounts a small disk and gives its folder."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", place], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(disk):
    """Write until there is no byte left. Gives the file."""
    path = disk / "filling"
    with path.open("ab", buffering=0) as out:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    out.write(b"x" * size)
            except OSError:
                pass
    return path


@pytest.mark.parametrize(("verb", "after"), [("launch", 0), ("launch", 9), ("detach", 1)])
def test_a_disk_that_fills_up_while_jobs_run_loses_none_of_them(driver, small_disk, rig, verb, after):
    rig.home = small_disk / "home"
    process = rig.start(verb)
    until = time.monotonic() + driver.DEADLINE_S
    while len(rig.lines()) < after and process.poll() is None and time.monotonic() < until:
        time.sleep(0.001)
    filling = fill(small_disk)
    said = process.communicate(timeout=driver.DEADLINE_S)[0].decode()
    rig.wait_for_supervisors()
    assert "Traceback" not in said, said
    while rig.jobs() and time.monotonic() < until:
        time.sleep(0.02)
    filling.unlink()
    if rig.id() is None:
        rig.run("launch")
    assert rig.run("attach", rig.id())[0] == 0
    status = rig.experiment().status()
    for name, job in status.jobs.items():
        if job.state != driver.EXPECTED[name]:
            assert job.state in {"FAILED", "SKIPPED"}
    rig.run("rerun", rig.id())
    status = rig.experiment().status()
    assert {name: job.state.value for name, job in status.jobs.items()} == driver.EXPECTED
    doubled = [line for line in rig.lines() if rig.lines().count(line) > 1]
    assert not doubled
    assert not rig.clean()


@pytest.mark.parametrize("reason", ["full", "read-only"])
def test_a_home_that_cannot_be_written_gets_one_clear_error_and_nothing_half_written(small_disk, rig, reason):
    rig.home = small_disk / "home"
    rig.home.mkdir()
    if reason == "full":
        fill(small_disk)
    else:
        subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for verb in ("launch", "detach"):
        code, said = rig.run(verb)
        assert code == 1
        assert said.startswith("nrun: cannot ")
        assert str(rig.home) in said
        assert len(said.splitlines()) <= 2, said
    assert not list(rig.home.glob("experiments/*/*"))
    assert [path.name for path in rig.home.iterdir()] in ([], ["experiments"])


def test_a_record_that_may_only_be_read_is_looked_at_and_nobody_can_look_after_it(driver, small_disk, rig):
    rig.run("lasting")
    for pid in rig.supervisors():
        os.kill(pid, signal.SIGKILL)
    copy = driver.Rig(rig.root)
    copy.home = small_disk / "home"
    shutil.copytree(rig.home, copy.home)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for verb in ("resume", "leave", "attach", "cancel"):
        code, said = copy.run(verb, rig.id())
        assert (code, said.startswith("nrun: cannot write ")) == (1, True), said
        assert len(said.splitlines()) <= 2, said
    for words in (["status", rig.id()], ["logs", rig.id(), "lasts-1"]):
        assert copy.run(*words)[0] == 0
    rig.run("cancel", rig.id())
    assert not rig.clean()
