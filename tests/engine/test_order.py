"""Which jobs run, when, and how often."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nrun import JobsFailed, LocalExecutor, Partial, PlanError, Plugin, Script, State, autoconvert
from nrun_testing.memory import MemoryExecutor

SUCCEEDED, FAILED, SKIPPED = State.SUCCEEDED, State.FAILED, State.SKIPPED


def states(status):
    return {name: job.state for name, job in status.jobs.items()}


def test_a_job_starts_when_all_it_depends_on_has_succeeded(experiment, memory, nothing, happened):
    exp = experiment()
    top = exp.add(nothing, memory(runs_for_s=0.05), "top")
    left = exp.add(nothing, memory(runs_for_s=0.1), "left", dependencies=[top])
    right = exp.add(nothing, memory(runs_for_s=0.05), "right", dependencies=[top])
    exp.add(nothing, memory(), "bottom", dependencies=[left, right])
    exp.run()
    order = happened(exp)
    for before, after in [("top", "left"), ("top", "right"), ("left", "bottom"), ("right", "bottom")]:
        assert order.index(("SUCCEEDED", before)) < order.index(("submitting", after))


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_job_ends_as_its_dependencies_and_its_own_code_decide(data, experiment, fresh, nothing):
    codes = data.draw(st.lists(st.sampled_from([0, 0, 0, 1]), min_size=1, max_size=12), label="exit codes")
    executor = fresh()
    exp = experiment()
    expected = {}
    for index, code in enumerate(codes):
        earlier = [f"job-{before}" for before in range(index)]
        wanted = data.draw(st.lists(st.sampled_from(earlier), unique=True) if earlier else st.just([]), label="needs")
        name = exp.add(nothing, attrs.evolve(executor, exit_codes=(code,)), f"job-{index}", dependencies=wanted)
        may_run = all(expected[before] is SUCCEEDED for before in wanted)
        expected[name] = SKIPPED if not may_run else FAILED if code else SUCCEEDED
    assert states(exp.run(check=False)) == expected


def test_what_needs_a_failed_job_is_skipped_and_says_for_which(experiment, memory, nothing, jobs_at):
    exp = experiment()
    executor = memory()
    exp.add(nothing, memory(exit_codes=(3,)), "bad")
    exp.add(nothing, executor, "next", dependencies=["bad"])
    exp.add(nothing, executor, "last", dependencies=["next"])
    exp.add(nothing, executor, "other")
    with pytest.raises(JobsFailed) as failure:
        exp.run()
    jobs = exp.status().jobs
    assert states(exp.status()) == {"bad": FAILED, "next": SKIPPED, "last": SKIPPED, "other": SUCCEEDED}
    assert jobs["next"].reason == "dependency 'bad' failed"
    assert jobs["last"].reason == "dependency 'next' did not run"
    assert set(failure.value.jobs) == {"bad", "next", "last"}
    assert [job.tag.job for job in jobs_at(executor)] == ["bad", "other"]


def test_a_failed_job_is_tried_again_as_often_as_its_executor_says(experiment, memory, nothing, jobs_at):
    exp = experiment()
    exp.add(nothing, memory(exit_codes=(1, 2, 0), retries=2), "recovers")
    exp.add(nothing, memory(exit_codes=(1, 2, 3, 0), retries=2), "does-not")
    exp.add(nothing, memory(), "after", dependencies=["recovers"])
    status = exp.run(check=False)
    assert states(status) == {"recovers": SUCCEEDED, "does-not": FAILED, "after": SUCCEEDED}
    assert (status.jobs["recovers"].attempt, status.jobs["does-not"].attempt) == (3, 3)
    assert status.jobs["does-not"].exit_code == 3
    assert len(jobs_at(memory())) == 7


def test_a_refused_job_fails_with_the_reason_and_is_not_tried_again(experiment, memory, nothing, happened):
    exp = experiment()
    exp.add(nothing, memory(refused="the queue is closed", retries=3), "refused")
    exp.add(nothing, memory(), "after", dependencies=["refused"])
    exp.add(nothing, memory(), "other")
    status = exp.run(check=False)
    assert states(status) == {"refused": FAILED, "after": SKIPPED, "other": SUCCEEDED}
    assert status.jobs["refused"].reason == "not submitted: the queue is closed"
    assert happened(exp).count(("submitting", "refused")) == 1


def test_what_a_backend_cannot_do_is_refused_before_anything_is_written(experiment, memory, nothing, tmp_path):
    exp = experiment()
    exp.add(nothing, memory(), "fine")
    exp.add([nothing, nothing], memory(), "group")
    with pytest.raises(PlanError, match="'group' needs 'groups', which memory refuses: nothing runs in memory"):
        exp.run()
    assert not (tmp_path / "home").exists()


def test_sequential_is_one_after_another_in_the_order_added(experiment, memory, nothing, happened):
    exp = experiment()
    names = [exp.add(nothing, memory(runs_for_s=0.01), name) for name in ("z", "a", "m")]
    exp.run(sequential=True)
    assert happened(exp) == [
        step for name in names for step in [("submitting", name), ("submitted", name), ("SUCCEEDED", name)]
    ]


def test_no_more_jobs_run_at_once_than_their_executor_allows(experiment, memory, nothing, jobs_at):
    exp = experiment()
    for index in range(12):
        exp.add(nothing, memory(runs_for_s=0.03, max_parallel=3), f"job-{index}")
    exp.run()
    jobs = jobs_at(memory())
    at_each_start = [sum(job.started_at <= one.started_at < job.ends_at for job in jobs) for one in jobs]
    assert max(at_each_start) == 3


def test_places_do_not_wait_for_each_other(experiment, fresh, nothing, happened):
    exp = experiment()
    exp.add(nothing, fresh(runs_for_s=1.0), "slow")
    quick, then = fresh(), fresh()
    for index in range(5):
        exp.add(nothing, quick, f"quick-{index}", dependencies=[f"then-{index - 1}"] if index else None)
        exp.add(nothing, then, f"then-{index}", dependencies=[f"quick-{index}"])
    exp.run()
    order = happened(exp)
    assert order.index(("SUCCEEDED", "then-4")) < order.index(("SUCCEEDED", "slow"))


def test_jobs_of_this_machine_and_of_another_place_depend_on_each_other(experiment, memory, nothing, tmp_path):
    exp = experiment()
    local, mark = LocalExecutor(), tmp_path / "mark"
    exp.add(Script(inline='echo made >"$1"', args=[mark]), local, "make")
    exp.add(nothing, memory(), "between", dependencies=["make"])
    exp.add(Script(inline='cat "$1"', args=[mark]), local, "read", dependencies=["between"])
    exp.run()
    assert exp.logs("read") == "made\n"


def test_more_jobs_than_one_batch_holds_all_run(experiment, memory, nothing, jobs_at):
    exp = experiment()
    for index in range(2500):
        exp.add(nothing, memory(), f"job-{index}")
    assert exp.run().state is SUCCEEDED
    assert len({job.tag for job in jobs_at(memory())}) == len(jobs_at(memory())) == 2500


def test_a_subclass_of_an_executor_goes_where_the_executor_goes(experiment, nothing, tmp_path, jobs_at):
    @attrs.frozen(kw_only=True)
    class TeamExecutor(MemoryExecutor):
        team: str = "speech"

    executor = TeamExecutor(system=str(tmp_path))
    exp = experiment()
    exp.add(nothing, executor, "job")
    exp.run()
    assert [job.tag.job for job in jobs_at(executor)] == ["job"]


# ---- what becomes of a task when it is added


def add(x: int, y: int = 0) -> int:
    return x + y


def test_a_task_that_is_changed_after_it_was_added_stays_as_it_was(experiment, memory):
    exp = experiment()
    task = Partial(add, x=1)
    exp.add(task, memory(), "one")
    task.x = 2
    exp.add(task, memory(), "two")
    assert [job.tasks[0].x for job in exp.plan().jobs] == [1, 2]


@attrs.frozen(kw_only=True)
class Twice(Plugin):
    """Doubles an argument in place, and gives the executor a retry."""

    def setup(self, task, executor):
        if isinstance(task, Script):
            task = attrs.evolve(task, env={"TWICE": "yes"})
        else:
            task.x *= 2
        return task, attrs.evolve(executor, retries=executor.retries + 1)


def test_plugins_change_the_tasks_and_the_executor_of_their_job_alone(experiment, memory, nothing):
    exp = experiment()
    task = Partial(add, x=1)
    exp.add(task, memory(), "plain")
    exp.add([task, nothing], LocalExecutor(), "changed", plugins=[Twice()])
    plain, changed = exp.plan().jobs
    assert (plain.tasks[0].x, plain.executor.retries) == (1, 0)
    assert (changed.tasks[0].x, changed.tasks[1].env, changed.executor.retries) == (2, {"TWICE": "yes"}, 2)
    assert task.x == 1


def test_what_is_no_plugin_is_refused(experiment, memory, nothing):
    with pytest.raises(PlanError, match=r"plugins must be a list of objects such as OurPlugin\(\), not 'speed'"):
        experiment().add(nothing, memory(), plugins=["speed"])


@autoconvert(partial=True)
def recipe():
    return add(x=40, y=2)


def test_an_autoconverted_function_is_the_task_that_it_describes(experiment, memory):
    exp = experiment()
    exp.add(recipe, memory())
    (job,) = exp.plan().jobs
    assert job.tasks == (Partial(add, x=40, y=2),)
