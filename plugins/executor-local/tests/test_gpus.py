"""What samples of GPUs add up to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nrun_executor_local.gpus import Usage

SAMPLES = st.lists(st.tuples(st.integers(0, 2**40), st.none() | st.floats(0, 100)), max_size=20)


@given(SAMPLES)
def test_usage_has_the_most_memory_and_the_mean_of_what_was_told(samples):
    usage = Usage()
    for memory, utilization in samples:
        usage = usage.and_also(memory, utilization)
    told = [utilization for _, utilization in samples if utilization is not None]
    assert usage.peak_memory_bytes == max((memory for memory, _ in samples), default=0)
    assert usage.samples == len(told)
    assert usage.utilization == pytest.approx(sum(told) / len(told) if told else 0.0)
