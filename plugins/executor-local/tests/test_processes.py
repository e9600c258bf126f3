"""Which processes belong to a job. Whoever gets this wrong stops somebody else's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from nrun_executor_local.processes import Process, boot_id, members, start, tagged

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are told apart through /proc")

TAG = "20260102-030405-000006-7a8b/train/1"


@pytest.fixture
def leader() -> Iterator[subprocess.Popen[bytes]]:
    """The tagged leader of a session with one more process in it, which dropped the tag."""
    script = "import subprocess, sys; c = subprocess.Popen(['sleep', '60'], env={}); print(c.pid, flush=True); c.wait()"
    env = {**os.environ, "NRUN_TAG": TAG}
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=env, start_new_session=True)
    yield process
    os.killpg(process.pid, 9)
    process.communicate(timeout=10)


def named(pid: int, tag: str = TAG) -> Process:
    return Process(pid, boot_id(), socket.gethostname(), tag)


def test_the_session_of_a_job_is_the_jobs_even_where_the_tag_was_dropped(leader):
    child = int(leader.stdout.readline())
    assert sorted(members(named(leader.pid))) == sorted([leader.pid, child])
    os.kill(leader.pid, 9)
    os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)
    assert members(named(leader.pid)) == [child], "also while the leader is a zombie of ours"


def test_a_job_that_has_only_just_been_started_is_there(tmp_path):
    """While the system loads a program, its environment reads as empty."""
    (tmp_path / "launch.sh").write_text("sleep 60\n")
    for _ in range(50):
        pid = start(f"{tmp_path}/launch.sh", str(tmp_path), {"NRUN_TAG": TAG})
        try:
            assert pid in members(named(pid))
        finally:
            os.killpg(pid, 9)
            os.waitpid(pid, 0)


def test_a_process_that_left_the_session_is_known_by_its_tag():
    script = ["sleep", "60"]
    with subprocess.Popen(script, env={**os.environ, "NRUN_TAG": TAG}, start_new_session=True) as stray:
        try:
            assert members(named(-1)) == tagged(TAG) == [stray.pid]
        finally:
            stray.kill()


def test_a_session_whose_number_was_taken_over_by_another_is_left_alone(leader):
    leader.stdout.readline()
    assert members(named(leader.pid, "another/job/1")) == []
    assert members(attrs.evolve(named(leader.pid, "another/job/1"), boot="another boot")) == []


def test_a_process_is_alive_while_it_runs_and_carries_the_tag(leader):
    assert named(leader.pid).alive()
    assert not named(leader.pid, "another/job/1").alive()
    os.kill(leader.pid, 9)
    os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)
    assert not named(leader.pid).alive(), "a zombie has ended"
    assert not named(2**22 + 1).alive()


@pytest.mark.parametrize("pid", [-1, 0, 1, True])
def test_a_damaged_handle_never_names_the_sessions_of_the_system(pid):
    assert members(named(pid)) == []
