"""SIGKILL, at any line and at any call: nothing is lost, nothing runs twice, nothing is said that is not so."""

from __future__ import annotations


def test_whoever_is_killed_the_experiment_ends_as_it_should(driver, tmp_path, seed):
    problems, log = driver.kills(seed, tmp_path)
    again = f"again: python tests/faults/driver.py {seed}"
    assert not problems, "\n".join([*problems, "what was done:", *log, again])


def test_a_retry_that_is_owed_is_told_of_and_made_by_whoever_carries_on(rig):
    """Killed when the only job has failed, before it was said that it is tried again."""
    failed = {"name": "write", "path": "journal.jsonl", "has": '"state":"FAILED"', "number": 1, "after": True}
    rig.run("once", fault={"who": "launcher", "how": "call", **failed})
    status = rig.experiment().status()
    assert status.state == "FAILED"
    assert [note for note in status.warnings if "nobody looks after" in note]
    assert rig.run("leave", rig.id())[0] == 0
    rig.wait_for_supervisors()
    job = rig.experiment().status().jobs["flaky"]
    assert (job.state, job.attempt) == ("SUCCEEDED", 2)
    assert [line[2] for line in rig.lines() if line[0] == "start"] == [1, 2]
