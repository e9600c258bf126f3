"""Answers are read whatever they are, and only positive evidence ends a job."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nrun import Cause, State
from nrun.model import Tag
from nrun_executor_slurm import answers, truth
from nrun_executor_slurm.answers import Listed, Marked
from nrun_executor_slurm.names import comment_of, escaped, folder_of

GARBAGE = st.text() | st.lists(
    st.sampled_from(["queue\t", "at|", "exit\t", "time\t", "now\t", "sacct\t", "scontrol\t", "12_3", "|", "\t", "\n"])
    | st.sampled_from(
        ["COMPLETED", "1e999", "nan", "-1", "{", '{"exit_code":', "a/exit.json", "JobState=", "n[1-", "3:0"]
    )
    | st.text(max_size=5)
).map("".join)


@given(GARBAGE)
@example("queue\t1|RUNNING|nan|n[1-999999999999]|None|\nqueue\tat|inf\ntime\ta/out.log\t-5 1")
@example("exit\ta\t" + "[" * 100_000)
def test_no_answer_is_too_odd_to_be_read(text):
    seen = answers.looked(text)
    answers.asked(text)
    answers.gone(text)
    for said in answers.submitted(text).values():
        assert said.job is None or said.job.replace("_", "").isdigit()
    for listed in (seen.queue or {}).values():
        for marked in (None, *seen.folders.values()):
            truth.observed(marked, listed, at=1.0, source="squeue")


@given(st.text(min_size=1, max_size=50), st.text(min_size=1, max_size=50))
def test_two_names_never_share_a_folder(one, other):
    one, other = (text.encode("utf-8", "replace").decode() for text in (one, other))
    assert (escaped(one) == escaped(other)) == (one == other)
    assert escaped(one).isascii()
    assert not set(escaped(one)) & set("/ \n'\"$\\%|")


def test_long_names_fit_a_file_system():
    tag = Tag("20260101-000000-000000-abcd", "北" * 66, 1)
    assert max(map(len, folder_of(tag).split("/"))) < 255
    assert comment_of(tag).startswith("nrun:20260101")


def test_the_queue_is_read():
    seen = answers.looked(
        "now\t100.5\nqueue\t7_2|PENDING|2000|(null)|Priority|nrun:a/b/1 mine\n"
        "queue\t8|RUNNING|90|gpu[01-02,7],x|None|\n"
        'queue\tat|99.0\nexit\tf\t{"exit_code":3,"stop":"TERM"}\ntime\tf/exit.json\t99.5 64\ntime\tf/out.log\t98 5\n'
    )
    assert seen.queue is not None
    assert seen.queue["7_2"] == Listed(state="PENDING", reason="Priority", started_at=2000, comment="nrun:a/b/1 mine")
    assert seen.queue["8"].nodes == ("gpu01", "gpu02", "gpu7", "x")
    assert seen.folders == {"f": Marked(exit_code=3, stop="TERM", ended_at=99.5, last_output_at=98)}


def test_half_an_answer_is_none():
    assert answers.looked("queue\t8|RUNNING|90|n1|None|\n").queue is None
    assert answers.looked("").queue is None


CLEAN = Marked(exit_code=3, ended_at=50)
STOPPED = Marked(exit_code=143, stop="TERM", ended_at=50)


def state(marked, listed, **told):
    seen = truth.observed(marked, listed, at=60.0, source="squeue", **told)
    return seen.state, seen.cause, seen.exit_code


@pytest.mark.parametrize(
    ("marked", "listed", "expected"),
    [
        (CLEAN, Listed(state="RUNNING", started_at=40), (State.FAILED, None, 3)),
        (CLEAN, Listed(state="RUNNING", started_at=55), (State.RUNNING, None, None)),  # of a run before it
        (STOPPED, Listed(state="COMPLETING", started_at=40), (State.RUNNING, None, None)),  # it may be requeued
        (STOPPED, Listed(state="PENDING"), (State.SUBMITTED, None, None)),
        (CLEAN, Listed(state="REQUEUED"), (State.SUBMITTED, None, None)),
        (STOPPED, Listed(state="TIMEOUT", started_at=40), (State.FAILED, Cause.TIMEOUT, None)),
        (STOPPED, Listed(state="PREEMPTED", started_at=40), (State.FAILED, Cause.PREEMPTED, None)),
        (None, Listed(state="NODE_FAIL"), (State.FAILED, Cause.NODE_FAILURE, None)),
        (None, Listed(state="OUT_OF_MEMORY"), (State.FAILED, Cause.OUT_OF_MEMORY, None)),
        (None, Listed(state="CANCELLED", by="0"), (State.CANCELLED, None, None)),
        (None, Listed(state="COMPLETED"), (State.SUCCEEDED, None, 0)),
        (None, Listed(state="FAILED", exit_code=1), (State.FAILED, Cause.INFRASTRUCTURE, 1)),
        (CLEAN, Listed(state="FAILED", exit_code=1), (State.FAILED, None, 3)),
        (None, Listed(state="A_NEW_STATE"), (State.UNKNOWN, None, None)),
        (None, None, (State.UNKNOWN, None, None)),
        (CLEAN, None, (State.FAILED, None, 3)),
        (STOPPED, None, (State.FAILED, None, None)),
    ],
)
def test_what_is_true_of_a_job(marked, listed, expected):
    assert state(marked, listed) == expected


def test_while_nobody_answers_only_a_clean_marker_counts():
    assert state(CLEAN, None, down="no controller") == (State.FAILED, None, 3)
    assert state(STOPPED, None, down="no controller")[0] is State.UNKNOWN
    assert truth.observed(None, None, at=1, source="squeue", down="no controller").reason == "no controller"


def test_elements_of_arrays_are_told_apart():
    told = answers.asked(
        "sacct\t7_[0-1,3%2]|CANCELLED by 0|0:0|Unknown|90|None assigned\nsacct\t7_2|COMPLETED|0:0|80|90|n1\n"
        "scontrol\t8\tJobId=9 ArrayJobId=8 ArrayTaskId=4 JobState=RUNNING Reason=None ExitCode=0:0\n"
    )
    assert {job: listed.state for job, listed in told.items()} == {
        **dict.fromkeys(("7_0", "7_1", "7_3"), "CANCELLED"),
        "7_2": "COMPLETED",
        "8_4": "RUNNING",
    }
    assert answers.gone("scontrol\t8\tslurm_load_jobs error: Invalid job id specified\n") == {"8"}
