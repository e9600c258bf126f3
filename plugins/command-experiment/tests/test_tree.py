"""What `nrun status` shows of jobs in any state."""

from __future__ import annotations

import time

from nrun import ExperimentStatus, State
from nrun.record import JobStatus
from nrun_command_experiment.edges import Edge
from nrun_command_experiment.tree import DEEPEST, drawn, size, tree

NOW = time.mktime((2026, 1, 2, 12, 0, 0, 0, 0, -1))


def after(*names: str) -> list[Edge]:
    return [Edge(name, "succeeded", None, None) for name in names]


def shown(edges: dict, *jobs: JobStatus, warnings: tuple[str, ...] = ()) -> list[str]:
    status = ExperimentStatus(
        id="id", title="exp", state=State.RUNNING, created=None, jobs={job.name: job for job in jobs}, warnings=warnings
    )
    return tree(status, {job.name: [] for job in jobs} | edges, NOW).splitlines()


def names_of(edges: dict) -> list[str]:
    return [lines + name for lines, name in drawn(list(edges), edges)]


def test_jobs_stand_under_what_they_wait_for():
    edges = {"a": [], "b": after("a"), "c": after("a"), "d": after("b", "c"), "e": [], "f": after("e")}
    assert names_of(edges) == ["a", "├─ b", "└─ c", "   └─ d", "e", "└─ f"]


def test_a_long_chain_does_not_leave_the_screen_and_has_every_job():
    names = [str(number) for number in range(3000)]
    edges = {name: after(*names[max(0, number - 1) : number]) for number, name in enumerate(names)}
    lines = names_of(edges)
    assert [line.lstrip("└─ ") for line in lines] == names
    assert max(map(len, lines)) <= 3 * (DEEPEST + 1) + 4


def test_a_job_that_waits_says_for_what_and_under_which_condition():
    edges = {
        "b": [Edge("a", "failed", None, None), Edge("x", "succeeded", "mod:good", "2026")],
        "c": after("a", "done"),
    }
    done = JobStatus(name="done", state=State.SUCCEEDED)
    lines = shown(edges, JobStatus(name="a"), done, JobStatus(name="b"), JobStatus(name="c"))
    assert lines[0] == "exp  id  RUNNING  1/4"
    assert lines[3].endswith("if a failed, x of 2026 succeeded and mod:good; waits for a, x of 2026")
    assert lines[5].split(maxsplit=2) == ["└─", "c", "PENDING                   waits for a"]


def test_the_age_of_what_is_known_and_trouble_in_watching_stand_apart_from_the_state():
    job = JobStatus(
        name="a", state=State.RUNNING, attempt=1, started_at=NOW - 90, submitted_at=NOW - 100, observed_at=NOW - 3
    )
    job.control_errors = ("observe: no answer", "observe: no route")
    lines = shown({}, job)
    assert lines[2].split(maxsplit=4) == ["a", "RUNNING", "1", "1:30", "queued 10.0 s; seen 3.0 s ago"]
    assert lines[3].startswith("trouble in watching")
    assert lines[4] == "  a: observe: no route (2 times)"


def test_what_is_not_known_says_since_when():
    at = time.mktime((2026, 1, 2, 11, 3, 11, 0, 0, -1))
    job = JobStatus(name="a", state=State.UNKNOWN, attempt=1, since=at, observed_at=NOW, reason="it runs on far")
    (line,) = shown({}, job)[2:]
    assert "UNKNOWN since 2026-01-02 11:03:11" in line
    assert "it runs on far; seen 0.0 s ago" in line


def test_a_job_with_a_backend_a_pause_or_a_wish_says_so():
    queued = JobStatus(name="q", state=State.SUBMITTED, attempt=1, submitted_at=NOW - 5, reason="Priority")
    paused = JobStatus(name="p", attempt=1, not_before=NOW + 7, reason="attempt 1 failed: exit code 3")
    wanted = JobStatus(name="w", state=State.RUNNING, attempt=1, cancel_requested_by="ann", in_doubt=True)
    lines = shown({}, queued, paused, wanted)
    assert lines[2].endswith("Priority; queued for 5.0 s")
    assert lines[3].endswith("attempt 1 failed: exit code 3; next attempt in 7.0 s")
    assert lines[4].endswith("submitted, but the answer is not known; to be cancelled, says ann")


def test_what_an_attempt_used_is_told_and_nothing_can_leave_its_line():
    job = JobStatus(
        name="a\n\x1b[2J", state=State.FAILED, exit_code=3, cpu_s=12.34, peak_memory_bytes=1_234_000_000, attempt=1
    )
    lines = shown({}, job, warnings=("line\nbreak",))
    assert lines[2].endswith("exit code 3; cpu 12.3 s; peak 1.23 GB")
    assert lines[3] == "warning: line\\nbreak"
    assert all(line.isprintable() for line in lines)
    assert [size(999), size(12_345), size(5e15)] == ["999 B", "12.3 kB", "5e+03 TB"]
