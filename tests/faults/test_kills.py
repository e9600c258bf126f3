"""SIGKILL, at any line and at any call: nothing is lost, nothing runs twice, nothing is said that is not so."""

from __future__ import annotations


def test_whoever_is_killed_the_experiment_ends_as_it_should(driver, tmp_path, seed):
    problems, log = driver.kills(seed, tmp_path)
    assert not problems, "\n".join([*problems, "what was done:", *log, f"again: python tests/faults/driver.py {seed}"])
