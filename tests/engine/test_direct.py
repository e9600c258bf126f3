"""Jobs that run in the launching process."""

from __future__ import annotations

import asyncio
import json
import os

import pytest

from nrun import Config, JobsFailed, LocalExecutor, Partial, PlanError, Script, State

SEEN: list[object] = []


def remembers(value: int) -> int:
    SEEN.append((os.getpid(), value, os.environ["NRUN_JOB_NAME"]))
    print("remembered", value)
    return value + 1


def has_a_loop_of_its_own() -> str:
    async def work() -> str:
        return "awaited"

    return asyncio.run(work())


def fails() -> None:
    msg = "on purpose"
    raise ValueError(msg)


def test_direct_jobs_run_in_this_process_and_are_recorded_like_any(experiment, capsys):
    SEEN.clear()
    exp = experiment()
    first = exp.add(Partial(remembers, 41), name="first")
    exp.add(Script(inline="echo from a script", entrypoint="sh"), name="script", dependencies=[first])
    exp.add(has_a_loop_of_its_own, name="loop")
    exp.add(Partial(os.getenv, "TEAM"), LocalExecutor(env_vars={"TEAM": "speech"}), name="env")
    exp.run(direct=True)
    assert [(os.getpid(), 41, "first")] == SEEN
    assert "NRUN_JOB_NAME" not in os.environ
    known = experiment.known(exp.id)
    assert known.jobs["env"].result() == "speech"
    assert (known.jobs["first"].result(), known.jobs["loop"].result()) == (42, "awaited")
    assert (known.logs("first"), known.logs("script")) == ("remembered 41\n", "from a script\n")
    out = capsys.readouterr().out
    assert "remembered 41\n" in out
    assert "from a script\n" in out


def test_what_a_direct_job_raises_is_its_end_and_the_others_follow_from_it(experiment):
    exp = experiment()
    exp.add(fails, name="bad")
    exp.add(fails, name="after", dependencies=["bad"])
    with pytest.raises(JobsFailed, match="ValueError: on purpose"):
        exp.run(direct=True)
    assert [job.state for job in exp.status().jobs.values()] == [State.FAILED, State.SKIPPED]


def test_a_group_cannot_run_in_one_process(experiment):
    exp = experiment()
    exp.add([fails, fails], name="group")
    with pytest.raises(PlanError, match="direct refuses: the tasks of a group run side by side"):
        exp.run(direct=True)


def test_an_experiment_can_be_reset_here_or_from_its_record(experiment):
    exp = experiment()
    exp.add(Script(inline="echo again", entrypoint="sh"), name="script")
    exp.add(Partial(json.loads, '"again"'), name="function", dependencies=["script"])
    exp.run()
    for again in (exp.reset(), experiment.known(exp.id).reset()):
        again.run()
        assert again.id != exp.id
        assert again.jobs["function"].result() == "again"
        assert again.logs("script") == "again\n"


def test_a_dryrun_prints_the_plan_and_writes_nothing(experiment, capsys, tmp_path):
    exp = experiment()
    exp.add(Script(inline="echo hi", entrypoint="sh"), name="script")
    exp.dryrun()
    assert "==> script/launch.sh <==" in capsys.readouterr().out
    assert not (tmp_path / "home").exists()


def _described(inner: dict[str, int] = Config(dict, a=1)) -> dict[str, int]:  # noqa: B008 - built anew
    return inner


def test_a_default_that_describes_something_is_built(experiment):
    exp = experiment()
    job = exp.add(_described, LocalExecutor(), name="work")
    exp.run(direct=True)
    assert experiment.known(exp.id).jobs[job].result() == {"a": 1}
