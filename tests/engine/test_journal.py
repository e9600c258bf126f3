"""What a crash or a damaged disk does to a journal: as little as can be."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrun import State
from nrun.events import (
    CancelRequested,
    CodePacked,
    ControlError,
    ExperimentEnded,
    ExperimentStarted,
    JobObserved,
    JobRefused,
    JobRerun,
    JobRetrying,
    JobSkipped,
    JobSubmitted,
    JobSubmitting,
    LimitReached,
)
from nrun.model import Cause, Observation
from nrun.record import JobStatus, Journal, fold_all, read_journal

texts = st.text(st.characters(codec="utf-8"), max_size=20)
times = st.floats(min_value=0, max_value=2e9)
jobs = st.fixed_dictionaries({"at": times, "job": texts, "attempt": st.integers(1, 9)})
observations = st.builds(
    Observation,
    state=st.sampled_from(State),
    source=texts,
    observed_at=times,
    exit_code=st.none() | st.integers(0, 255),
    signal=st.none() | texts,
    reason=st.none() | texts,
    nodes=st.lists(texts, max_size=2).map(tuple),
    started_at=st.none() | times,
    cause=st.none() | st.sampled_from(Cause),
    last_output_at=st.none() | times,
    cpu_s=st.none() | times,
    peak_memory_bytes=st.none() | st.integers(0, 2**50),
    peak_gpu_memory_bytes=st.none() | st.integers(0, 2**50),
    gpu_utilization=st.none() | st.floats(0, 100),
    ended_at=st.none() | times,
)
handles = st.dictionaries(texts, st.none() | st.integers() | texts | st.lists(texts, max_size=2), max_size=3)
events = st.one_of(
    st.builds(
        ExperimentStarted, at=times, title=texts, jobs=st.integers(1, 10**6), pid=st.integers(1, 2**22), host=texts
    ),
    st.builds(lambda job, executor: JobSubmitting(**job, executor=executor), jobs, st.integers(0, 9)),
    st.builds(
        lambda job, handle, state: JobSubmitted(**job, handle=handle, state=state),
        jobs,
        handles,
        st.sampled_from(State),
    ),
    st.builds(lambda job, reason: JobRefused(**job, reason=reason), jobs, texts),
    st.builds(lambda job, seen: JobObserved(**job, observation=seen), jobs, observations),
    st.builds(JobSkipped, at=times, job=texts, reason=texts),
    st.builds(CancelRequested, at=times, job=texts, by=texts),
    st.builds(lambda job, reason: LimitReached(**job, reason=reason), jobs, texts),
    st.builds(JobRetrying, at=times, job=texts, executor=st.integers(0, 9), not_before=times, reason=texts),
    st.builds(JobRerun, at=times, job=texts, by=texts),
    st.builds(CodePacked, at=times, executor=st.integers(0, 9), bundle=texts),
    st.builds(ControlError, at=times, action=texts, message=texts, jobs=st.lists(texts, max_size=2).map(tuple)),
    st.builds(ExperimentEnded, at=times, state=st.sampled_from(State)),
)
histories = st.lists(events, min_size=1, max_size=8)


@pytest.fixture(scope="session")
def written():
    """Writes events to a journal in a folder of its own and gives its path."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "journal.jsonl")

        def write(history):
            path.unlink(missing_ok=True)
            with Journal(path) as journal:
                for event in history:
                    journal.append([event])
            return path

        yield write


@given(history=histories)
@settings(deadline=None)
def test_what_was_written_is_read(written, history):
    reading = read_journal(written(history))
    assert reading.events == history
    assert reading.damaged == ()


@given(history=histories)
@settings(deadline=None, max_examples=25)
def test_a_journal_cut_short_anywhere_in_its_last_line_loses_only_that_line(written, history):
    path = written(history)
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1 if len(history) > 1 else 0
    for end in range(last, len(whole)):
        path.write_bytes(whole[:end])
        reading = read_journal(path)
        assert (reading.events, reading.damaged, reading.end) == (history[:-1], (), last)


@given(history=histories, last=events, cut=st.integers(1, 200))
@settings(deadline=None)
def test_whoever_writes_after_a_crash_loses_nothing_of_its_own(written, history, last, cut):
    path = written(history)
    whole = path.read_bytes()
    line = whole.rindex(b"\n", 0, -1) + 1 if len(history) > 1 else 0
    path.write_bytes(whole[: max(line + 1, len(whole) - cut)])
    with Journal(path) as journal:
        journal.append([last])
    reading = read_journal(path)
    assert (reading.events, reading.damaged) == ([*history[:-1], last], ())


@given(history=histories, data=st.data())
@settings(deadline=None)
def test_a_damaged_line_is_reported_by_its_place_and_the_rest_is_read(written, history, data):
    path = written(history)
    lines = path.read_bytes().splitlines(keepends=True)
    index = data.draw(st.integers(0, len(lines) - 1), label="line")
    damage = st.sampled_from(
        [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"kind":"observed"}', b'{"at":1}']
    )
    lines[index] = data.draw(damage, label="damage") + b"\n"
    path.write_bytes(b"".join(lines))
    reading = read_journal(path)
    assert reading.events == history[:index] + history[index + 1 :]
    assert reading.damaged == ((sum(map(len, lines[:index])),) if lines[index] != b"\n" else ())


@given(history=histories, line=st.binary(max_size=60).filter(lambda line: b"\n" not in line))
@settings(deadline=None)
def test_no_line_whatever_it_holds_stops_the_reading(written, history, line):
    path = written(history)
    path.write_bytes(line + b"\n" + path.read_bytes())
    assert read_journal(path).events[-len(history) :] == history


def test_a_damaged_record_is_told_and_the_rest_of_it_shown(experiment, memory, nothing):
    exp = experiment()
    exp.add(nothing, memory(), "one")
    exp.add(nothing, memory(), "two")
    exp.run()
    path = exp.path / "journal.jsonl"
    path.write_bytes(b"garbage\n" + path.read_bytes())
    status = experiment.known(exp.id).status()
    assert status.state is State.SUCCEEDED
    assert [note for note in status.warnings if "1 line is damaged" in note and str(path) in note]


def test_no_job_began_before_it_was_submitted_whatever_the_clock_of_its_host_says():
    tag = {"job": "a", "attempt": 1}
    seen = Observation(state=State.RUNNING, source="queue", observed_at=120.0, started_at=40.0)
    statuses = {"a": JobStatus(name="a")}
    fold_all(
        statuses, [JobSubmitting(at=100.0, executor=0, **tag), JobObserved(at=121.0, observation=seen, **tag)], "e"
    )
    assert statuses["a"].started_at == 100.0
