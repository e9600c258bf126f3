from __future__ import annotations

import io

import pytest

from nrun.events import (
    CancelRequested,
    ControlError,
    Event,
    ExperimentEnded,
    ExperimentStarted,
    JobObserved,
    JobRefused,
    JobSkipped,
    JobSubmitted,
    JobSubmitting,
    Underway,
)
from nrun.model import Observation, State
from nrun_observer_rich.plain import PlainView
from nrun_observer_rich.progress import Progress

ID = "20260102-030405-000006-7a8b"


def started(jobs: int, title: str = "hello") -> ExperimentStarted:
    return ExperimentStarted(at=1000.0, title=title, jobs=jobs, pid=1, host="here")


def attempt(at: float, job: str, number: int = 1) -> list[Event]:
    return [
        JobSubmitting(at=at, job=job, attempt=number),
        JobSubmitted(at=at, job=job, attempt=number, handle={}, state=State.RUNNING),
    ]


def end(at: float, job: str, number: int = 1, *, exit_code: int = 0, reason: str | None = None) -> Event:
    seen = Observation(
        state=State.FAILED if exit_code else State.SUCCEEDED,
        source="test",
        observed_at=at,
        started_at=1000.0,
        ended_at=at,
        exit_code=exit_code,
        reason=reason,
    )
    return JobObserved(at=at, job=job, attempt=number, observation=seen)


def written(start: ExperimentStarted, *events: Event) -> list[str]:
    stream = io.StringIO()
    view = PlainView(Progress.of(start, ID), stream)
    for event in (start, *events):
        view.take(event)
    view.close()
    assert stream.getvalue().endswith("\n")
    return stream.getvalue().removesuffix("\n").split("\n")


def test_each_job_has_a_line_when_it_ends_or_is_tried_again() -> None:
    lines = written(
        started(5),
        *attempt(1000.0, "prepare"),
        *attempt(1000.0, "train"),
        end(1001.5, "prepare"),
        end(1003.0, "train", exit_code=3),
        *attempt(1003.0, "train", 2),
        end(1065.0, "train", 2, exit_code=1, reason="out of memory"),
        JobSkipped(at=1065.0, job="evaluate", reason="dependency 'train' failed"),
        JobSubmitting(at=1065.0, job="report", attempt=1),
        JobRefused(at=1065.0, job="report", attempt=1, reason="no such partition"),
        CancelRequested(at=1065.0, job="clean", by="somebody"),
        JobSkipped(at=1065.0, job="clean", reason="cancelled by somebody"),
        ExperimentEnded(at=1066.0, state=State.FAILED),
    )
    assert lines == [
        f"hello: 5 jobs, experiment {ID}",
        "hello: prepare  SUCCEEDED  1.5 s",
        "hello: train  FAILED  3.0 s  exit code 3",
        "hello: train  attempt 2",
        "hello: train  FAILED  1:02  exit code 1, out of memory",
        "hello: evaluate  SKIPPED  dependency 'train' failed",
        "hello: report  FAILED  not submitted: no such partition",
        "hello: clean  CANCELLED  cancelled by somebody",
        "hello: FAILED  1:06  1 succeeded, 2 failed, 1 cancelled, 1 skipped",
    ]


def test_trouble_in_watching_is_told_and_ends_no_job() -> None:
    lines = written(
        started(1),
        *attempt(1000.0, "train"),
        ControlError(at=1001.0, action="observe", message="no answer", jobs=("train",)),
        ExperimentEnded(at=1002.0, state=State.RUNNING),
    )
    assert lines[1:] == ["hello: could not observe: no answer", "hello: RUNNING  2.0 s  1 running"]


def test_a_large_experiment_is_shown_as_counts_now_and_then() -> None:
    events: list[Event] = []
    for number in range(300):
        at = 1000.0 + number / 10
        events += [*attempt(at, f"job-{number}"), end(at, f"job-{number}", exit_code=number % 2)]
    lines = written(started(400), *events, ExperimentEnded(at=1030.0, state=State.FAILED))
    assert lines == [
        f"hello: 400 jobs, experiment {ID}",
        "hello: 100 of 400 ended  299 pending, 1 running, 50 succeeded, 50 failed",
        "hello: 200 of 400 ended  199 pending, 1 running, 100 succeeded, 100 failed",
        "hello: FAILED  30.0 s  100 pending, 150 succeeded, 150 failed",
    ]


@pytest.mark.parametrize("hostile", ["a\nb: OK", "\x1b[2J\x1b]0;title\x07", "a\rb", "\u202eevil", "tab\t\x9b31m"])
def test_names_and_reasons_cannot_begin_lines_or_steer_the_terminal(hostile: str) -> None:
    lines = written(
        started(1, hostile),
        *attempt(1000.0, hostile),
        end(1001.0, hostile, exit_code=1, reason=hostile),
        ControlError(at=1001.0, action="observe", message=hostile),
        ExperimentEnded(at=1002.0, state=State.FAILED),
    )
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)


def test_what_takes_long_is_told_now_and_then() -> None:
    def at(second: int, action: str = "send code to slurm", total: int = 200_000_000) -> Event:
        return Underway(at=1000.0 + second, action=action, done=second * 10_000_000, total=total)

    lines = written(started(1), *map(at, range(2, 16)), at(3, "pack code", 0))
    assert lines[1:] == [
        "hello: send code to slurm: 20.0 MB of 200.0 MB",
        "hello: send code to slurm: 120.0 MB of 200.0 MB",
        "hello: pack code: 30.0 MB",
    ]
