"""Retention: what is to go goes, whole and with a reason; everything else stays as it is."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nrun import ExperimentStatus, State, UsageError
from nrun.errors import JobsFailed, RecordError
from nrun.model import Files
from nrun.packaging.snapshot import keep, survey
from nrun.packaging.store import Store
from nrun.record import ExperimentFolder, JobStatus
from nrun_command_housekeeping.removal import remove
from nrun_command_housekeeping.retention import Policy, doomed, tagged_to_stay

DAY = 86400


def status(number, *, state=State.SUCCEEDED, days=0.0, **known):
    job = JobStatus(name="only", state=state, ended_at=-days * DAY if state.ended else None)
    known = {"title": "t", "size": 10, **known}
    return ExperimentStatus(id=f"{number:04d}", state=state, created=-days * DAY, jobs={"only": job}, **known)


def going(statuses, **wishes):
    return {one.status.id: one.reason for one in doomed(statuses, Policy(**wishes), now=0.0)}


def test_by_age():
    statuses = [status(3, days=1), status(2, days=29.9), status(1, days=30.1), status(0, days=400)]
    assert going(statuses, older_than_s=30 * DAY) == {"0000": "ended 400 days ago", "0001": "ended 30 days ago"}


def test_by_size_the_oldest_go_until_the_rest_fits():
    statuses = [status(number, size=10) for number in (4, 3, 2, 1)]
    assert list(going(statuses, max_size=25)) == ["0001", "0002"]
    assert going(statuses, max_size=40) == {}


def test_by_state_and_the_newest_of_each_title_stay():
    statuses = [
        status(5, title="a"),
        status(4, title="b", state=State.FAILED),
        status(3, title="a", state=State.FAILED),
        status(2, title="a", state=State.FAILED),
        status(1, title="b"),
    ]
    failed = frozenset({State.FAILED})
    assert going(statuses, states=failed) == {"0002": "FAILED", "0003": "FAILED", "0004": "FAILED"}
    assert going(statuses, states=failed, keep_last=2) == {"0002": "2 of 'a' are newer, FAILED"}
    assert list(going(statuses, keep_last=1)) == ["0001", "0002", "0003"]
    assert going(statuses, states=failed, older_than_s=DAY) == {}


def test_without_a_wish_nothing_goes():
    assert going([status(1, days=10_000, size=10**15)]) == {}


STATUSES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(list(State)),
        st.floats(0, 100),
        st.integers(0, 100),
        st.sampled_from([(), ("keep",), ("other",)]),
        st.sampled_from([(), ("damaged",)]),
    ),
    max_size=12,
)
WISHES = st.fixed_dictionaries(
    {},
    optional={
        "older_than_s": st.floats(0, 100 * DAY),
        "max_size": st.integers(0, 500),
        "states": st.frozensets(st.sampled_from(list(State))),
        "keep_last": st.integers(0, 3),
    },
)


@given(STATUSES, WISHES)
def test_what_must_stay_stays_whatever_is_wished(made, wishes):
    statuses = [
        status(100 - n, title=title, state=state, days=days, size=size, tags=tags, warnings=warnings)
        for n, (title, state, days, size, tags, warnings) in enumerate(made)
    ]
    gone = going(statuses, **wishes)
    for one in statuses:
        if not one.state.ended or "keep" in one.tags or one.warnings:
            assert one.id not in gone
    assert all(gone.values()), "each has a reason"
    if "keep_last" in wishes:
        for title in "ab":
            newest = [one.id for one in statuses if one.title == title][: wishes["keep_last"]]
            assert not set(newest) & gone.keys()


# ---- on disk


def test_a_dry_run_says_what_a_run_removes_and_changes_nothing(ran, home, as_json, contents):
    old, new = ran(), ran()
    as_json("list")
    before = contents(home)
    told = as_json("experiment", "gc", "--dry-run", "--keep-last", "1")
    assert contents(home).keys() == before.keys()
    assert [(one["id"], one["reason"]) for one in told["experiments"]] == [(old.id, "1 of 'test' are newer")]
    done = as_json("experiment", "gc", "--yes", "--keep-last", "1")
    assert [one["id"] for one in done["experiments"]] == [old.id]
    assert told["experiments"][0]["size"] > 0
    assert [one["id"] for one in as_json("list")] == [new.id]
    assert not old.path.exists()
    assert list((home / "experiments" / ".trash").iterdir()) == []


def test_nobody_is_removed_without_being_asked_for(ran, nrun, as_json):
    exp = ran()
    with pytest.raises(UsageError, match="nobody can be asked"):
        nrun("experiment", "gc", "--keep-last", "0")
    assert [one["id"] for one in as_json("list")] == [exp.id]


def test_what_is_kept_running_or_looked_after_stays(ran, nrun, as_json):
    tagged, running, held, goes = ran(), ran(), ran(), ran()
    tagged.tag("keep")
    journal = running.path / "journal.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:3]))
    with (held.path / "charge.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = nrun("experiment", "gc", "--yes", "--keep-last", "0")
    assert f"looking after experiment {held.id}" in done.stderr
    assert {one["id"] for one in as_json("list")} == {tagged.id, running.id, held.id}
    assert not goes.path.exists()


def test_what_changed_since_it_was_looked_at_stays(ran, home):
    exp = ran()
    exp.tag("keep")
    with pytest.raises(RecordError, match="tagged `keep`"):
        asyncio.run(remove(ExperimentFolder(home, exp.title, exp.id), tagged_to_stay))
    assert exp.path.exists()
    assert exp.status().state == "SUCCEEDED"


def test_what_crashes_left_behind_is_swept(ran, home, as_json):
    exp = ran()
    names = ["experiments/.trash/x.1", "experiments/.restoring-a", "experiments/t/.claimed-c", "bundles/.packing-b"]
    for name in (*names, "experiments/.restoring-new", "experiments/t/.claimed-new", "bundles/.packing-new"):
        (home / name / "below").mkdir(parents=True)
        (home / name / "below" / "file").write_bytes(b"12345")
    for name in names:
        os.utime(home / name, (time.time() - 2 * DAY,) * 2)
    done = as_json("experiment", "gc", "--yes")
    assert {one["path"].removeprefix(f"{home}/") for one in done["leftovers"]} == set(names)
    assert [one["size"] for one in done["leftovers"]] == [5] * len(names)
    assert not any((home / name).exists() for name in names)
    assert (home / "experiments/.restoring-new").exists()
    assert (home / "experiments/t/.claimed-new").exists()
    assert (home / "bundles/.packing-new").exists()
    assert [one["id"] for one in as_json("list")] == [exp.id]


@pytest.fixture
def packed(home, tmp_path):
    """Makes a bundle of files, that was packed some days ago; gives its id."""

    def pack(*files, days=9):
        for name in files:
            (tmp_path / name).write_text(name)
        store = home / "bundles"
        store.mkdir(exist_ok=True, parents=True)
        bundle = keep(survey([Files(tmp_path, files)]), store)
        for name in (
            f"{bundle}.manifest",
            f"{bundle}.packs",
            *(f"packs/{pack}" for pack in Store(store).packs(bundle)),
        ):
            os.utime(store / name, (time.time() - days * DAY,) * 2)
        return bundle

    return pack


def used_by(exp, bundle):
    with (exp.path / "journal.jsonl").open("a") as journal:
        journal.write(f'{{"kind":"packed","at":1,"executor":0,"bundle":"{bundle}"}}\n')


def whole(home, bundle):
    return Store(home / "bundles").has(bundle)


def test_code_goes_once_no_record_has_it(ran, home, as_json, packed):
    exp = ran()
    used, unused, fresh, damaged = packed("a"), packed("b"), packed("c", days=0), packed("d")
    used_by(exp, used)
    with (exp.path / "journal.jsonl").open("a") as journal:
        journal.write(f"damaged {damaged}\n")
    told = as_json("experiment", "gc", "--dry-run")
    (pack,) = Store(home / "bundles").packs(unused)
    gone = {f"bundles/{unused}.manifest", f"bundles/{unused}.packs", f"bundles/packs/{pack}"}
    assert {one["path"].removeprefix(f"{home}/") for one in told["leftovers"]} == gone
    as_json("experiment", "gc", "--yes")
    assert not any((home / name).exists() for name in gone)
    assert all(whole(home, bundle) for bundle in (used, fresh, damaged))


def test_contents_stay_as_long_as_another_bundle_has_them(ran, home, as_json, packed):
    exp = ran()
    before, after = packed("a", "b"), packed("a")
    assert Store(home / "bundles").packs(before) == Store(home / "bundles").packs(after)
    used_by(exp, after)
    as_json("experiment", "gc", "--yes")
    assert (whole(home, before), whole(home, after)) == (False, True)


def test_code_goes_together_with_the_last_experiment_that_has_it(ran, home, as_json, packed):
    exp, code = ran(), packed("a")
    used_by(exp, code)
    done = as_json("experiment", "gc", "--yes", "--keep-last", "0")
    assert [one["id"] for one in done["experiments"]] == [exp.id]
    assert not whole(home, code)
    assert not list((home / "bundles" / "packs").iterdir())


def test_an_archive_has_the_code_too(ran, home, nrun, tmp_path, packed):
    code = packed("odd \\ é", "run.tmp")
    exp = ran()
    used_by(exp, code)
    file = tmp_path / "kept.tar.gz"
    assert nrun("experiment", "archive", exp.id, "-o", file, "--remove").exit_code == 0
    shutil.rmtree(home / "bundles")
    assert nrun("experiment", "restore", file).exit_code == 0
    Store(home / "bundles").lay_out(code, str(tmp_path / "again"))
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == ["odd \\ é", "run.tmp"]


def test_packing_the_same_code_again_keeps_it(home, tmp_path, packed, as_json):
    code = packed("a")
    keep(survey([Files(tmp_path, ["a"])]), home / "bundles")
    as_json("experiment", "gc", "--yes")
    assert whole(home, code)


def test_failed_runs_can_be_cleared(ran, as_json):
    good, bad = ran(), ran("exit 3")
    with pytest.raises(JobsFailed):
        bad.resume()
    as_json("experiment", "gc", "--yes", "--state", "failed,cancelled")
    assert [one["id"] for one in as_json("list")] == [good.id]
