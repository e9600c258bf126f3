"""The journal is cut within its last line, whatever that is: the experiment goes on as if it had not been written."""

from __future__ import annotations

import shutil
import time

import pytest

KINDS = ["started", "submitting", "submitted", "observed", "retrying", "skipped", "ended"]
WRITTEN = [
    pytest.param({"name": "write", "has": f'"kind":"{kind}"', "number": number}, id=f"{kind}-{number}")
    for kind in KINDS
    for number in ((1, 3) if kind in {"submitting", "submitted", "observed"} else (1,))
]
SPAWNED = [
    pytest.param({"name": "posix_spawn", "number": number}, id=f"a job started-{number}") for number in (1, 3, 4, 8)
]


@pytest.mark.timeout(1200)  # with 300 seeds every byte is tried
@pytest.mark.parametrize("moment", [*WRITTEN, *SPAWNED])
def test_a_journal_cut_within_its_last_line_loses_and_doubles_nothing(driver, rig, tmp_path, moment, pytestconfig):
    """Whoever is in charge is killed when it has written a line of some kind, or started a job and not yet said so."""
    path = "journal.jsonl" if moment["name"] == "write" else ""
    rig.run("launch", fault={"who": "launcher", "how": "call", "after": True, "path": path, **moment})
    until = time.monotonic() + driver.DEADLINE_S
    while rig.jobs() and time.monotonic() < until:
        time.sleep(0.02)
    data = (rig.experiment().path / "journal.jsonl").read_bytes()
    begin = data.rindex(b"\n", 0, -1) + 1 if data.count(b"\n") > 1 else 0
    everywhere = pytestconfig.getoption("--fault-seeds") >= 300
    for cut in range(begin, len(data)) if everywhere else [(begin + len(data)) // 2, len(data) - 1]:
        copy = driver.Rig(tmp_path / f"cut-{cut - begin}")
        shutil.copytree(rig.home, copy.home)
        shutil.copyfile(rig.trace, copy.trace) if rig.trace.exists() else copy.trace.touch()
        (copy.experiment().path / "journal.jsonl").write_bytes(data[:cut])
        assert copy.run("attach", copy.id())[0] == 0
        assert not driver.wrong(copy), f"cut at byte {cut - begin} of the last line"
