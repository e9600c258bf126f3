"""`nrun logs`, of jobs that wait, run, are tried again and have ended."""

from __future__ import annotations

import json
import time

import pytest

GROUP = """
    import nrun as run

    with run.Experiment("group") as exp:
        exp.add([run.Script(inline=f"echo rank {at}; echo bad {at} >&2") for at in range(3)], name="three")
        exp.add(run.Script(inline="echo 2001-01-01T00:00:00 old; echo alone"), name="one", dependencies=["three"])
        exp.add(run.Script(inline="true"), name="never", dependencies=[run.Dependency("one", "failed")])
        exp.run(check=False)
"""
RETRIED = """
    import nrun as run

    with run.Experiment("retried", executor=run.LocalExecutor(retries=2)) as exp:
        exp.add(run.Script(inline="until test -e go; do sleep 0.05; done"), name="before")
        until_seen = "until test -e seen-$NRUN_ATTEMPT; do sleep 0.05; done"
        exp.add(
            run.Script(inline=f"echo attempt $NRUN_ATTEMPT; {until_seen}; test $NRUN_ATTEMPT = 3"),
            name="job",
            dependencies=["before"],
        )
        exp.run()
"""


@pytest.fixture
def group(shell):
    shell.write("group.py", GROUP)
    shell.nrun("run", "group.py")
    return shell


def test_the_tasks_of_a_group_are_told_apart_or_asked_for_alone(group):
    lines = group.nrun("logs", "group", "three").stdout.splitlines()
    assert lines == [*(f"{at}| rank {at}" for at in range(3)), *(f"{at}| bad {at}" for at in range(3))]
    assert group.nrun("logs", "group", "three", "--rank", "1", "--stream", "out").stdout == "rank 1\n"
    refused = group.nrun("logs", "group", "three", "--rank", "3")
    assert (refused.returncode, "it has 3 tasks" in refused.stderr) == (2, True)
    assert group.nrun("logs", "group", "one", "--rank", "1").returncode == 2


def test_several_jobs_stand_behind_their_names_and_what_never_started_says_why(group):
    done = group.nrun("logs", "group", "--stream", "out")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        *(f"three[{at}]| rank {at}" for at in range(3)),
        "one     | 2001-01-01T00:00:00 old",
        "one     | alone",
    ]
    assert "note: job 'never' never started: it is SKIPPED: dependency 'one' succeeded" in done.stderr
    alone = group.nrun("logs", "group", "never")
    assert alone.returncode == 1
    assert "never started" in alone.stderr


def test_only_lines_that_are_wanted_are_printed(group):
    assert group.nrun("logs", "group", "three", "one", "--grep", "rank [02]|alo").stdout.count("\n") == 3
    assert group.nrun("logs", "group", "one", "--since", "10m").stdout == ""
    untimed = group.nrun("logs", "group", "three", "--rank", "0", "--since", "10m")
    assert untimed.stdout == "rank 0\nbad 0\n"
    assert group.nrun("logs", "group", "one", "--since", "23:59:59").stdout == ""
    assert group.nrun("logs", "group", "--grep", "(").returncode == 2
    assert group.nrun("logs", "group", "--since", "soon").returncode == 2


def test_json_has_every_stream_of_every_job(group):
    told = json.loads(group.nrun("logs", "group", "--json").stdout)
    assert [one["job"] for one in told] == ["three", "one", "never"]
    assert told[0]["err.2"] == "bad 2\n"
    three = json.loads(group.nrun("logs", "group", "three", "--json", "--grep", "rank [02]").stdout)
    assert [text for stream, text in three.items() if stream != "job"] == ["rank 0\n", "", "rank 2\n", "", "", ""]
    assert json.loads(group.nrun("logs", "group", "one", "--json", "--since", "10m").stdout)["out"] == ""


def test_a_followed_log_waits_for_the_start_and_goes_on_through_all_attempts(shell):
    shell.write("retried.py", RETRIED)
    shell.nrun("run", "--detach", "retried.py")
    following = shell.start("logs", "retried", "job", "--follow")
    third = shell.start("logs", "retried", "job", "--attempt", "3", "--follow", "--tail", "1")
    shell.write("go", "")
    for number in (1, 2, 3):
        assert following.stdout.readline() == f"attempt {number}\n"
        shell.write(f"seen-{number}", "")
    assert following.communicate(timeout=60) == ("", "")
    assert following.returncode == 0
    assert third.communicate(timeout=60) == ("attempt 3\n", "")
    assert shell.nrun("logs", "retried", "job").stdout == "attempt 3\n"
    assert shell.nrun("logs", "retried", "job", "--attempt", "1").stdout == "attempt 1\n"
    assert shell.nrun("logs", "retried", "job", "--attempt", "2", "--follow").stdout == "attempt 2\n"
    for words in ([], ["--follow"], ["--follow", "--tail", "1"]):
        missing = shell.nrun("logs", "retried", "job", "--attempt", "4", *words)
        assert (missing.returncode, "there have been 3" in missing.stderr) == (2, True), missing.stderr
        assert "Traceback" not in missing.stderr


def test_a_followed_log_can_begin_with_its_last_lines(shell):
    shell.write(
        "slow.py",
        """
        import nrun as run

        with run.Experiment("slow") as exp:
            wait = "until test -e go; do sleep 0.05; done"
            exp.add(run.Script(inline=f"echo 1; echo 2; echo 3; {wait}; echo 4"), name="s")
            exp.run()
        """,
    )
    shell.nrun("run", "--detach", "slow.py")
    until = time.monotonic() + 20
    while "3" not in shell.nrun("logs", "slow").stdout and time.monotonic() < until:
        time.sleep(0.05)
    following = shell.start("logs", "slow", "--follow", "--tail", "1")
    assert following.stdout.readline() == "3\n"
    shell.write("go", "")
    assert following.communicate(timeout=60)[0] == "4\n"


def test_a_job_that_has_not_started_says_for_what_it_waits(shell):
    shell.write(
        "waiting.py",
        """
        import nrun as run

        with run.Experiment("waiting") as exp:
            exp.add(run.Script(inline="exec sleep 60", entrypoint="sh"), name="first")
            exp.add(run.Script(inline="true"), name="second", dependencies=["first"])
            exp.run()
        """,
    )
    shell.nrun("run", "--detach", "waiting.py")
    done = shell.nrun("logs", "waiting", "second")
    assert done.returncode == 1
    assert "job 'second' has no log, for it never started: it is PENDING: it waits for first" in done.stderr
    assert shell.nrun("cancel", "waiting", USER="", LOGNAME="ada").returncode == 0
    assert "cancelled by ada (process " in shell.nrun("status", "waiting").stdout


def test_following_what_nobody_will_ever_start_ends_and_says_so(shell):
    shell.write(
        "pair.py",
        """
        import nrun as run

        with run.Experiment("pair") as exp:
            exp.add(run.Script(inline="sleep 1; exit 1"), name="first")
            exp.add(run.Script(inline="true"), name="second", dependencies=["first"])
            exp.run()
        """,
    )
    shell.nrun("run", "--detach", "pair.py")
    done = shell.nrun("logs", "pair", "second", "--follow")
    assert done.returncode == 1
    assert "it is SKIPPED: dependency 'first' failed" in done.stderr


def test_lines_and_changes_are_gone_through_with_and_without_an_event_loop(shell):
    shell.write(
        "iterate.py",
        """
        import asyncio, os, signal, threading
        import nrun as run

        def show(text):
            print(text)
            open("go", "w").close()

        async def main():
            async for line in exp.job("s").lines():
                print(f"async {line}")
            print([status.state.value async for status in exp.changes()])
            print(list(exp.job("s").lines("err")))  # as in a notebook

        exp = run.Experiment("iterate")
        wait = "until test -e go; do sleep 0.05; done"
        exp.add(run.Script(inline=f"echo ä; {wait}; printf 'b\\n\\nc'; echo d >&2"), name="s")
        exp.add(run.Script(inline="echo up; exec sleep 60", entrypoint="sh"), name="long")
        exp.run(detach=True)
        for line in exp.job("s").lines():
            show(line)
        try:
            for line in exp.job("long").lines():
                os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            print("interrupted")
        states = []
        for status in exp.changes():
            states.append(status.jobs["long"].state.value)
            exp.cancel("long")
        print(states[0], states[-1])
        asyncio.run(main())
        print(list(exp.job("s").lines(follow=False, attempt=1)), threading.active_count())
        """,
    )
    done = shell.python("iterate.py")
    assert done.stdout.splitlines() == [
        *("ä", "b", "", "c"),
        "interrupted",
        "RUNNING CANCELLED",
        *("async ä", "async b", "async ", "async c"),
        "['CANCELLED']",
        "['d']",
        "['ä', 'b', '', 'c'] 1",
    ], done.stderr
    assert "Traceback" not in done.stderr


def test_a_log_is_followed_from_a_byte_on_in_python(group):
    script = """
        import asyncio
        import nrun as run

        async def main():
            job = run.Experiment.from_id("group").job("one")
            async for chunk in job.follow("out", offset=24):
                print(chunk.offset, chunk.data.decode(), end="")

        asyncio.run(main())
    """
    group.write("read.py", script)
    assert group.python("read.py").stdout == "24 alone\n"
