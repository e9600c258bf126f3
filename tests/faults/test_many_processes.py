"""Many processes look after one experiment at once: one acts, all answer."""

from __future__ import annotations

import json
import os
import re
import signal
import socket

import pytest

MANY = 32
IN_CHARGE = 75


def at_once(rig, *commands):
    """Run 32 processes, each with one of the commands, at the same moment; gives verb, exit code and output."""
    wanted = [commands[number % len(commands)] for number in range(MANY)]
    code, said = rig.run("crowd", json.dumps(wanted))
    assert code == 0, said
    texts = [(rig.root / f"said-{number}").read_text() for number in range(MANY)]
    answers = [(words[0], one, text) for words, one, text in zip(wanted, json.loads(said), texts, strict=True)]
    assert not [text for _, one, text in answers if one not in {0, IN_CHARGE}]
    assert not [text for verb, one, text in answers if one == IN_CHARGE and verb != "resume"]
    return answers


def test_while_somebody_is_in_charge_all_others_answer_and_say_who_it_is(rig):
    rig.run("lasting")
    (supervisor,), id_ = rig.supervisors(), rig.id()
    answers = at_once(rig, ["status", id_], ["logs", id_, "lasts-0"], ["resume", id_], ["resume", id_])
    told = f"process {supervisor} on {socket.gethostname()} (since "
    assert all(told in text for verb, _, text in answers if verb == "resume")
    assert rig.supervisors() == [supervisor]
    at_once(rig, ["cancel", id_], ["status", id_], ["resume", id_], ["logs", id_, "lasts-1"])
    rig.run("attach", id_)
    status = rig.experiment().status()
    assert {job.state.value for job in status.jobs.values()} == {"CANCELLED"}
    assert not status.warnings
    assert not rig.clean()


@pytest.mark.parametrize("last", ["resume", "cancel"])
def test_of_many_that_carry_on_what_nobody_looks_after_one_does(rig, driver, last):
    rig.run("detach")
    for pid in rig.supervisors():
        os.kill(pid, signal.SIGKILL)
    id_ = rig.id()
    answers = at_once(rig, ["resume", id_], ["status", id_], ["logs", id_, "first"], [last, id_])
    refused = [text for _, code, text in answers if code == IN_CHARGE]
    assert all(re.search(r"process \d+ on \S+ \(since ", text) for text in refused)
    assert rig.run("attach", id_)[0] == 0
    if last == "resume":
        assert refused
        assert not driver.wrong(rig)
        return
    jobs = rig.experiment().status().jobs
    assert all(job.state.ended for job in jobs.values())
    assert {job.state.value for job in jobs.values()} <= {"CANCELLED", "SUCCEEDED", "SKIPPED", "FAILED"}
    assert len(set(rig.lines())) == len(rig.lines())
    assert not rig.clean()
