"""Any arguments reach the command, through whatever shell a user has there, and its output is told from all other."""

from __future__ import annotations

import asyncio
import io
import shutil
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrun import UsageError
from nrun_transport_ssh.line import Line, Marked, quoted

SHELLS = [shell for shell in ("sh", "bash", "dash", "zsh", "fish", "tcsh", "csh") if shutil.which(shell)]
ECHO = "import sys, os; sys.stdout.buffer.write(os.fsencode(chr(0).join(sys.argv[1:])))"
AWKWARD = "'\"\\!$`*?~#&;|<>(){}[]\n\t\r ^%=-é☃\x01\x7f"
words = st.lists(st.text(st.one_of(st.sampled_from(AWKWARD), st.characters(exclude_characters="\0", codec="utf-8"))))


def output(line, run, pieces=None):
    """What is told of a command whose line is run by `run`, which gives bytes."""
    stream = io.BytesIO(run)

    async def read(most):
        return stream.read(min(most, pieces or most))

    marked = Marked(line.token, read)
    return asyncio.run(marked.all()), marked


def in_shell(shell, line):
    return subprocess.run(
        [shell, "-c", line.text], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False
    )


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=40, deadline=None)
@given(words)
def test_arguments_arrive_as_they_are(shell, arguments):
    line = Line([sys.executable, "-c", ECHO, *arguments])
    done = in_shell(shell, line)
    told, marked = output(line, done.stdout)
    assert (told, marked.code, done.returncode) == ("\0".join(arguments).encode(), 0, 0), done.stderr


def test_bytes_that_are_no_text_arrive_too():
    line = Line([sys.executable, "-c", ECHO, "\udcff\udc80"])
    assert output(line, in_shell("sh", line).stdout)[0] == b"\xff\x80"


@settings(max_examples=200)
@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=300), st.integers(1, 90))
def test_output_is_what_stands_between_the_marks_however_it_is_cut(before, said, after, pieces):
    line = Line(["x"])
    mark = line.token.encode()
    told, marked = output(line, before + mark + b"+17\n" + said + mark + b"-3\n" + after, pieces)
    assert (told, marked.pid, marked.code, marked.noise) == (said, 17, 3, before)


def test_a_stream_that_breaks_gives_what_there_was_and_no_end():
    line = Line(["x"])
    told, marked = output(line, line.token.encode() + b"+17\nhalf")
    assert (told, marked.code) == (b"half", None)


def test_a_command_that_prepares_fails_before_the_command():
    line = Line(["echo", "ran"], "echo prepared; false")
    done = in_shell("sh", line)
    assert (done.stdout, done.stderr, done.returncode) == (b"", b"prepared\n", 1)
    line = Line(["echo", "ran"], "echo prepared")
    assert output(line, in_shell("sh", line).stdout)[0] == b"ran\n"


def test_what_no_process_can_be_given_is_refused():
    with pytest.raises(UsageError):
        Line(["a\0b"])
    with pytest.raises(UsageError, match="characters of arguments"):
        Line(["echo", "x" * 200_000])


def test_quoting_leaves_nothing_awkward_within_quotes():
    assert quoted("a'b\\c!d") == "'a'\\''b'\\\\'c'\\!'d'"
