"""Which lines of a log `nrun logs` prints, and the moments that can be typed."""

from __future__ import annotations

import datetime
import re
import time

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nrun_command_experiment.moments import moment_of, typed_moment
from nrun_command_experiment.sources import LONGEST_LINE_BYTES, Lines


def printed(lines: Lines, *pieces: bytes) -> bytes:
    return b"".join([*(line for piece in pieces for line in lines.take(piece)), *lines.end()])


@given(st.lists(st.binary(max_size=20), max_size=20), st.data())
def test_in_whatever_pieces_a_log_comes_its_lines_are_the_same(lines, data):
    text = b"\n".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    wanted = re.compile(rb"[a-m]")
    assert printed(Lines(b"x| ", wanted, None), *pieces) == printed(Lines(b"x| ", wanted, None), text)
    whole = text.split(b"\n")[:-1] + ([last] if (last := text.split(b"\n")[-1]) else [])
    assert printed(Lines(b"x| ", None, None), *pieces) == b"".join(b"x| " + line + b"\n" for line in whole)


def test_a_line_without_an_end_takes_no_memory():
    lines = Lines(b"", re.compile(b"x"), None)
    written = sum(len(line) for _ in range(100) for line in lines.take(b"x" * LONGEST_LINE_BYTES))
    assert written >= 99 * LONGEST_LINE_BYTES


def test_lines_since_a_time_go_by_the_times_they_begin_with():
    text = b"""2026-01-02T10:00:00Z old
    its traceback
[2026-01-02 10:00:01,500+00:00] new
    its traceback
2026-01-02T09:00:00+00:00 of another process
"""
    lines = Lines(b"", None, datetime.datetime(2026, 1, 2, 10, 0, 1, tzinfo=datetime.UTC).timestamp())
    assert printed(lines, text).splitlines()[0].endswith(b"new")
    assert len(printed(lines, text).splitlines()) == 2
    assert lines.timed
    plain = Lines(b"", None, time.time())
    assert printed(plain, b"a\nb\n") == b"a\nb\n"
    assert not plain.timed


@given(st.binary(max_size=60))
def test_no_line_is_too_strange_for_having_its_time_looked_for(line):
    assert moment_of(line) is None or isinstance(moment_of(line), float)
    assert moment_of(b"2026-13-45 99:99:99 " + line) is None


@pytest.mark.parametrize(("text", "ago_s"), [("90s", 90), ("10m", 600), ("1.5h", 5400), ("2d", 172_800)])
def test_a_span_is_counted_from_now(text, ago_s):
    assert time.time() - typed_moment(text) == pytest.approx(ago_s, abs=60)


def test_a_clock_is_that_of_today_and_nonsense_is_refused():
    assert time.strftime("%H:%M", time.localtime(typed_moment("9:05"))) == "09:05"
    assert typed_moment("2026-01-02T10:00:00Z") == 1767348000.0
    for text in ("", "yesterday", "10", "10x", "25:00", "2026-13-01"):
        with pytest.raises(click.BadParameter):
            typed_moment(text)
