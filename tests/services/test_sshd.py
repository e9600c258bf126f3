"""The SSH server for tests is real, answers on loopback alone, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from services.processes import MARK, Process, marked, wait_until
from services.sshd import Sshd, keygen


def test_commands_run_in_sessions_of_the_server(sshd):
    done = sshd(f"cat; echo ${MARK}; echo told >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, f"{sshd.folder}\n", "told\n")


def test_a_host_with_another_key_is_refused(new_sshd):
    server = new_sshd()
    server.stop()
    keygen(server.folder / "host_key")
    server.start()
    done = server("true")
    assert done.returncode == 255
    assert "HOST IDENTIFICATION HAS CHANGED" in done.stderr


def test_it_listens_on_loopback_only(sshd):
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    assert {one[1] for one in listening if one[3] == "0A" and one[1].endswith(f":{sshd.port:04X}")} == {
        f"0100007F:{sshd.port:04X}"
    }


def test_closing_ends_what_left_its_session(sshd, tmp_path):
    server = Sshd(tmp_path / "server").start()
    try:
        assert server("setsid sleep 300 >/dev/null 2>&1 </dev/null & echo $!").returncode == 0
        wait_until(server.remains, "the detached process is seen")
        daemon = server._daemon.process
    finally:
        server.close()
    assert not marked(server.folder)
    assert not daemon.alive()


def test_a_process_is_known_by_its_start_time_too():
    mine = Process.of(os.getpid())
    assert mine.alive()
    other = Process(mine.pid, mine.started - 1)  # somebody else had this id before
    assert not other.alive()
    other.send(signal.SIGKILL)
    assert mine.alive()
