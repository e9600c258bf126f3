"""What goes wrong with hosts and connections: told apart, said what to do about, and survived where it can be."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import subprocess
import sys

import asyncssh
import pytest
from services.processes import Process, free_ports, wait_until
from services.sshd import keygen

from nrun import HostCommand, TransportError
from nrun_transport_ssh import SSHTunnel


@pytest.fixture(params=["asyncssh", "openssh"])
def via(request):
    return request.param


@pytest.fixture
def refusal(use):
    """The error with which a tunnel cannot be used."""

    def refusal(tunnel):
        async def nothing(transport):
            pytest.fail("it could be used")

        with pytest.raises(TransportError) as error:
            use(tunnel, nothing)
        return error.value

    return refusal


# ---- hosts that cannot be used


def test_a_host_that_nobody_knows(via, refusal, sshd, reach):
    error = refusal(reach(sshd, host="no-such-host.invalid", via=via))
    assert error.fault == "unknown host"
    assert "~/.ssh/config" in error.hint


def test_a_host_where_nothing_listens(via, refusal, new_sshd, reach):
    server = new_sshd()
    server.stop()
    assert refusal(reach(server, via=via)).fault == "refused"


def fingerprint(server):
    words = ["ssh-keygen", "-lf", server.folder / "host_key.pub"]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=20).stdout.split()[1]


def advice(error, number=0):
    """A command that a hint gives."""
    return error.hint.split("`")[2 * number + 1]


def test_a_host_whose_key_is_not_known_and_what_is_advised_mends_it(refusal, run, new_sshd, reach):
    server = new_sshd()
    server.config.write_text(server.config.read_text().replace(f"HostKeyAlias {server.host}", ""))
    server.known_hosts.write_text("")
    error = refusal(reach(server))
    assert error.fault == "host key"
    assert fingerprint(server) in error.message
    scan, _, file = advice(error, 1).partition(" >> ")
    assert file == "~/.ssh/known_hosts"
    done = subprocess.run(scan.split(), check=True, capture_output=True, text=True, timeout=20)
    server.known_hosts.write_text(done.stdout)
    assert run(reach(server), "true").exit_code == 0


def test_a_configuration_that_names_no_file_of_keys_does_not_make_every_key_welcome(refusal, new_sshd, reach):
    server = new_sshd()
    text = server.config.read_text().replace(str(server.known_hosts), "none")
    server.config.write_text(text)
    assert refusal(reach(server)).fault == "host key"


def test_a_host_whose_key_has_changed_and_what_is_advised_mends_it(refusal, run, new_sshd, reach):
    server = new_sshd()
    server.stop()
    keygen(server.folder / "host_key")
    server.start()
    error = refusal(reach(server))
    assert error.fault == "host key"
    assert "has changed" in error.message
    assert fingerprint(server) in error.message
    subprocess.run(advice(error).split(), check=True, capture_output=True, timeout=20)
    assert "not known" in refusal(reach(server)).message
    server.trust()
    assert run(reach(server), "true").exit_code == 0


def test_openssh_tells_of_keys_too(refusal, new_sshd, reach):
    server = new_sshd()
    server.known_hosts.write_text("")
    assert refusal(reach(server, via="openssh")).fault == "host key"


def test_a_key_that_is_not_let_in(via, refusal, sshd, reach, tmp_path):
    keygen(tmp_path / "other")
    text = sshd.config.read_text().replace(str(sshd.identity), str(tmp_path / "other"))
    (tmp_path / "config").write_text(text)
    error = refusal(SSHTunnel(host=sshd.host, job_dir="/tmp", config=str(tmp_path / "config"), via=via))
    assert error.fault == "authentication"
    assert f"ssh -F {tmp_path}/config {sshd.host} true" in error.hint
    given = SSHTunnel(
        host=sshd.host, job_dir="/tmp", config=str(sshd.config), identity=str(tmp_path / "other"), via="asyncssh"
    )
    assert str(tmp_path / "other") in refusal(given).hint


def test_a_server_that_accepts_and_says_nothing(refusal, sshd, tmp_path):
    async def main():
        async def mute(reader, writer):
            await reader.read()
            writer.close()

        server = await asyncio.start_server(mute, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        config = tmp_path / "config"
        config.write_text(f"Host mute\n  HostName 127.0.0.1\n  Port {port}\n  IdentityAgent none\n  ConnectTimeout 1\n")
        async with server:
            with pytest.raises(TransportError) as error:
                async with SSHTunnel(host="mute", job_dir="/tmp", config=str(config)).connect():
                    pytest.fail("it could be used")
        return error.value.fault

    assert asyncio.run(main()) == "timeout"


# ---- connections that break


def started(path):
    wait_until(lambda: path.exists() and path.read_text(), "it does not start")


def test_a_command_that_may_not_run_twice_is_lost_with_its_connection(via, new_sshd, reach, use, tmp_path):
    server = new_sshd()
    command = HostCommand(("sh", "-c", f"echo ran >> {tmp_path}/runs; sleep 1; echo whole >> {tmp_path}/runs"))

    async def doing(transport):
        running = asyncio.ensure_future(transport.run([command], timeout_s=30))
        await asyncio.to_thread(started, tmp_path / "runs")
        server.cut()
        (lost,) = await running
        (after,) = await transport.run([HostCommand(("echo", "on"))], timeout_s=30)
        await asyncio.to_thread(wait_until, lambda: "whole" in (tmp_path / "runs").read_text(), "it was killed")
        return lost, after

    lost, after = use(reach(server, via=via), doing)
    assert (lost.fault, after.stdout) == ("lost", b"on\n")
    assert (tmp_path / "runs").read_text() == "ran\nwhole\n"


def test_a_command_that_may_is_run_again_and_its_first_run_is_ended(via, new_sshd, reach, use, tmp_path):
    server = new_sshd()
    script = f"echo $$ >> {tmp_path}/runs; [ $(wc -l < {tmp_path}/runs) = 2 ] || sleep 100; echo done"

    async def doing(transport):
        command = HostCommand(("sh", "-c", script), repeatable=True)
        running = asyncio.ensure_future(transport.run([command], timeout_s=30))
        await asyncio.to_thread(started, tmp_path / "runs")
        server.cut()
        return (await running)[0]

    assert use(reach(server, via=via), doing).stdout == b"done\n"
    first, _ = map(int, (tmp_path / "runs").read_text().split())
    assert Process.of(first) is None


def a_large_one(paths):
    """Whether one of these files has more than a megabyte by now; they come and go."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_size > 1_000_000:
                return True
    return False


def inodes(folder):
    return {path.name: path.stat().st_ino for path in folder.iterdir()}


def test_sending_goes_on_where_it_was(via, new_sshd, reach, use, tmp_path):
    server = new_sshd()
    files = {f"{i:03}": os.urandom(20_000) for i in range(200)} | {"big": os.urandom(30_000_000)}
    there = tmp_path / "there"

    def half_way():
        return a_large_one(tmp_path.glob("there.*/big"))

    async def doing(transport):
        sending = asyncio.ensure_future(transport.send(files, str(there), timeout_s=60))
        await asyncio.to_thread(wait_until, half_way, "it does not begin")
        server.cut()
        assert not there.exists()
        begun = inodes(next(tmp_path.glob("there.*")))
        await sending
        assert inodes(there) == begun  # nothing was sent again

    use(reach(server, via=via), doing)
    assert {path.name: path.read_bytes() for path in there.iterdir()} == files
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_fetching_goes_on_where_it_was(via, new_sshd, reach, use, tmp_path):
    server = new_sshd()
    there, back = tmp_path / "there", tmp_path / "back"
    there.mkdir()
    for i in range(100):
        (there / f"{i:03}").write_bytes(os.urandom(20_000))
    (there / "big").write_bytes(os.urandom(30_000_000))

    def half_way():
        return a_large_one(back.glob(".*.part"))

    async def doing(transport):
        fetching = asyncio.ensure_future(transport.fetch(["."], str(there), back, timeout_s=60))
        await asyncio.sleep(0)
        await asyncio.to_thread(wait_until, half_way, "it does not begin")
        server.cut()
        begun = set(inodes(back).values())
        await fetching
        assert len(set(inodes(back).values()) & begun) >= len(begun) - 1  # at most one file was begun again

    use(reach(server, via=via), doing)
    files = {path.name: path.read_bytes() for path in there.iterdir()}
    assert {path.name: path.read_bytes() for path in back.iterdir()} == files


def test_a_log_is_followed_through_an_outage_of_the_server(new_sshd, reach, use, tmp_path):
    server = new_sshd()
    log = tmp_path / "log"
    log.write_bytes(b"one\n")

    async def doing(transport):
        async with contextlib.aclosing(transport.follow(str(log), timeout_s=40)) as following:
            seen = [await anext(following)]
            server.stop()
            with log.open("ab") as file:
                file.write(b"two\n")
            waiting = asyncio.ensure_future(anext(following))
            await asyncio.sleep(1)
            assert not waiting.done()
            await asyncio.to_thread(server.start)
            return [*seen, await waiting]

    assert use(reach(server), doing) == [b"one\n", b"two\n"]


def test_a_server_that_stays_away_is_told_when_time_is_up(new_sshd, reach, use):
    server = new_sshd()

    async def doing(transport):
        server.stop()
        return (await transport.run([HostCommand(("true",))], timeout_s=1.5))[0]

    error = use(reach(server), doing)
    assert error.fault == "refused"
    assert "for 1.5 s there was no connection" in error.message


def test_a_key_that_changes_during_an_outage_is_not_trusted(new_sshd, reach, use):
    server = new_sshd()

    async def doing(transport):
        server.stop()
        keygen(server.folder / "host_key")
        server.start()
        return (await transport.run([HostCommand(("true",))], timeout_s=20))[0]

    assert use(reach(server), doing).fault == "host key"


# ---- the way there


def test_a_host_behind_another_is_reached_through_it(new_sshd, reach, run):
    server = new_sshd()
    assert run(reach(server, host=f"{server.host}-jumped"), "echo", "there").stdout == b"there\n"
    assert (server.folder / "sshd.out").read_text().count("Accepted publickey") == 2


def test_a_login_that_asks_is_answered_at_a_terminal_and_fails_without_one(tmp_path):
    """The other side is an SSH server of asyncssh's, as OpenSSH's needs an account with a password for this."""
    (port,) = free_ports(1)
    keygen(tmp_path / "host_key")
    key = (tmp_path / "host_key.pub").read_text()
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{port} {key}")
    config = f"Host asks\n  HostName 127.0.0.1\n  Port {port}\n  UserKnownHostsFile {tmp_path}/known_hosts\n"
    (tmp_path / "config").write_text(f"{config}  IdentityAgent none\n  User somebody\n")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(config=tmp_path / "config"))

    async def main(at_terminal):
        async with await asyncssh.listen(
            "127.0.0.1",
            port,
            server_factory=Asking,
            server_host_keys=[str(tmp_path / "host_key")],
            process_factory=serve,
        ):
            return await asyncio.to_thread(at_terminal, program)

    assert "RAN 0 b'served\\n'" in asyncio.run(main(with_terminal))
    assert "FAULT authentication" in asyncio.run(main(without_terminal))


PROGRAM = """
import asyncio
from nrun import HostCommand, TransportError
from nrun_transport_ssh import SSHTunnel

async def main():
    try:
        async with SSHTunnel(host="asks", job_dir="/tmp", config="{config}").connect() as transport:
            done, = await transport.run([HostCommand(("echo", "served"))], timeout_s=20)
            print("RAN", done.exit_code, done.stdout)
    except TransportError as error:
        print("FAULT", error.fault, error.hint)

asyncio.run(main())
"""


class Asking(asyncssh.SSHServer):
    def begin_auth(self, username):
        return True

    def kbdint_auth_supported(self):
        return True

    def get_kbdint_challenge(self, username, lang, submethods):
        return "Second factor", "Look at your phone.", "", [("Code:", False)]

    def validate_kbdint_response(self, username, responses):
        return list(responses) == ["123456"]


def serve(process):
    async def main():
        done = await asyncio.create_subprocess_exec(
            "sh", "-c", process.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, err = await done.communicate()
        process.stdout.write(out.decode())
        process.stderr.write(err.decode())
        process.exit(done.returncode)

    return main()


def with_terminal(program):
    leader, follower = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, program], stdin=follower, stdout=follower, stderr=follower, start_new_session=True
    )
    os.close(follower)
    told = b""
    try:
        while b"Code:" not in told:
            told += os.read(leader, 1000)
        assert b"Look at your phone." in told
        os.write(leader, b"123456\n")
        with contextlib.suppress(OSError):  # the end of a terminal
            while piece := os.read(leader, 1000):
                told += piece
        child.wait(20)
    finally:
        child.kill()
        os.close(leader)
    assert b"123456" not in told
    return told.decode()


def without_terminal(program):
    return subprocess.run(
        [sys.executable, program], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False
    ).stdout
