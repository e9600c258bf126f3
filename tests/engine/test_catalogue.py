"""Finding experiments: whatever the cache holds, or whether there is one, lists say what the record says."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nrun import Experiment, PlanError, Script, UsageError
from nrun.record import catalogue_cache
from nrun.search import Query, query_of, search


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def cache(home):
    return home / "cache" / "catalogue.sqlite3"


@pytest.fixture
def ran(experiment, memory):
    """Runs an experiment of one job to its end, and gives it."""

    def run(title="test", job="only"):
        exp = experiment(title)
        exp.add(Script(inline="true"), memory(), name=job)
        exp.run()
        return exp

    return run


def ids(home, **asked):
    return [status.id for status in Experiment.catalog(home=home, **asked)]


def told(home):
    return [status.to_json() for status in Experiment.catalog(home=home)]


# ---- what is asked


def test_by_title_state_tag_time_and_text(ran, home):
    first, second, other = ran("train-a", "resnet"), ran("train-b"), ran("evaluate")
    second.tag("paper", "keep")
    other.tag("paper")
    other.note("Diverges after epoch 3")
    newest_first = [other.id, second.id, first.id]
    assert ids(home) == newest_first
    assert ids(home, title="train-a") == [first.id]
    assert ids(home, title="train-*") == [second.id, first.id]
    assert ids(home, state="succeeded") == newest_first
    assert ids(home, state=["FAILED", "CANCELLED"]) == []
    assert ids(home, tag="paper") == [other.id, second.id]
    assert ids(home, tag=["paper", "keep"]) == [second.id]
    assert ids(home, tag="pap") == []
    assert ids(home, text="DIVERGES") == [other.id]
    assert ids(home, text="resnet") == [first.id]
    assert ids(home, text="train-B") == [second.id]
    assert ids(home, since="1h") == newest_first
    assert ids(home, until="1h") == []
    assert ids(home, since=other.status().created) == [other.id]
    assert ids(home, title="train-*", tag="paper", state="SUCCEEDED", since="2020-01-01") == [second.id]


def test_in_pages(ran, home):
    newest_first = [ran("many").id for _ in range(5)][::-1]
    for asked in ({}, {"title": "many"}, {"state": "SUCCEEDED"}):
        query = query_of(**asked)
        for offset in range(6):
            found = search(home, query, limit=2, offset=offset)
            assert found.total == 5
            assert [status.id for status in found.statuses] == newest_first[offset : offset + 2]
    assert ids(home, limit=2, offset=1) == newest_first[1:3]


def test_what_cannot_be_asked_is_refused(home):
    with pytest.raises(UsageError, match="Did you mean 'FAILED'"):
        Experiment.catalog(state="FALED", home=home)
    with pytest.raises(UsageError, match="is no moment"):
        Experiment.catalog(since="yesterday", home=home)


def test_the_size_of_the_files(ran, home):
    exp = ran()
    (exp.path / "more").write_bytes(b"x" * 1000)
    everything = sum(path.lstat().st_size for path in exp.path.rglob("*") if path.is_file())
    for _ in range(2):
        assert [status.size for status in search(home, Query(), sizes=True).statuses] == [everything]


# ---- tags and notes


def test_tags_and_notes_stay_with_the_record(ran, experiment):
    exp = ran()
    exp.tag("a", "b")
    exp.tag("c", "a")
    exp.untag("b", "never had")
    exp.note("first\nof two lines")
    exp.note("second")
    known = experiment.known(exp.id)
    for one in (exp, known):
        assert one.tags == ("a", "c")
        assert [note.text for note in one.notes] == ["first\nof two lines", "second"]
        assert one.status().tags == ("a", "c")
        assert [note.text for note in one.status().notes] == ["first\nof two lines", "second"]
    assert "tags: a, c" in str(known.status())


@pytest.mark.parametrize("tag", ["", "a b", "a,b", "-a", "a\nb", "\x1b[31m", 3])
def test_what_is_no_tag_is_refused(ran, tag):
    exp = ran()
    with pytest.raises(UsageError, match="a tag is a word"):
        exp.tag("good", tag)
    assert exp.tags == ()


def test_what_was_not_run_has_no_record_for_tags(experiment):
    with pytest.raises(PlanError, match="has not been run"):
        experiment().tag("a")


# ---- the cache


def test_with_and_without_a_cache_the_answer_is_the_same(ran, home, cache):
    ran("one").note("a note")
    ran("two").tag("x")
    cold = told(home)
    assert cache.exists()
    assert told(home) == cold
    cache.unlink()
    assert told(home) == cold


def test_what_changes_is_read_again(ran, home):
    exp = ran()
    assert [status.tags for status in Experiment.catalog(home=home)] == [()]
    exp.tag("new")
    assert [status.tags for status in Experiment.catalog(home=home)] == [("new",)]
    assert ids(home, tag="new") == [exp.id]
    description = exp.path / "experiment.json"
    description.write_text("{")
    (status,) = Experiment.catalog(home=home)
    assert status.state == "UNKNOWN"
    assert "damaged" in status.warnings[0]


def test_a_run_is_seen_while_it_goes_on_and_when_it_has_ended(experiment, memory, home):
    exp = experiment()
    exp.add(Script(inline="true"), memory(), name="only")
    seen = []

    async def run():
        task = asyncio.create_task(exp.run_async())
        while not task.done():
            seen.extend(status.state.value for status in Experiment.catalog(home=home))
            await asyncio.sleep(0)
        await task

    asyncio.run(run())
    assert set(seen) <= {"PENDING", "SUBMITTED", "RUNNING", "SUCCEEDED"}
    assert [status.state for status in Experiment.catalog(home=home)] == ["SUCCEEDED"]


def test_what_has_not_ended_is_not_kept(ran, home, cache):
    exp = ran()
    journal = exp.path / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:3]))  # as if it were still running
    (status,) = Experiment.catalog(home=home)
    assert not status.state.ended
    journal.write_bytes(b"".join(lines[:-1]))  # every job has ended, but nobody said that this is all
    Experiment.catalog(home=home)
    with sqlite3.connect(cache) as connection:
        assert connection.execute("SELECT count(*) FROM found").fetchone() == (0,)
    connection.close()


def test_what_is_gone_is_forgotten(ran, home, cache):
    gone, stays = ran("one"), ran("two")
    Experiment.catalog(home=home)
    shutil.rmtree(gone.path)
    assert ids(home) == [stays.id]
    new = ran("three")
    assert ids(home) == [new.id, stays.id]
    with sqlite3.connect(cache) as connection:
        keys = {key for (key,) in connection.execute("SELECT key FROM found")}
        assert keys == {key for (key,) in connection.execute("SELECT key FROM shown")}
    connection.close()
    assert keys == {f"two/{stays.id}", f"three/{new.id}"}


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    damage=st.tuples(st.sampled_from(["cut", "noise", "other"]), st.floats(0, 1), st.binary(min_size=1, max_size=64))
)
def test_a_damaged_cache_hides_nothing(ran, home, cache, damage):
    how, where, noise = damage
    if not home.exists():
        ran("one")
        ran("two")
        ran("three").tag("x")
    wanted = ids(home)
    content = cache.read_bytes() if cache.exists() else b""
    at = int(where * len(content))
    damaged = {"cut": content[:at], "noise": content[:at] + noise + content[at + len(noise) :], "other": noise}
    cache.write_bytes(damaged[how])
    assert ids(home) == wanted
    assert ids(home, title="t*") == wanted[:2]
    if how != "noise":  # noise in a text is not noticed
        assert ids(home, tag="x") == wanted[:1]
    search(home, query_of(state="FAILED", text="x", since="1d"), sizes=True)


def test_documents_that_make_no_sense_are_read_from_the_record(ran, home, cache):
    ran()
    wanted = told(home)
    for nonsense in ("", "[]", "{}", '{"jobs": [{}]}', "null"):
        with sqlite3.connect(cache) as connection:
            connection.execute("UPDATE shown SET document = ?", (nonsense,))
        connection.close()
        assert told(home) == wanted


def test_a_locked_cache_is_done_without(ran, home, cache, monkeypatch):
    ran("one")
    wanted = told(home)
    monkeypatch.setattr(catalogue_cache, "PATIENCE_S", 0.01)
    connection = sqlite3.connect(cache, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    assert told(home) == wanted
    connection.close()
    assert cache.exists()


@pytest.fixture
def nobody():
    """Has the rest of the test be done by somebody who owns nothing; root may write anywhere."""
    if os.geteuid() == 0:
        os.seteuid(65534)
        yield
        os.seteuid(0)
    else:
        yield


@pytest.fixture
def read_only(ran, home):
    """A record of one experiment that anybody may read and nobody may write."""
    exp = ran()
    copy = Path(tempfile.mkdtemp(prefix="nrun-test-"))
    shutil.copytree(home, copy / "home")
    for path in (copy, copy / "home", *(copy / "home").rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield copy / "home", exp.id
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o700)
    shutil.rmtree(copy)


def test_a_record_that_may_only_be_read_is_listed(read_only, nobody):
    home, id_ = read_only
    with pytest.raises(PermissionError):
        (home / "file").touch()
    assert ids(home) == ids(home, state="SUCCEEDED") == [id_]


def test_where_no_cache_can_be_it_is_done_without(ran, home, tmp_path, monkeypatch):
    exp = ran()
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("long" * 100)):
        monkeypatch.setenv("NRUN_CACHE", str(place))
        assert ids(home) == [exp.id]
    assert not (home / "cache").exists()


def test_the_cache_may_be_elsewhere(ran, home, tmp_path, monkeypatch):
    exp = ran()
    monkeypatch.setenv("NRUN_CACHE", str(tmp_path / "cache"))
    assert ids(home) == ids(home) == [exp.id]
    assert len(list((tmp_path / "cache").iterdir())) == 1
    assert not (home / "cache").exists()


def test_looking_at_one_experiment_reads_no_other(ran, experiment, home):
    exp = ran("one")
    other = ran("two")
    time.sleep(0.01)
    (other.path / "experiment.json").unlink()
    (other.path / "journal.jsonl").unlink()
    other.path.chmod(0)
    try:
        assert experiment.known(exp.id).status().state == "SUCCEEDED"
    finally:
        other.path.chmod(0o700)
