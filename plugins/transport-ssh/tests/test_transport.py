"""Commands, files and ports of a host that is reached over SSH, by nrun's own connection and by OpenSSH's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from services.processes import Process, wait_until

from nrun import Completed, HostCommand, TransportError
from nrun.config.codec import dumps, loads
from nrun_transport_ssh import SSHTunnel

ECHO = "import sys, os; sys.stdout.buffer.write(os.fsencode(chr(0).join(sys.argv[1:])))"


def gone(pid):
    wait_until(lambda: Process.of(pid) is None, f"{pid} lives on")
    return True


def has_text(path):
    return path.exists() and path.read_text()


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


# ---- commands


def test_a_command_has_its_input_and_tells_its_end_and_both_streams(tunnel, run):
    done = run(tunnel, "sh", "-c", "cat; echo told >&2; exit 3", stdin=b"a\0b")
    assert done == Completed(3, b"a\0b", b"told\n")


def test_what_the_user_has_configured_counts(sshd, run, tmp_path, monkeypatch):
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text(sshd.config.read_text().replace("Host ", "Host cluster ", 1))
    monkeypatch.setenv("HOME", str(tmp_path))
    for host in ("cluster", f"{sshd.host}-jumped"):
        assert run(SSHTunnel(host=host, job_dir="~"), "echo", "hello").stdout == b"hello\n"


def test_streams_larger_than_any_window_pass(tunnel, run):
    async def pieces():
        for _ in range(80):
            yield b"x" * 65536

    assert run(tunnel, "cat", stdin=pieces()).stdout == b"x" * 80 * 65536


def test_input_that_nobody_reads_is_no_error(tunnel, run):
    assert run(tunnel, "true", stdin=b"x" * 4_000_000) == Completed(0, b"", b"")


def test_arguments_arrive_as_they_are(sshd, reach, use):
    word = st.text(st.characters(exclude_characters="\0", codec="utf-8"))

    async def doing(transport):
        @settings(max_examples=30, deadline=None)
        @given(st.lists(word, min_size=1))
        def check(words):
            command = HostCommand((sys.executable, "-c", ECHO, *words))
            done = asyncio.run_coroutine_threadsafe(transport.run([command], timeout_s=20), loop).result(30)
            assert done[0].stdout == "\0".join(words).encode()

        loop = asyncio.get_running_loop()
        await asyncio.to_thread(check)

    use(reach(sshd), doing)


def test_death_by_a_signal_is_told_as_shells_tell_it(tunnel, run):
    assert run(tunnel, "sh", "-c", "kill -TERM $$").exit_code == 143
    killed = run(tunnel, "sh", "-c", "kill -KILL 0").exit_code  # with the shell that was to tell
    assert killed == (255 if tunnel.via == "openssh" else 137)  # which `ssh` does not tell either


def test_a_program_that_does_not_exist(tunnel, run):
    assert run(tunnel, "/does/not/exist").exit_code == 127


def test_a_process_left_behind_does_not_hold_up_the_answer(tunnel, run):
    done = run(tunnel, "sh", "-c", "sleep 60 & echo $!", timeout_s=20)
    assert done.exit_code == 0
    os.kill(int(done.stdout), 9)


def test_a_command_that_takes_too_long_is_killed_with_what_it_started(tunnel, run, tmp_path):
    answer = run(tunnel, "sh", "-c", f"sleep 100 & echo $! > {tmp_path}/pid; wait", timeout_s=1)
    assert isinstance(answer, TransportError)
    assert answer.fault == "timeout"
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_cancelled_command_is_killed_and_the_connection_is_as_it_was(sshd, reach, use, tmp_path):
    async def doing(transport):
        one = HostCommand(("sh", "-c", f"echo $$ > {tmp_path}/pid; exec sleep 100"))
        running = asyncio.ensure_future(transport.run([one], timeout_s=50))
        await asyncio.to_thread(wait_until, lambda: has_text(tmp_path / "pid"), "it does not start")
        running.cancel()
        await asyncio.wait([running])
        return await transport.run([HostCommand(("echo", "on"))], timeout_s=20)

    assert use(reach(sshd), doing)[0].stdout == b"on\n"
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_thousand_commands_take_one_connection(new_sshd, reach, use):
    server = new_sshd()

    async def doing(transport):
        commands = [HostCommand(("echo", str(i))) for i in range(1000)]
        return await transport.run(commands, timeout_s=90)

    assert [done.stdout for done in use(reach(server), doing, 100)] == [f"{i}\n".encode() for i in range(1000)]
    assert (server.folder / "sshd.out").read_text().count("Accepted publickey") == 1


def test_a_host_that_takes_one_session_at_a_time_is_enough(new_sshd, reach, use):
    server = new_sshd(more="")
    text = (server.folder / "sshd_config").read_text().replace("MaxSessions 10", "MaxSessions 1")
    (server.folder / "sshd_config").write_text(text)
    server.stop()
    server.start()

    async def doing(transport):
        return await transport.run([HostCommand(("sleep", "0.1"))] * 6, timeout_s=40)

    assert {done.exit_code for done in use(reach(server), doing)} == {0}


def test_a_prepared_environment_and_chatter_are_no_part_of_the_output(sshd, reach, run):
    tunnel = reach(sshd, pre_command="echo chatter; PREPARED=yes; export PREPARED")
    assert run(tunnel, "printenv", "PREPARED") == Completed(0, b"yes\n", b"")
    answer = run(reach(sshd, pre_command="echo no such module; false"), "true")
    assert (answer.fault, "no such module" in answer.message) == ("failed", True)


def test_a_program_is_talked_to_line_by_line(tunnel, use):
    async def doing(transport):
        script = "while read -r word; do echo $word!; done; echo end"
        async with transport.talk(("sh", "-c", script), timeout_s=20) as line:
            told = []
            for word in (b"one\n", b"two\n"):
                await line.write(word)
                told.append(await line.readline())
            return told

    assert use(tunnel, doing) == [b"one!\n", b"two!\n"]


# ---- files


def test_files_and_trees_go_and_come_back(tunnel, use, tmp_path):
    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    (tree / "deep" / "run.sh").write_text("true")
    (tree / "deep" / "run.sh").chmod(0o750)
    (tree / "empty").mkdir()
    (tree / "link").symlink_to("deep/run.sh")
    (tree / ("long" * 50)).write_bytes(b"x" * 1000)
    (tree / "new\nline é").write_bytes(b"")
    there, back = tmp_path / "there", tmp_path / "back"

    async def doing(transport):
        await transport.send({"code": tree, "a/b.txt": b"text"}, str(there), timeout_s=30)
        await transport.send({"a/c.txt": b"new", "a/b.txt": b"other"}, str(there), timeout_s=30)
        await transport.fetch(["code", "a/b.txt", "missing"], str(there), back, timeout_s=30)
        await transport.fetch(["x"], str(tmp_path / "missing"), back, timeout_s=30)

    use(tunnel, doing)
    assert (there / "a" / "c.txt").read_bytes() == b"new"
    assert (there / "a" / "b.txt").stat().st_mode & 0o777 == 0o600
    assert (back / "a" / "b.txt").read_bytes() == b"other"
    assert (back / "code" / "deep" / "run.sh").stat().st_mode & 0o777 == 0o750
    sent = {str(path.relative_to(tree)) for path in tree.rglob("*")}
    assert {str(path.relative_to(back / "code")) for path in (back / "code").rglob("*")} == sent
    assert str((back / "code" / "link").readlink()) == "deep/run.sh"
    assert not list(tmp_path.rglob("*.part*"))


def test_many_small_files_go_in_one_stream(sshd, reach, use, tmp_path):
    files = {f"{i % 10}/{i}": str(i).encode() for i in range(3000)}
    use(reach(sshd), lambda transport: transport.send(files, str(tmp_path / "there"), timeout_s=40))
    sent = [path for path in (tmp_path / "there").rglob("*") if path.is_file()]
    assert {str(path.relative_to(tmp_path / "there")): path.read_bytes() for path in sent} == files


def test_what_cannot_be_sent_leaves_nothing_and_says_why(tunnel, use, tmp_path):
    async def doing(transport):
        faults = []
        for files, folder in (
            ({"a": tmp_path / "missing"}, tmp_path / "there"),
            ({"../a": b""}, tmp_path / "there"),
            ({"a": b""}, tmp_path / "file" / "there"),
        ):
            try:
                await transport.send(files, str(folder), timeout_s=20)
            except TransportError as error:
                faults.append(error)
        return faults

    (tmp_path / "file").write_text("")
    faults = use(tunnel, doing)
    assert [error.fault for error in faults] == ["failed"] * 3
    assert "missing" in faults[0].message
    assert "Not a directory" in faults[2].message
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_log_is_followed_from_an_offset_by_what_is_new(tunnel, use, tmp_path):
    log = tmp_path / "log"

    async def doing(transport):
        async with contextlib.aclosing(transport.follow(str(log), offset=2)) as following:
            first = asyncio.ensure_future(anext(following))
            await asyncio.sleep(0.2)
            log.write_bytes(b"abcd")
            seen = [await first]
            with log.open("ab") as file:
                file.write(b"ef")
            return [*seen, await anext(following)]

    assert use(tunnel, doing) == [b"cd", b"ef"]


def test_a_slow_reader_of_a_large_log_gets_it_all_in_pieces(sshd, reach, use, tmp_path):
    log = tmp_path / "log"
    log.write_bytes(os.urandom(5_000_000))

    async def doing(transport):
        seen = []
        async with contextlib.aclosing(transport.follow(str(log), wait=False)) as following:
            async for piece in following:
                seen.append(piece)
                await asyncio.sleep(0.1)
        return seen

    seen = use(reach(sshd), doing)
    assert b"".join(seen) == log.read_bytes()
    assert max(map(len, seen)) <= 1 << 20


def test_a_log_that_cannot_be_read_is_told(tunnel, use, tmp_path):
    async def doing(transport):
        async with contextlib.aclosing(transport.follow(str(tmp_path), wait=False)) as following:
            try:
                return [piece async for piece in following]
            except TransportError as error:
                return error.fault

    assert use(tunnel, doing) == "failed"


# ---- ports


def test_a_port_of_the_host_is_reached_here(tunnel, use):
    async def doing(transport):
        async def answer(reader, writer):
            writer.write((await reader.read())[::-1])
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, transport.forward("localhost", port) as (host, here):
            assert here != port
            told = []
            for text in (b"abc", b"x" * 200_000 + b"y"):
                reader, writer = await asyncio.open_connection(host, here)
                writer.write(text)
                writer.write_eof()
                told.append(await reader.read() == text[::-1])
                writer.close()
            return told

    assert use(tunnel, doing) == [True, True]


def test_a_port_where_nobody_listens_closes_at_once(sshd, reach, use):
    async def doing(transport):
        async with transport.forward("localhost", 1) as (host, port):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                return await reader.read()
            except ConnectionResetError:
                return b""
            finally:
                writer.close()

    assert use(reach(sshd), doing) == b""


def test_a_connection_that_is_still_being_dialled_ends_with_the_port(sshd, reach, use):
    async def doing(transport):
        async with transport.forward("localhost", 1) as (host, port):
            reader, writer = await asyncio.open_connection(host, port)
            await asyncio.sleep(0)
        try:
            async with asyncio.timeout(20):
                return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    assert use(reach(sshd), doing) == b""


# ---- the data


def test_a_tunnel_is_data_that_can_be_written_down_and_compared():
    tunnel = SSHTunnel(host="login", user="me", job_dir="~/runs", port=2222, identity="~/.ssh/id")
    assert loads(dumps(tunnel)) == tunnel
    assert tunnel.clone(job_dir="/other").clone(job_dir="~/runs") == tunnel


def test_closing_leaves_no_task_descriptor_or_process(sshd, reach, tmp_path):
    async def main():
        before = descriptors()
        for _ in range(3):
            async with reach(sshd).connect() as transport:
                await transport.run([HostCommand(("true",))] * 3, timeout_s=20)
                await transport.send({"a": b"x"}, str(tmp_path / "there"), timeout_s=20)
                following = transport.follow(str(tmp_path / "there" / "a"))
                await anext(following)
                await following.aclose()
        await asyncio.sleep(0)
        return descriptors() - before, len(asyncio.all_tasks())

    assert asyncio.run(main()) == (0, 1)
    wait_until(lambda: not sshd.remains(), "a command has left something running there", 10)
