"""Which processes belong to a job. Whoever gets this wrong stops somebody else's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from nrun_executor_local.processes import Process, boot_id, members, start_ticks

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are told apart through /proc")

TAG = "20260102-030405-000006-7a8b/train/1"


@pytest.fixture
def leader() -> Iterator[subprocess.Popen[bytes]]:
    """The leader of a session with one more process in it; neither carries a tag."""
    script = "import subprocess, sys; c = subprocess.Popen(['sleep', '60']); print(c.pid, flush=True); c.wait()"
    env = {name: value for name, value in os.environ.items() if name != "NRUN_TAG"}
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=env, start_new_session=True)
    yield process
    os.killpg(process.pid, 9)
    process.communicate(timeout=10)


def named(pid: int) -> Process:
    return Process(pid, start_ticks(pid), boot_id(), "here")


def test_the_session_of_a_job_is_the_jobs_even_where_the_tag_was_dropped(leader):
    child = int(leader.stdout.readline())
    assert sorted(members(named(leader.pid), TAG)) == sorted([leader.pid, child])


def test_a_process_that_left_the_session_is_known_by_its_tag():
    script = ["sleep", "60"]
    with subprocess.Popen(script, env={**os.environ, "NRUN_TAG": TAG}, start_new_session=True) as stray:
        try:
            assert members(Process(-1, 0, boot_id(), "here"), TAG) == [stray.pid]
        finally:
            stray.kill()


def test_a_session_whose_number_was_taken_over_by_another_is_left_alone(leader):
    leader.stdout.readline()
    ours = named(leader.pid)
    assert members(attrs.evolve(ours, ticks=ours.ticks - 1), TAG) == []
    assert members(attrs.evolve(ours, boot="another boot"), TAG) == []


@pytest.mark.parametrize("pid", [-1, 0, 1, True])
def test_a_damaged_handle_never_names_the_sessions_of_the_system(pid):
    assert members(Process(pid, start_ticks(1), boot_id(), "here"), TAG) == []
