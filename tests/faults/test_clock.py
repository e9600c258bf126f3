"""The clock of the day is set while jobs run: nothing is stopped, tried again or waited for because of that."""

from __future__ import annotations

import pytest

HOUR = 3600.0
STEPS = {
    "forwards": [[0.8, HOUR]],
    "back": [[0.8, -HOUR]],
    "to and fro": [[0.3, HOUR], [0.6, -2 * HOUR], [0.9, 48 * HOUR], [1.2, -48 * HOUR], [1.5, HOUR]],
}


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_limits_and_pauses_do_not_depend_on_the_clock_of_the_day(rig, steps):
    assert rig.run("limits", fault={"who": "launcher", "how": "clock", "steps": steps})[0] == 0
    ended_as_they_should(rig)


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_whoever_carries_on_with_another_clock_stops_nothing_and_waits_no_longer(rig, by):
    rig.run("limits", kill_after_s=1.2)
    fault = {"who": "launcher", "how": "clock", "steps": [[0.0, by]]}
    assert rig.run("attach", rig.id(), fault=fault)[0] == 0
    ended_as_they_should(rig)


def ended_as_they_should(rig):
    jobs = rig.experiment().status().jobs
    assert {name: (job.state.value, job.reason, job.attempt) for name, job in jobs.items()} == {
        "talks": ("SUCCEEDED", None, 1),
        "long": ("SUCCEEDED", None, 1),
        "late": ("FAILED", "time limit of 0.6 s reached", 1),
        "hung": ("FAILED", "no output for 0.6 s", 1),
        "again": ("SUCCEEDED", None, 2),
    }
    assert not rig.clean()
