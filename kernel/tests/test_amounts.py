"""Amounts as people write them: whatever is typed is understood as it is meant, or refused in words."""

from __future__ import annotations

import contextlib
import datetime
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nrun.amounts import parse_moment, parse_size, parse_span, size_text
from nrun.errors import UsageError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("3h", 10800), ("2d", 172800), ("1d12h", 129600), ("0.5m", 30)]
)
def test_a_span(text, seconds):
    assert parse_span(text) == seconds


@given(st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(sorted(UNITS))), min_size=1, max_size=4))
def test_a_span_is_the_sum_of_its_parts(parts):
    text = "".join(f"{number}{unit}" for number, unit in parts)
    assert parse_span(text) == sum(number * UNITS[unit] for number, unit in parts)


@given(st.text(max_size=12))
def test_any_text_is_an_amount_or_refused(text):
    for parse in (parse_span, parse_size, parse_moment):
        with contextlib.suppress(UsageError):
            assert math.isfinite(parse(text))


@pytest.mark.parametrize("text", ["", "2", "d", "-2d", "2 d", "2days", "1e9d", "²d", "inf"])
def test_what_is_no_span_is_refused(text):
    with pytest.raises(UsageError, match="no span of time"):
        parse_span(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("500", 500),
        ("50GB", 50 * 10**9),
        ("1.5 TiB", 3 * 2**39),
        ("2k", 2000),
        ("3mib", 3 * 2**20),
        ("7B", 7),
    ],
)
def test_a_size(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1", "5 iB", "5XB", "1e9", "inf"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError, match="no size"):
        parse_size(text)


@given(st.integers(0, 10**17))
def test_a_size_is_written_so_that_it_can_be_read(size):
    assert parse_size(size_text(size)) == pytest.approx(size, rel=0.06, abs=1)


@given(st.datetimes(datetime.datetime(1980, 1, 1), datetime.datetime(2100, 1, 1)))  # noqa: DTZ001 - local time is meant
def test_a_date_is_in_local_time(moment):
    assert parse_moment(moment.isoformat()) == moment.timestamp() == parse_moment(moment)


def test_a_moment_may_be_a_number_a_date_or_how_long_ago():
    assert parse_moment(12.5) == 12.5
    assert parse_moment("2d", now=1000.0) == 1000.0 - 172800
    assert abs(parse_moment("1h") - (time.time() - 3600)) < 60
    assert parse_moment("2026-01-02T03:04:05+00:00") == 1767323045
    assert parse_moment("2026-01-02") == time.mktime((2026, 1, 2, 0, 0, 0, 0, 0, -1))
