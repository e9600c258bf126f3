"""Jobs that somebody else kills: not the user's error, and a budget of its own for trying again."""

from __future__ import annotations

import pytest

from nrun import Cause, LocalExecutor, Retries, Script
from nrun_executor_local import processes

KILLED = {
    "its program": "kill -KILL $$",
    "all of it": "kill -KILL $PPID $$",
    "one after the other": "kill -KILL $PPID\nsleep 0.5\nkill -KILL $$",
}


@pytest.fixture
def killed(experiment, tmp_path, monkeypatch):
    """Runs a job whose first attempt ends like this, and whose second would succeed. Gives its status."""
    monkeypatch.chdir(tmp_path)

    def run(how, **retries):
        exp = experiment()
        inline = f'[ "$NRUN_ATTEMPT" != 1 ] && exit 0\n{how}'
        exp.add(Script(inline=inline, entrypoint="sh"), LocalExecutor(retries=Retries(0, **retries)), "job")
        return exp.run(check=False).jobs["job"]

    return run


@pytest.mark.parametrize("how", KILLED.values(), ids=KILLED)
def test_a_kill_from_outside_is_the_systems_failure_and_has_its_budget(killed, how):
    job = killed(how, user_error=5)
    assert (job.state, job.cause, job.signal, job.attempt) == ("FAILED", Cause.INFRASTRUCTURE, "SIGKILL", 1)
    job = killed(how, infrastructure=1)
    assert (job.state, job.attempt, job.failures) == ("SUCCEEDED", 2, {Cause.INFRASTRUCTURE: 1})


def test_other_signals_are_the_programs_own(killed):
    job = killed("kill -SEGV $$", infrastructure=5)
    assert (job.state, job.cause, job.signal) == ("FAILED", Cause.USER_ERROR, "SIGSEGV")


def test_a_kill_for_want_of_memory_is_told_by_the_control_group(killed, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "CGROUPS", tmp_path)
    files = [tmp_path / "memory.events", tmp_path / "memory" / "memory.oom_control"]
    (tmp_path / "memory").mkdir()
    for file in files:
        file.write_text("low 0\noom 1\noom_kill 7\n")
    assert processes.out_of_memory_kills() == 7
    job = killed("kill -KILL $$", out_of_memory=1)
    assert (job.state, job.cause) == ("FAILED", Cause.INFRASTRUCTURE)
    more = "".join(f"sed -i s/oom_kill.*/oom_kill\\ 8/ {file}\n" for file in files)
    job = killed(f"{more}kill -KILL $$", out_of_memory=1)
    assert (job.state, job.failures) == ("SUCCEEDED", {Cause.OUT_OF_MEMORY: 1})


def test_where_the_system_does_not_tell_there_were_no_kills(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "CGROUPS", tmp_path)
    assert processes.out_of_memory_kills() == 0
    monkeypatch.setattr(processes, "PROC", tmp_path)
    assert processes.out_of_memory_kills() == 0
