from __future__ import annotations

import json

import attrs
import pytest

from nrun import events
from nrun.events import Event, from_json, to_json
from nrun.model import Observation, State

SEEN = Observation(
    state=State.FAILED,
    source="exit marker",
    observed_at=1002.0,
    exit_code=3,
    signal="SIGTERM",
    reason="why",
    nodes=("n1", "n2"),
    started_at=1000.0,
    ended_at=1002,
)
EVENTS = [
    events.ExperimentStarted(at=1000.0, title="hello", jobs=2, pid=7, host="here"),
    events.JobSubmitting(at=1000.0, job="a", attempt=1),
    events.JobSubmitted(at=1000.0, job="a", attempt=1, handle={"pid": 8, "more": [1, None]}, state=State.RUNNING),
    events.JobRefused(at=1000.0, job="b", attempt=1, reason="no room"),
    events.JobObserved(at=1002.0, job="a", attempt=1, observation=SEEN),
    events.JobSkipped(at=1002.0, job="c", reason="dependency 'b' failed"),
    events.CancelRequested(at=1002.0, job="a", by="somebody"),
    events.LimitReached(at=1002.0, job="a", attempt=1, reason="time limit of 0.5 s reached"),
    events.JobRetrying(at=1002.5, job="a", executor=1, not_before=1003.0, reason="attempt 1 failed: SIGKILL"),
    events.JobRerun(at=1002.5, job="a", by="somebody"),
    events.CodePacked(at=1002.5, executor=0, bundle="0f"),
    events.Underway(at=1002.0, action="pack code", done=3, total=0),
    events.ControlError(at=1002.0, action="observe", message="no answer", jobs=("a", "b")),
    events.Noted(at=1002.0, text="why it failed", by="somebody"),
    events.Tagged(at=1002.0, by="somebody", add=("keep", "paper"), remove=("draft",)),
    events.ExperimentEnded(at=1003.0, state=State.FAILED),
]


def line_of(event: Event) -> dict:
    return json.loads(json.dumps(to_json(event)))


def test_every_kind_of_event_is_among_these():
    assert {event.kind for event in EVENTS} == {cls.kind for cls in Event.__subclasses__()}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_an_event_comes_back_from_its_line_as_it_was(event):
    assert from_json(line_of(event)) == event
    assert from_json(line_of(event) | {"of a newer nrun": [1]}) == event


def wrong_values(event: Event) -> list[tuple[str, object]]:
    """For each field that its line has, values of a wrong type or that no such field can have."""
    wrong: list[tuple[str, object]] = []
    for name, value in line_of(event).items():
        if (event.kind, name) == ("started", "jobs"):
            continue  # the number of jobs is for observers; nobody reads it back
        others: list[object] = [None, ["x"], {"state": "RUNNING"}]
        if isinstance(value, int | float):
            others += ["1", float("nan"), float("inf")]
        if isinstance(value, float):
            others += [10**400]
        if isinstance(value, str):
            others += [1]
        if isinstance(value, list):
            others = [None, 1, [1], {"a": 1}]
        if isinstance(value, dict):
            others = [None, 1, ["x"]]
        wrong += [(name, other) for other in others]
    return wrong


@pytest.mark.parametrize(
    ("event", "name", "value"),
    [(event, name, value) for event in EVENTS for name, value in wrong_values(event)],
)
def test_a_line_with_a_value_that_cannot_be_is_no_event(event, name, value):
    with pytest.raises((ValueError, TypeError, KeyError)):
        from_json(line_of(event) | {name: value})


@pytest.mark.parametrize("field", [field.name for field in attrs.fields(Observation)])
def test_an_observation_with_a_value_that_cannot_be_is_no_event(field):
    line = line_of(EVENTS[4])
    for value in (None, {"a": 1}, [1], float("inf")):
        with pytest.raises((ValueError, TypeError, KeyError)):
            from_json(line | {"observation": line["observation"] | {field: value}})
