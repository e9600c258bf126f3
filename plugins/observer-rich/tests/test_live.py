from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from nrun.events import (
    ControlError,
    Event,
    ExperimentEnded,
    ExperimentStarted,
    JobObserved,
    JobSubmitted,
    JobSubmitting,
    Underway,
)
from nrun.model import Observation, State
from nrun_observer_rich.lastline import last_line
from nrun_observer_rich.live import MOST_FAILED_ROWS, MOST_RUNNING_ROWS, LiveView, picture
from nrun_observer_rich.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

ID = "20260102-030405-000006-7a8b"


def progress(jobs: int, title: str = "hello") -> Progress:
    return Progress.of(ExperimentStarted(at=1000.0, title=title, jobs=jobs, pid=1, host="here"), ID)


def begin(job: str, number: int = 1) -> list[Event]:
    return [
        JobSubmitting(at=1000.0, job=job, attempt=number),
        JobSubmitted(at=1000.0, job=job, attempt=number, handle={}, state=State.RUNNING),
    ]


def fail(job: str, reason: str | None = None) -> Event:
    seen = Observation(
        state=State.FAILED,
        source="test",
        observed_at=1002.0,
        started_at=1000.0,
        ended_at=1002.0,
        exit_code=3,
        reason=reason,
    )
    return JobObserved(at=1002.0, job=job, attempt=1, observation=seen)


def drawn(shown: Progress, *events: Event, trouble: str = "", width: int = 60, **lines: str) -> list[str]:
    for event in events:
        shown.take(event)
    console = Console(file=io.StringIO(), record=True, width=width, legacy_windows=False)
    console.print(picture(shown, trouble, 1004.0, lines))
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_the_picture_has_counts_a_bar_what_runs_and_what_failed() -> None:
    lines = drawn(progress(4), *begin("bad"), *begin("good"), fail("bad", "out of memory"), *begin("tired", 2))
    assert lines == [
        f"hello  {ID}  RUNNING  4.0 s",
        "━" * 10 + " " * 32 + "1/4",
        "1 pending, 2 running, 1 failed",
        "good   RUNNING             4.0 s",
        "tired  RUNNING  attempt 2  4.0 s",
        "bad    FAILED              2.0 s  exit code 3, out of memory",
    ]


def test_the_final_picture_shows_how_it_ended_and_how_long_it_took() -> None:
    lines = drawn(progress(1), *begin("bad"), fail("bad"), ExperimentEnded(at=1002.0, state=State.FAILED))
    assert lines[0] == f"hello  {ID}  FAILED  2.0 s"
    assert lines[2] == "1 failed"


def test_a_job_that_is_tried_again_is_no_longer_among_the_failed() -> None:
    lines = drawn(progress(1), *begin("job"), fail("job"), *begin("job", 2))
    assert lines[2:] == ["1 running", "job  RUNNING  attempt 2  4.0 s"]


def test_the_picture_of_many_jobs_is_no_taller_than_that_of_some() -> None:
    events: list[Event] = []
    for number in range(1000):
        events += begin(f"run-{number}") + begin(f"bad-{number}") + [fail(f"bad-{number}")]
    lines = drawn(progress(5000), *events)
    assert len(lines) == 3 + MOST_RUNNING_ROWS + MOST_FAILED_ROWS + 2
    assert lines[3].startswith("run-0 ")
    assert lines[-3].startswith("bad-999 ")
    assert lines[-2:] == ["and 992 more running", "and 995 more failed"]


@pytest.mark.parametrize("hostile", ["[red]x[/red]", "a\nb", "\x1b[2J\x1b[?25l", "\u202eevil", ":boom:", "日本" * 60])
def test_names_reasons_and_messages_stay_text_on_their_line(hostile: str) -> None:
    plain = drawn(progress(2, "title"), *begin("a"), *begin("b"), fail("b", "why"), trouble="trouble")
    lines = drawn(progress(2, hostile), *begin(hostile), *begin("b"), fail("b", hostile), trouble=hostile)
    assert len(lines) == len(plain)
    assert all(line.isprintable() for line in lines)
    assert lines[0].startswith(
        hostile.encode("unicode_escape").decode()[:4] if not hostile.isprintable() else hostile[:4]
    )


def test_a_running_job_shows_its_last_line_as_far_as_there_is_room() -> None:
    lines = drawn(progress(2), *begin("a"), *begin("b"), a="\x1b[2Jstep 7", b="loss " * 30)
    assert lines[-2] == "a  RUNNING    4.0 s  \\x1b[2Jstep 7"
    assert lines[-1].startswith("b  RUNNING    4.0 s  loss loss")
    assert len(lines[-1]) == 60


def test_the_last_line_is_what_was_written_last_and_what_a_bar_shows_now(tmp_path: Path) -> None:
    assert last_line(tmp_path / "never") == ""
    (tmp_path / "task-1").mkdir()
    for number, (name, text) in enumerate([("out.log", "old\n"), ("task-1/err.log", "x" * 9000 + "\n10%\r 90%\r\n\n")]):
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (number, number))
    assert last_line(tmp_path) == "90%"


def test_no_piece_of_a_secret_is_in_the_last_line(tmp_path: Path) -> None:
    hidden, log = ("canary-of-a-value", "canary"), tmp_path / "out.log"
    for written, shown in {
        "token canary-of-a-value!\n": "token ***!",
        "token canary-of-a": "token",
        "canary-of-a-value" + "x" * 4090: "x" * (4096 - 17),
        "a line\n" * 1000: "a line",
    }.items():
        log.write_text(written)
        assert last_line(tmp_path, hidden) == shown


def test_who_takes_over_shows_what_happened_before() -> None:
    start = ExperimentStarted(at=1003.0, title="hello", jobs=2, pid=2, host="here")
    before = [
        ExperimentStarted(at=1000.0, title="hello", jobs=2, pid=1, host="here"),
        *begin("bad"),
        fail("bad"),
        ExperimentEnded(at=1002.0, state=State.RUNNING),
    ]
    lines = drawn(Progress.of(start, ID, before))
    assert lines[0] == f"hello  {ID}  RUNNING  4.0 s"
    assert lines[2] == "1 pending, 1 failed"


def test_the_live_view_leaves_the_final_picture_and_the_cursor(tmp_path: Path) -> None:
    screen = io.StringIO()
    closed: list[bool] = []
    stderr = sys.stderr
    view = LiveView(
        progress(1),
        Console(file=screen, force_terminal=True, width=60, color_system=None),
        tmp_path,
        on_close=lambda: closed.append(True),
    )
    for event in (*begin("bad"), ControlError(at=1001.0, action="observe", message="no answer"), fail("bad")):
        view.take(event)
    view.take(ExperimentEnded(at=1002.0, state=State.FAILED))
    view.close()
    final = screen.getvalue().rpartition("hello")[2]
    assert "FAILED" in final
    assert "bad  FAILED" in final
    assert "could not observe: no answer" in final
    assert screen.getvalue().rfind("\x1b[?25h") > screen.getvalue().rfind("\x1b[?25l")
    assert closed == [True]
    assert sys.stderr is stderr


def test_what_takes_long_is_shown_while_it_is_heard_of() -> None:
    console = Console(file=io.StringIO(), record=True, width=60)
    underway = [
        Underway(at=1003.0, action="pack\x1b code", done=30_000_000, total=0),
        Underway(at=1000.0, action="send code to slurm", done=1, total=2),
    ]
    console.print(picture(progress(1), "", 1004.0, {}, underway))
    text = console.export_text()
    assert "pack\\x1b code: 30.0 MB" in text
    assert "slurm" not in text
