"""This machine as a host: commands, files, following; and one connection for all who use equal tunnels."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrun import Completed, HostCommand, LocalTunnel, TransportError, Tunnel

ECHO = "import sys, os; sys.stdout.buffer.write(os.fsencode(chr(0).join(sys.argv[1:])))"


def use(doing, tunnel=None):
    """The outcome of `doing`, given the transport of a tunnel."""

    async def main():
        async with (tunnel or LocalTunnel(job_dir="/tmp")).connect() as transport, asyncio.timeout(30):
            return await doing(transport)

    return asyncio.run(main())


def run(*argv, timeout_s=20, **options):
    async def doing(transport):
        return (await transport.run([HostCommand(argv, **options)], timeout_s=timeout_s))[0]

    return use(doing)


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


# ---- commands


def test_a_command_has_its_input_and_tells_its_end_and_both_streams():
    done = run("sh", "-c", "cat; echo told >&2; exit 3", stdin=b"a\0b")
    assert done == Completed(3, b"a\0b", b"told\n")


def test_a_stream_can_be_the_input():
    async def pieces():
        for piece in (b"a" * 300_000, b"b"):
            yield piece

    assert run("cat", stdin=pieces()).stdout == b"a" * 300_000 + b"b"


def test_input_that_nobody_reads_is_no_error():
    assert run("true", stdin=b"x" * 1_000_000) == Completed(0, b"", b"")


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=3))
def test_arguments_arrive_as_they_are(words):
    assert run(sys.executable, "-c", ECHO, *words).stdout == "\0".join(words).encode()


def test_each_command_of_a_batch_is_answered():
    async def doing(transport):
        commands = [HostCommand(["sh", "-c", f"exit {i}"]) for i in range(40)]
        return await transport.run([*commands, HostCommand(["/does/not/exist"])], timeout_s=20)

    assert [each.exit_code for each in use(doing)] == [*range(40), 127]


def test_death_by_a_signal_is_told_as_shells_tell_it():
    assert run("sh", "-c", "kill -TERM $$").exit_code == 128 + signal.SIGTERM


def test_a_command_that_takes_too_long_is_killed_with_what_it_started(tmp_path):
    answer = run("sh", "-c", f"sleep 100 & echo $! > {tmp_path}/pid; wait", timeout_s=0.5)
    assert isinstance(answer, TransportError)
    assert answer.fault == "timeout"
    last = time.monotonic() + 10
    while not gone(int((tmp_path / "pid").read_text())):
        assert time.monotonic() < last
        time.sleep(0.02)


def test_a_program_is_talked_to_line_by_line():
    async def doing(transport):
        async with transport.talk(("sh", "-c", "while read -r word; do echo $word!; done"), timeout_s=20) as line:
            told = []
            for word in (b"one\n", b"two\n"):
                await line.write(word)
                told.append(await line.readline())
            return told

    assert use(doing) == [b"one!\n", b"two!\n"]


def test_a_program_that_is_left_by_an_error_is_killed():
    async def doing(transport):
        async with transport.talk(("sh", "-c", "echo $$; exec sleep 100"), timeout_s=20) as line:
            told.append(int(await line.readline()))
            raise KeyError

    told = []
    with pytest.raises(KeyError):
        use(doing)
    assert gone(told[0])


# ---- files


def test_files_and_trees_are_written_with_their_modes(tmp_path):
    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    (tree / "deep" / "run.sh").write_text("true")
    (tree / "deep" / "run.sh").chmod(0o750)
    (tree / "link").symlink_to("deep/run.sh")
    there = tmp_path / "there"
    use(lambda transport: transport.send({"code": tree, "a/b.txt": b"text"}, str(there), timeout_s=20))
    assert (there / "a" / "b.txt").read_bytes() == b"text"
    assert (there / "code" / "deep" / "run.sh").stat().st_mode & 0o777 == 0o750
    assert str((there / "code" / "link").readlink()) == "deep/run.sh"

    use(lambda transport: transport.send({"a/b.txt": b"new"}, str(there), timeout_s=20))
    assert (there / "a" / "b.txt").read_bytes() == b"new"
    back = tmp_path / "back"
    use(lambda transport: transport.fetch(["a", "code/link", "missing"], str(there), back, timeout_s=20))
    assert sorted(str(path.relative_to(back)) for path in back.rglob("*")) == ["a", "a/b.txt", "code", "code/link"]


def test_what_cannot_be_written_leaves_nothing_and_says_why(tmp_path):
    with pytest.raises(TransportError) as error:
        use(lambda transport: transport.send({"a": tmp_path / "missing"}, str(tmp_path / "new"), timeout_s=20))
    assert error.value.fault == "failed"
    assert "missing" in error.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_followed_from_an_offset_as_it_grows(tmp_path):
    log = tmp_path / "log"

    async def doing(transport):
        following = transport.follow(str(log), offset=2)
        first = asyncio.ensure_future(anext(following))
        await asyncio.sleep(0.1)
        log.write_bytes(b"abcd")
        seen = [await first]
        with log.open("ab") as file:
            file.write(b"ef")
        seen.append(await anext(following))
        await following.aclose()
        return seen

    assert use(doing) == [b"cd", b"ef"]


def test_without_waiting_following_ends_where_the_file_ends(tmp_path):
    async def doing(transport):
        async with contextlib.aclosing(transport.follow(str(tmp_path / "log"), wait=False)) as pieces:
            return b"".join([piece async for piece in pieces])

    assert use(doing) == b""
    (tmp_path / "log").write_bytes(b"x" * 3_000_000)
    assert len(use(doing)) == 3_000_000


# ---- one connection


@attrs.frozen(kw_only=True)
class CountedTunnel(LocalTunnel):
    """Notes who opens and closes; the first opening may fail."""

    notes: list = attrs.field(eq=False)
    broken: bool = False

    def transport(self):
        return CountedTransport(self)


class CountedTransport:
    def __init__(self, tunnel):
        self.tunnel = tunnel

    async def __aenter__(self):
        self.tunnel.notes.append("open")
        await asyncio.sleep(0.01)
        if self.tunnel.broken and len(self.tunnel.notes) == 1:
            raise TransportError("not yet", fault="refused")
        return self

    async def __aexit__(self, *error):
        self.tunnel.notes.append("close")


async def hold(tunnel):
    async with tunnel.connect() as transport:
        await asyncio.sleep(0.05)
        return transport


def test_tunnels_that_differ_in_the_folder_alone_share_one_connection():
    notes = []

    async def main():
        tunnels = [CountedTunnel(job_dir=folder, notes=notes) for folder in ("/a", "/b", "/c")]
        return await asyncio.gather(*map(hold, tunnels))

    assert len(set(asyncio.run(main()))) == 1
    assert notes == ["open", "close"]
    asyncio.run(main())
    assert notes == ["open", "close", "open", "close"]


def test_one_who_cannot_open_does_not_spoil_it_for_others():
    notes = []

    async def main():
        tunnel = CountedTunnel(job_dir="/a", notes=notes, broken=True)
        return await asyncio.gather(hold(tunnel), hold(tunnel), return_exceptions=True)

    first, second = asyncio.run(main())
    assert (first.fault, type(second)) == ("refused", CountedTransport)
    assert notes == ["open", "open", "close"]


def test_a_tunnel_that_reaches_nothing_says_what_is_missing():
    with pytest.raises(TypeError, match=r"override transport\(\)"):
        Tunnel(host="x", job_dir="/").transport()
